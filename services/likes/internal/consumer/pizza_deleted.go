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
		Reads:    []string{"pizza.deleted.1"},
		Together: func(ctx context.Context, deliveries []broker.Delivery) error {
			return inbox.Once(ctx, database, queue, deliveries, func(tx *gorm.DB, first []broker.Delivery) error {
				pizzas, err := deleted(first)
				if err != nil {
					return broker.Permanent(err)
				}
				return dropLikes(tx, pizzas)
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

func dropLikes(tx *gorm.DB, pizzas []int64) error {
	if err := tx.Exec("DELETE FROM likes WHERE pizza_id = ANY(?)", postgres.Array(pizzas)).Error; err != nil {
		return fmt.Errorf("drop the likes of pizzas: %w", err)
	}
	return nil
}
