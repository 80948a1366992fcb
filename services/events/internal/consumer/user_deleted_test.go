package consumer_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
	userv1 "github.com/tizza/tizza/proto/user/v1"
	userv2 "github.com/tizza/tizza/proto/user/v2"
	"github.com/tizza/tizza/services/events/internal/consumer"
	"github.com/tizza/tizza/services/events/internal/event"
)

func TestUserDeleted(t *testing.T) {
	t.Parallel()
	for _, format := range []message.Format{message.JSON, message.Protobuf} {
		t.Run("the same deletion twice forgets a person once and repeats one receipt, in "+string(format), func(t *testing.T) {
			t.Parallel()
			w := given(t)
			subscription := consumer.UserDeleted(w.database, w.holder, format)
			assert.Equal(t, "events.user-deleted", subscription.Queue)
			ada, bob := uuid.New(), uuid.New()
			for _, host := range []uuid.UUID{ada, bob} {
				id := w.add(t, event.Event{Title: "Picnic", Host: &host})
				for _, guest := range []uuid.UUID{ada, bob} {
					_, _, err := w.Attend(t.Context(), id, guest, event.Going, version.Condition{})
					require.NoError(t, err)
				}
			}
			d := delivery(t, format, &userv2.Deleted{UserUuid: ada.String(), ErasureId: "abc"})

			require.NoError(t, subscription.Do(t.Context(), d))
			require.NoError(t, subscription.Do(t.Context(), d))

			left, err := w.List(t.Context(), event.Filter{}, page.Window{})
			require.NoError(t, err)
			assert.EqualValues(t, 1, left.Count)
			var receipts []struct {
				MessageID   uuid.UUID
				Exchange    string
				Key         string
				ContentType string
				Body        []byte
			}
			require.NoError(t, w.database.DB().Raw("SELECT message_id, exchange, key, content_type, body FROM outbox").Scan(&receipts).Error)
			require.Len(t, receipts, 2)
			assert.Equal(t, receipts[0].MessageID, receipts[1].MessageID)
			for _, r := range receipts {
				var body userv1.Erased
				require.NoError(t, message.Decode(r.ContentType, r.Body, &body))
				assert.Equal(t, "users user.erased.1.0.0", r.Exchange+" "+r.Key)
				assert.Equal(t, "abc events "+ada.String(), body.GetErasureId()+" "+body.GetService()+" "+body.GetUserUuid())
				assert.Equal(t, map[string]int32{"attendances": 2, "events": 1}, body.GetDeleted())
				assert.Zero(t, body.GetLeft())
			}
		})
	}
	t.Run("what cannot be read becomes a dead letter", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		refuses(t, consumer.UserDeleted(w.database, w.holder, message.JSON).Do, "no JSON", `{}`, `{"user_uuid":"not-one"}`)
	})
}
