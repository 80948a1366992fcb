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

// First remembers in tx that the queue's consumer handles the messages of these ids, and returns those that it had not
// seen before. Ids are inserted in one order everywhere, so that two who handle the same ones wait for one another in
// turn, not in a circle.
func First(tx *gorm.DB, queue string, ids ...uuid.UUID) (map[uuid.UUID]bool, error) {
	var inserted []uuid.UUID
	err := tx.Raw(`
		INSERT INTO inbox (queue, message_id) SELECT ?, id FROM unnest(?::uuid[]) AS id ORDER BY id
		ON CONFLICT DO NOTHING RETURNING message_id`, queue, postgres.Array(ids)).Scan(&inserted).Error
	if err != nil {
		return nil, fmt.Errorf("remember messages: %w", err)
	}
	first := make(map[uuid.UUID]bool, len(inserted))
	for _, id := range inserted {
		first[id] = true
	}
	return first, nil
}

// Once runs effect for the messages that the queue's consumer has not had before, in one transaction with the
// remembering; not at all if there are none. It is a consumer's whole return value: what another try may mend without
// being a message's fault comes back later.
func Once(ctx context.Context, database *postgres.Database, queue string, deliveries []broker.Delivery, effect func(tx *gorm.DB, first []broker.Delivery) error) error {
	err := database.DB().WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		ids := make([]uuid.UUID, len(deliveries))
		for i, d := range deliveries {
			ids[i] = d.ID
		}
		first, err := First(tx, queue, ids...)
		if err != nil || len(first) == 0 {
			return err
		}
		return effect(tx, once(deliveries, first))
	})
	if postgres.Retryable(err) {
		return broker.Later(err)
	}
	return err
}

// once are the deliveries with those ids, one of each.
func once(deliveries []broker.Delivery, ids map[uuid.UUID]bool) []broker.Delivery {
	chosen := make([]broker.Delivery, 0, len(ids))
	for _, d := range deliveries {
		if ids[d.ID] {
			chosen = append(chosen, d)
			delete(ids, d.ID)
		}
	}
	return chosen
}
