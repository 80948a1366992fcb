package postgres

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/tizza/tizza/services/auth/internal/erasure"
)

// Remind implements erasure.Store. The message is the one that holders know, unless one of them has rows left: to it
// the same message again would change nothing, so it is a new round. What another process is about to remind of, or somebody changes, is passed over.
func (l *Ledger) Remind(ctx context.Context, limit int) (int, error) {
	var rows []erasureRow
	err := l.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		err := tx.Raw(`
			UPDATE erasures SET reminders = reminders + 1,
				message_id = CASE
					WHEN EXISTS (SELECT FROM erasure_holders h WHERE h.erasure_id = erasures.id AND h.remaining > 0)
					THEN gen_random_uuid() ELSE message_id END,
				remind_at = now() + least(?, ? * 2 ^ least(reminders + 1, 30)) * interval '1 second'
			WHERE id IN (
				SELECT id FROM erasures WHERE completed_at IS NULL AND remind_at <= now()
				ORDER BY remind_at LIMIT ? FOR UPDATE SKIP LOCKED)
			RETURNING *`,
			erasure.LongestDelay.Seconds(), erasure.FirstReminder.Seconds(), limit).Scan(&rows).Error
		if err != nil {
			return fmt.Errorf("claim erasures to remind of: %w", err)
		}
		due := make([]erasure.Erasure, len(rows))
		for i, r := range rows {
			due[i] = r.erasure()
		}
		return l.announcement.again(tx, due...)
	})
	return len(rows), known(err, "")
}
