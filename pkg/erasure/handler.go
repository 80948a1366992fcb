package erasure

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
)

// Wire is the messages by which a holder gets its orders and sends its receipts.
type Wire struct {
	Service string // the holder's name
	// Order is an empty body to read an order into.
	Order func() OrderBody
	// Receipt is the body of the answer to an order.
	Receipt func(Order, Receipt) proto.Message
	// Exchange, Key and Format are the receipts'.
	Exchange, Key string
	Format        message.Format
}

// OrderBody is what a message says that is an order.
type OrderBody interface {
	proto.Message
	GetUserUuid() string
	GetErasureId() string
}

// Handler obeys orders that come as messages: erasing and writing the receipts to the outbox are one transaction. The
// same message again changes nothing and repeats the receipt, in case the first one was lost. A receipt goes out in the
// trace of its order.
func (h *Holder) Handler(database *postgres.Database, wire Wire) broker.BatchHandler {
	return func(ctx context.Context, deliveries []broker.Delivery) error {
		orders := make([]Order, len(deliveries))
		traces := make(map[uuid.UUID]map[string]string, len(deliveries))
		for i, d := range deliveries {
			var err error
			if orders[i], err = wire.order(d); err != nil {
				return broker.Permanent(err)
			}
			traces[d.ID] = d.Trace()
		}
		err := database.DB().WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			receipts, err := h.Erase(tx, orders...)
			if err != nil {
				return err
			}
			return wire.answer(tx, orders, receipts, traces)
		})
		if postgres.Retryable(err) {
			return broker.Later(err)
		}
		return err
	}
}

func (w Wire) order(d broker.Delivery) (Order, error) {
	body := w.Order()
	if err := message.Decode(d.ContentType, d.Body, body); err != nil {
		return Order{}, err
	}
	person, err := uuid.Parse(body.GetUserUuid())
	if err != nil {
		return Order{}, fmt.Errorf("user_uuid: %w", err)
	}
	if strings.ContainsRune(body.GetErasureId(), 0) {
		return Order{}, errors.New("erasure_id: must not have a NUL in it")
	}
	return Order{Message: d.ID, Erasure: body.GetErasureId(), Person: person}, nil
}

// answer writes one receipt for each message that brought an order.
func (w Wire) answer(tx *gorm.DB, orders []Order, receipts map[uuid.UUID]Receipt, traces map[uuid.UUID]map[string]string) error {
	var answers []message.Message
	for _, order := range orders {
		trace, open := traces[order.Message]
		if !open {
			continue // a copy of one that has been answered
		}
		delete(traces, order.Message)
		contentType, body, err := message.Encode(w.Format, w.Receipt(order, receipts[order.Message]))
		if err != nil {
			return err
		}
		answers = append(answers, message.Message{
			ID:       uuid.NewSHA1(order.Message, []byte(w.Service)), // one receipt per order: a repeated one is a copy
			Exchange: w.Exchange, Key: w.Key,
			ContentType: contentType, Body: body, Headers: trace,
		})
	}
	return outbox.Append(tx, answers...)
}
