package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/tizza/tizza/pkg/inbox"
	"github.com/tizza/tizza/services/auth/internal/erasure"
)

// Receive implements erasure.Store.
func (l *Ledger) Receive(ctx context.Context, queue string, receipt erasure.Receipt) error {
	return known(l.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		first, err := inbox.First(tx, queue, receipt.Message)
		if err != nil || !first {
			return err
		}
		var r erasureRow // locked, as two holders that answer at once would each see the other as pending
		err = tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).
			Take(&r, "id = ? AND user_uuid = ?", receipt.Erasure, receipt.Person).Error
		if err != nil {
			return err
		}
		if err := note(tx, receipt); err != nil {
			return err
		}
		return settle(tx, "id = ?", receipt.Erasure)
	}), "")
}

// note writes what a holder says. While it has something left it stays pending, unless nobody waits for it any more. A
// further round adds to what the rounds before it deleted: an erasure that found nothing more takes no count away.
func note(tx *gorm.DB, receipt erasure.Receipt) error {
	counts := receipt.Deleted
	if counts == nil {
		counts = map[string]int32{}
	}
	deleted, err := json.Marshal(counts)
	if err != nil {
		return fmt.Errorf("note a receipt of %s: %w", receipt.Service, err)
	}
	state, erasedAt := erasure.HolderErased, &receipt.ErasedAt
	if receipt.Left > 0 {
		state, erasedAt = erasure.HolderPending, (*time.Time)(nil)
	}
	err = tx.Exec(`
		INSERT INTO erasure_holders AS h (erasure_id, service, state, deleted, remaining, erased_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (erasure_id, service) DO UPDATE SET
			state = CASE WHEN h.state = 'retired' AND excluded.state = 'pending' THEN 'retired' ELSE excluded.state END,
			deleted = (
				SELECT coalesce(jsonb_object_agg(t, coalesce((h.deleted ->> t)::bigint, 0) + coalesce((excluded.deleted ->> t)::bigint, 0)), '{}')
				FROM jsonb_object_keys(h.deleted || excluded.deleted) AS t),
			remaining = excluded.remaining, erased_at = excluded.erased_at`,
		receipt.Erasure, receipt.Service, state, string(deleted), receipt.Left, erasedAt).Error
	if err != nil {
		return fmt.Errorf("note a receipt of %s: %w", receipt.Service, err)
	}
	return nil
}

// settle completes those of the erasures, which tx has locked or made, that wait for nobody any more. One that turns
// out to wait for somebody after all is not complete.
func settle(tx *gorm.DB, which string, args ...any) error {
	err := tx.Exec(`
		UPDATE erasures e SET completed_at = CASE
			WHEN holders_known AND NOT EXISTS (SELECT FROM erasure_holders h WHERE h.erasure_id = e.id AND h.state = 'pending')
			THEN coalesce(completed_at, clock_timestamp()) END
		WHERE `+which, args...).Error
	if err != nil {
		return fmt.Errorf("settle erasures: %w", err)
	}
	return nil
}
