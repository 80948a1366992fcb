package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/tizza/tizza/pkg/inbox"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/services/auth/internal/erasure"
)

// Receive implements erasure.Store.
func (l *Ledger) Receive(ctx context.Context, queue string, receipts ...erasure.Receipt) error {
	return known(l.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		ids := make([]uuid.UUID, len(receipts))
		for i, r := range receipts {
			ids[i] = r.Message
		}
		first, err := inbox.First(tx, queue, ids...)
		if err != nil || len(first) == 0 {
			return err
		}
		var fresh []erasure.Receipt
		for _, r := range receipts {
			if first[r.Message] {
				fresh = append(fresh, r)
				delete(first, r.Message)
			}
		}
		return receive(tx, fresh)
	}), "")
}

// receive locks the erasures first, as two holders that answer at once would each see the other as pending.
func receive(tx *gorm.DB, receipts []erasure.Receipt) error {
	ids := make([]string, len(receipts))
	for i, r := range receipts {
		ids[i] = r.Erasure
	}
	var rows []erasureRow
	err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).
		Order(clause.OrderByColumn{Column: clause.Column{Name: "id"}}).Find(&rows, "id = ANY(?)", postgres.Array(ids)).Error
	if err != nil {
		return err
	}
	people := make(map[string]uuid.UUID, len(rows))
	for _, r := range rows {
		people[r.ID] = r.UserUUID
	}
	for _, r := range receipts {
		if person, known := people[r.Erasure]; !known || person != r.Person {
			return gorm.ErrRecordNotFound
		}
	}
	if err := withoutStrangers(tx, receipts); err != nil {
		return err
	}
	if err := note(tx, receipts...); err != nil {
		return err
	}
	return settle(tx, "id = ANY(?)", postgres.Array(ids))
}

// withoutStrangers returns an error if a service that has never been known as a holder says that it has something left:
// nobody but a holder makes an erasure wait. One that has just begun to be one may be ahead of the news of it; it is
// heard on another try.
func withoutStrangers(tx *gorm.DB, receipts []erasure.Receipt) error {
	var services []string
	for _, r := range receipts {
		if r.Left > 0 {
			services = append(services, r.Service)
		}
	}
	if len(services) == 0 {
		return nil
	}
	var stranger string
	err := tx.Raw("SELECT s FROM unnest(?::text[]) AS s WHERE s NOT IN (SELECT service FROM holders) LIMIT 1", postgres.Array(services)).
		Scan(&stranger).Error
	if err != nil {
		return fmt.Errorf("look for holders: %w", err)
	}
	if stranger != "" {
		return fmt.Errorf("receipt of %q: not known as a holder", stranger)
	}
	return nil
}

// noted is a receipt on its way into the table of holders.
type noted struct {
	Erasure  string              `json:"erasure_id"`
	Service  string              `json:"service"`
	State    erasure.HolderState `json:"state"`
	Deleted  map[string]int32    `json:"deleted"`
	Left     int32               `json:"remaining"`
	ErasedAt *time.Time          `json:"erased_at"`
}

// note writes what holders say, each about an erasure once. While one has something left it stays pending, unless nobody
// waits for it any more. A further round adds to what the rounds before it deleted: an erasure that found nothing more
// takes no count away.
func note(tx *gorm.DB, receipts ...erasure.Receipt) error {
	rows := make([]noted, len(receipts))
	for i, r := range receipts {
		rows[i] = noted{r.Erasure, r.Service, erasure.HolderErased, r.Deleted, r.Left, &r.ErasedAt}
		if r.Deleted == nil {
			rows[i].Deleted = map[string]int32{}
		}
		if r.Left > 0 {
			rows[i].State, rows[i].ErasedAt = erasure.HolderPending, nil
		}
	}
	document, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("note receipts: %w", err)
	}
	err = tx.Exec(`
		INSERT INTO erasure_holders AS h (erasure_id, service, state, deleted, remaining, erased_at)
		SELECT * FROM jsonb_to_recordset(?::jsonb)
			AS r (erasure_id text, service text, state text, deleted jsonb, remaining integer, erased_at timestamptz)
		ON CONFLICT (erasure_id, service) DO UPDATE SET
			state = CASE WHEN h.state = 'retired' AND excluded.state = 'pending' THEN 'retired' ELSE excluded.state END,
			deleted = (
				SELECT coalesce(jsonb_object_agg(t, least(2147483647, -- what fits into the answer
					coalesce((h.deleted ->> t)::bigint, 0) + coalesce((excluded.deleted ->> t)::bigint, 0))), '{}')
				FROM jsonb_object_keys(h.deleted || excluded.deleted) AS t),
			remaining = excluded.remaining, erased_at = excluded.erased_at`, string(document)).Error
	if err != nil {
		return fmt.Errorf("note receipts: %w", err)
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
