package postgres

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/tizza/tizza/services/auth/internal/erasure"
)

// Remind implements erasure.Store. The message is the one that holders know, unless one of them has rows left: to it
// the same message again would change nothing, so it is a new round. What another process is about to remind of, or
// somebody changes, is passed over. A time further ahead than it can ever have been put has come too: the database's
// clock was set back since, and nobody is to wait for as long as that. This is measured from clock_timestamp(), as an
// erasure may begin between the start of this transaction, which is now(), and the moment at which it looks.
func (l *Ledger) Remind(ctx context.Context, limit int) (int, error) {
	longest, first := erasure.LongestDelay.Seconds(), erasure.FirstReminder.Seconds()
	var rows []erasureRow
	err := l.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		err := tx.Raw(`
			UPDATE erasures SET reminders = reminders + 1,
				message_id = CASE
					WHEN EXISTS (SELECT FROM erasure_holders h WHERE h.erasure_id = erasures.id AND h.remaining > 0)
					THEN gen_random_uuid() ELSE message_id END,
				remind_at = now() + least(?, ? * 2 ^ least(reminders + 1, 30)) * interval '1 second'
			WHERE id IN (
				SELECT id FROM erasures WHERE completed_at IS NULL
				AND (remind_at <= now() OR remind_at > clock_timestamp() + least(?, ? * 2 ^ least(reminders, 30)) * interval '1 second')
				ORDER BY remind_at LIMIT ? FOR UPDATE SKIP LOCKED)
			RETURNING *`,
			longest, first, longest, first, limit).Scan(&rows).Error
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
