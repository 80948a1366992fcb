package consumer

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
	userv1 "github.com/tizza/tizza/proto/user/v1"
	"github.com/tizza/tizza/services/auth/internal/erasure"
)

// Ledger notes receipts; see erasure.Store.
type Ledger interface {
	Receive(ctx context.Context, queue string, receipts ...erasure.Receipt) error
}

// UserErased collects the receipts of those who were told to forget a person: it reads user.erased.1.
func UserErased(ledger Ledger) broker.Subscription {
	const queue = service + ".user-erased"
	return broker.Subscription{
		Queue:    queue,
		Exchange: "users",
		Reads:    []string{"user.erased.1"},
		Together: func(ctx context.Context, deliveries []broker.Delivery) error {
			receipts := make([]erasure.Receipt, len(deliveries))
			for i, d := range deliveries {
				var err error
				if receipts[i], err = read(d); err != nil {
					return broker.Permanent(err)
				}
			}
			err := ledger.Receive(ctx, queue, receipts...)
			switch {
			case fault.Is(err, fault.KindNotFound):
				return broker.Permanent(fmt.Errorf("receipt of %q: no such erasure of that person", receipts[0].Service))
			case postgres.Retryable(err):
				return broker.Later(err)
			}
			return err
		},
	}
}

func read(d broker.Delivery) (erasure.Receipt, error) {
	var body userv1.Erased
	if err := message.Decode(d.ContentType, d.Body, &body); err != nil {
		return erasure.Receipt{}, err
	}
	person, err := uuid.Parse(body.GetUserUuid())
	if err != nil {
		return erasure.Receipt{}, fmt.Errorf("user_uuid: %w", err)
	}
	if err := body.GetErasedAt().CheckValid(); err != nil {
		return erasure.Receipt{}, fmt.Errorf("erased_at: %w", err)
	}
	if body.GetService() == "" || body.GetLeft() < 0 {
		return erasure.Receipt{}, errors.New("a receipt names its service, and leaves 0 rows or more")
	}
	for table, rows := range body.GetDeleted() {
		if rows < 0 {
			return erasure.Receipt{}, fmt.Errorf("deleted: fewer than 0 rows of %.64q", table)
		}
	}
	return erasure.Receipt{
		Message: d.ID, Erasure: body.GetErasureId(), Person: person, Service: body.GetService(),
		Deleted: body.GetDeleted(), Left: body.GetLeft(), ErasedAt: body.GetErasedAt().AsTime(),
	}, nil
}
