package consumer_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/servertest"
	userv1 "github.com/tizza/tizza/proto/user/v1"
	userv2 "github.com/tizza/tizza/proto/user/v2"
	"github.com/tizza/tizza/services/likes/internal/consumer"
	"github.com/tizza/tizza/services/likes/internal/postgres"
)

func TestADeletedUsersLikesGoAndAReceiptTellsSo(t *testing.T) {
	t.Parallel()
	for _, format := range []message.Format{message.JSON, message.Protobuf} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			database := servertest.Postgres(t, postgres.Schemas()...)
			db := database.DB().WithContext(t.Context())
			ann := uuid.New()
			require.NoError(t, db.Exec("INSERT INTO likes (user_uuid, pizza_id) VALUES (?, 1), (?, 2), (?, 1)", ann, ann, uuid.New()).Error)
			subscription := consumer.UserDeleted(database, erasure.NewHolder("secret", postgres.Register()), format)
			contentType, body, err := message.Encode(format, &userv2.Deleted{
				UserUuid: ann.String(), ErasureId: "e1", DeletedAt: timestamppb.New(time.Now()),
			})
			require.NoError(t, err)
			delivery := broker.Delivery{Message: message.Message{ID: uuid.New(), ContentType: contentType, Body: body}}

			require.NoError(t, subscription.Do(t.Context(), delivery))

			var left int
			require.NoError(t, db.Raw("SELECT count(*) FROM likes").Scan(&left).Error)
			assert.Equal(t, 1, left)
			var row struct {
				Exchange, Key, ContentType string
				Body                       []byte
			}
			require.NoError(t, db.Raw("SELECT exchange, key, content_type, body FROM outbox").Scan(&row).Error)
			assert.Equal(t, "users", row.Exchange)
			assert.Equal(t, "user.erased.1.0.0", row.Key)
			var receipt userv1.Erased
			require.NoError(t, message.Decode(row.ContentType, row.Body, &receipt))
			assert.Equal(t, "e1", receipt.GetErasureId())
			assert.Equal(t, ann.String(), receipt.GetUserUuid())
			assert.Equal(t, "likes", receipt.GetService())
			assert.Equal(t, map[string]int32{"likes": 2}, receipt.GetDeleted())
			assert.Zero(t, receipt.GetLeft())
		})
	}
}

func TestAnOrderThatCannotBeReadIsPermanent(t *testing.T) {
	t.Parallel()
	database := servertest.Postgres(t, postgres.Schemas()...)
	subscription := consumer.UserDeleted(database, erasure.NewHolder("secret", postgres.Register()), message.JSON)
	for name, body := range map[string]string{"no JSON": "{", "no person": "{}", "no UUID": `{"user_uuid":"ann"}`} {
		t.Run(name, func(t *testing.T) {
			err := subscription.Do(t.Context(), broker.Delivery{Message: message.Message{ID: uuid.New(), Body: []byte(body)}})
			require.True(t, broker.IsPermanent(err), "%v", err)
		})
	}
}
