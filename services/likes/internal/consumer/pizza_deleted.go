package consumer

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/inbox"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
	pizzav1 "github.com/tizza/tizza/proto/pizza/v1"
)

// PizzaDeleted drops the likes of pizzas that are gone: it reads pizza.deleted.1.
func PizzaDeleted(database *postgres.Database) broker.Subscription {
	const queue = service + ".pizza-deleted"
	return broker.Subscription{
		Queue:    queue,
		Exchange: "pizzas",
		Keys:     []string{"pizza.deleted.1.#"},
		Handle: func(ctx context.Context, d broker.Delivery) error {
			var body pizzav1.Deleted
			if err := message.Decode(d.ContentType, d.Body, &body); err != nil {
				return broker.Permanent(err)
			}
			if body.GetPizzaId() <= 0 {
				return broker.Permanent(errors.New("pizza_id: is not a pizza's"))
			}
			return inbox.Once(ctx, database, queue, d.ID, func(tx *gorm.DB) error {
				return dropLikes(tx, body.GetPizzaId())
			})
		},
	}
}

func dropLikes(tx *gorm.DB, pizza int64) error {
	if err := tx.Exec("DELETE FROM likes WHERE pizza_id = ?", pizza).Error; err != nil {
		return fmt.Errorf("drop the likes of pizza %d: %w", pizza, err)
	}
	return nil
}
