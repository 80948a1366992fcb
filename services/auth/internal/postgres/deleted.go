package postgres

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	userv1 "github.com/tizza/tizza/proto/user/v1"
	userv2 "github.com/tizza/tizza/proto/user/v2"
	"github.com/tizza/tizza/services/auth/internal/erasure"
)

// Announcement is how holders are told whom to forget.
type Announcement struct {
	Format message.Format
	// V1 also sends the deprecated user.deleted.1, once, to whoever may still read it.
	V1 bool
}

// first tells of a new erasure: one event, so one id, in each version that is published.
func (a Announcement) first(tx *gorm.DB, e erasure.Erasure) error {
	if a.V1 {
		m, err := a.message(e, "user.deleted.1.0.0", &userv1.Deleted{UserId: e.Number})
		if err != nil {
			return err
		}
		m.Optional = true // deprecated: it has arrived although nobody wants it any more
		if err := outbox.Append(tx, m); err != nil {
			return err
		}
	}
	return a.again(tx, e)
}

// again tells of erasures once more, with the ids that their messages had the first time.
func (a Announcement) again(tx *gorm.DB, erasures ...erasure.Erasure) error {
	messages := make([]message.Message, len(erasures))
	for i, e := range erasures {
		var err error
		messages[i], err = a.message(e, "user.deleted.2.0.0", &userv2.Deleted{
			UserUuid: e.Person.String(), ErasureId: e.ID, DeletedAt: timestamppb.New(e.RequestedAt),
		})
		if err != nil {
			return err
		}
	}
	return outbox.Append(tx, messages...)
}

func (a Announcement) message(e erasure.Erasure, key string, body proto.Message) (message.Message, error) {
	contentType, encoded, err := message.Encode(a.Format, body)
	if err != nil {
		return message.Message{}, fmt.Errorf("announce an erasure: %w", err)
	}
	return message.Message{ID: e.Message, Exchange: "users", Key: key, ContentType: contentType, Body: encoded}, nil
}
