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

// PizzaDeleted takes pizzas that are gone out of the events about them: it reads pizza.deleted.1.
func PizzaDeleted(database *postgres.Database) broker.Subscription {
	const queue = service + ".pizza-deleted"
	return broker.Subscription{
		Queue:    queue,
		Exchange: "pizzas",
		Reads:    []string{"pizza.deleted.1"},
		Together: func(ctx context.Context, deliveries []broker.Delivery) error {
			return inbox.Once(ctx, database, queue, deliveries, func(tx *gorm.DB, first []broker.Delivery) error {
				pizzas, err := deleted(first)
				if err != nil {
					return broker.Permanent(err)
				}
				return dropPizzas(tx, pizzas)
			})
		},
	}
}

// deleted are the pizzas that the messages name.
func deleted(deliveries []broker.Delivery) ([]int64, error) {
	pizzas := make([]int64, len(deliveries))
	for i, d := range deliveries {
		var body pizzav1.Deleted
		if err := message.Decode(d.ContentType, d.Body, &body); err != nil {
			return nil, err
		}
		if body.GetPizzaId() <= 0 {
			return nil, errors.New("pizza_id: is not a pizza's")
		}
		pizzas[i] = body.GetPizzaId()
	}
	return pizzas, nil
}

// dropPizzas locks the events in the order of their ids, as erasures do.
func dropPizzas(tx *gorm.DB, pizzas []int64) error {
	err := tx.Exec(`
		UPDATE events SET pizza = NULL, updated_at = now()
		WHERE id IN (SELECT id FROM events WHERE pizza = ANY(?) ORDER BY id FOR NO KEY UPDATE)`, postgres.Array(pizzas)).Error
	if err != nil {
		return fmt.Errorf("drop pizzas: %w", err)
	}
	return nil
}
