// Package consumer handles the messages that events reads.
package consumer

import (
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
	userv1 "github.com/tizza/tizza/proto/user/v1"
	userv2 "github.com/tizza/tizza/proto/user/v2"
)

const service = "events"

// UserDeleted forgets the people who ask for it: it reads user.deleted.2 and answers with user.erased.1.
func UserDeleted(database *postgres.Database, holder *erasure.Holder, format message.Format) broker.Subscription {
	return broker.Subscription{
		Queue:    service + ".user-deleted",
		Exchange: "users",
		Keys:     []string{"user.deleted.2.#"},
		Handle: holder.Handler(database, erasure.Wire{
			Order: order,
			Receipt: func(o erasure.Order, r erasure.Receipt) (message.Message, error) {
				return receipt(format, o, r)
			},
		}),
	}
}

func order(d broker.Delivery) (erasure.Order, error) {
	var body userv2.Deleted
	if err := message.Decode(d.ContentType, d.Body, &body); err != nil {
		return erasure.Order{}, err
	}
	person, err := uuid.Parse(body.GetUserUuid())
	if err != nil {
		return erasure.Order{}, fmt.Errorf("user_uuid: %w", err)
	}
	return erasure.Order{Message: d.ID, Erasure: body.GetErasureId(), Person: person}, nil
}

func receipt(format message.Format, o erasure.Order, r erasure.Receipt) (message.Message, error) {
	contentType, body, err := message.Encode(format, &userv1.Erased{
		ErasureId: o.Erasure,
		UserUuid:  o.Person.String(),
		Service:   service,
		Deleted:   r.Deleted,
		Left:      r.Left,
		ErasedAt:  timestamppb.New(r.ErasedAt),
	})
	return message.Message{
		ID:       uuid.NewSHA1(o.Message, []byte(service)), // one receipt per order: a repeated one is a copy
		Exchange: "users", Key: "user.erased.1.0.0",
		ContentType: contentType, Body: body,
	}, err
}
