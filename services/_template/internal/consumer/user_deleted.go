package consumer

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
	userv1 "github.com/tizza/tizza/proto/user/v1"
	userv2 "github.com/tizza/tizza/proto/user/v2"
)

// UserDeleted forgets the people who ask for it: it reads user.deleted.2 and answers with user.erased.1.
func UserDeleted(database *postgres.Database, holder *erasure.Holder, format message.Format) broker.Subscription {
	return broker.Subscription{
		Queue:    service + ".user-deleted",
		Exchange: "users",
		Reads:    []string{"user.deleted.2"},
		Together: holder.Handler(database, erasure.Wire{
			Service:  service,
			Order:    func() erasure.OrderBody { return new(userv2.Deleted) },
			Receipt:  receipt,
			Exchange: "users",
			Key:      "user.erased.1.0.0",
			Format:   format,
		}),
	}
}

func receipt(o erasure.Order, r erasure.Receipt) proto.Message {
	return &userv1.Erased{
		ErasureId: o.Erasure,
		UserUuid:  o.Person.String(),
		Service:   service,
		Deleted:   r.Deleted,
		Left:      r.Left,
		ErasedAt:  timestamppb.New(r.ErasedAt),
	}
}
