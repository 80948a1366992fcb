// Package inbox lets a consumer handle a message once although it may come many times.
//
// First remembers the message's id in the transaction of the message's effect: both stand, or neither does. A copy
// that comes at the same time waits for that transaction and then sees what became of it. Ids are kept for ever: a
// copy may come back years later, from a restored backup or a dead-letter queue.
package inbox

import (
	"context"
	"embed"
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/postgres"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the inbox's table.
func Schema() postgres.Schema { return postgres.Embedded("inbox", files, "schema") }

// First remembers in tx that the queue's consumer handles the message, and says whether it is the first time.
func First(tx *gorm.DB, queue string, id uuid.UUID) (bool, error) {
	done := tx.Exec("INSERT INTO inbox (queue, message_id) VALUES (?, ?) ON CONFLICT DO NOTHING", queue, id)
	if done.Error != nil {
		return false, fmt.Errorf("remember message %s: %w", id, done.Error)
	}
	return done.RowsAffected == 1, nil
}

// Once runs effect, in one transaction with the remembering, unless the queue's consumer has had the message before. It
// is a consumer's whole return value: what another try may mend without being the message's fault comes back later.
func Once(ctx context.Context, database *postgres.Database, queue string, id uuid.UUID, effect func(*gorm.DB) error) error {
	err := database.DB().WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		first, err := First(tx, queue, id)
		if err != nil || !first {
			return err
		}
		return effect(tx)
	})
	if postgres.Retryable(err) {
		return broker.Later(err)
	}
	return err
}
