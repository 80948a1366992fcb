package erasure

import (
	"context"

	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
)

// Wire knows the messages: how an order comes and how a receipt goes.
type Wire struct {
	// Order reads an order. Its error means that the message can never be read.
	Order func(broker.Delivery) (Order, error)
	// Receipt writes the answer to an order. Its message has the same id each time for the same order.
	Receipt func(Order, Receipt) (message.Message, error)
}

// Handler obeys orders that come as messages: erasing and writing the receipt to the outbox are one transaction. The
// same message again changes nothing and repeats the receipt, in case the first one was lost.
func (h *Holder) Handler(database *postgres.Database, wire Wire) broker.Handler {
	return func(ctx context.Context, d broker.Delivery) error {
		order, err := wire.Order(d)
		if err != nil {
			return broker.Permanent(err)
		}
		err = database.DB().WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			receipt, err := h.Erase(tx, order)
			if err != nil {
				return err
			}
			answer, err := wire.Receipt(order, receipt)
			if err != nil {
				return err
			}
			return outbox.Append(tx, answer)
		})
		if postgres.Retryable(err) {
			return broker.Later(err)
		}
		return err
	}
}
