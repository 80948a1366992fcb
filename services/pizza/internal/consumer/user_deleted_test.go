package consumer_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	userv1 "github.com/tizza/tizza/proto/user/v1"
	userv2 "github.com/tizza/tizza/proto/user/v2"
	"github.com/tizza/tizza/services/pizza/internal/consumer"
	"github.com/tizza/tizza/services/pizza/internal/pizza"
	store "github.com/tizza/tizza/services/pizza/internal/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type world struct {
	*store.Store
	database *postgres.Database
	handle   func(context.Context, ...broker.Delivery) error
}

func given(t *testing.T, format message.Format) world {
	t.Helper()
	database := servertest.Postgres(t, store.Schemas()...)
	holder := erasure.NewHolder("key", store.Register(format))
	subscription := consumer.UserDeleted(database, holder, format)
	assert.Equal(t, "pizza.user-deleted", subscription.Queue)
	return world{store.NewStore(database, holder, format), database, subscription.Do}
}

type sent struct {
	MessageID   uuid.UUID
	Key         string
	ContentType string
	Body        []byte
}

func (w world) outbox(t *testing.T) (pizzas, receipts []sent) {
	t.Helper()
	var all []sent
	require.NoError(t, w.database.DB().Raw("SELECT message_id, key, content_type, body FROM outbox ORDER BY id").Scan(&all).Error)
	for _, one := range all {
		if one.Key == "user.erased.1.0.0" {
			receipts = append(receipts, one)
		} else {
			pizzas = append(pizzas, one)
		}
	}
	return pizzas, receipts
}

func deleted(t *testing.T, format message.Format, person uuid.UUID) broker.Delivery {
	t.Helper()
	contentType, body, err := message.Encode(format, &userv2.Deleted{UserUuid: person.String(), ErasureId: "abc", DeletedAt: timestamppb.Now()})
	require.NoError(t, err)
	return broker.Delivery{Message: message.Message{ID: uuid.New(), Exchange: "users", Key: "user.deleted.2.0.0", ContentType: contentType, Body: body}}
}

func TestUserDeleted(t *testing.T) {
	t.Parallel()
	for _, format := range []message.Format{message.JSON, message.Protobuf} {
		t.Run("the same deletion twice removes pizzas once and repeats one receipt, in "+string(format), func(t *testing.T) {
			t.Parallel()
			w := given(t, format)
			ada, bob := uuid.New(), uuid.New()
			for _, creator := range []*uuid.UUID{&ada, &ada, &bob} {
				_, err := w.Add(t.Context(), pizza.Pizza{Title: "Funghi", Creator: creator})
				require.NoError(t, err)
			}
			delivery := deleted(t, format, ada)

			require.NoError(t, w.handle(t.Context(), delivery))
			require.NoError(t, w.handle(t.Context(), delivery))

			left, err := w.List(t.Context(), pizza.Filter{}, page.Window{})
			require.NoError(t, err)
			assert.EqualValues(t, 1, left.Count)
			pizzas, receipts := w.outbox(t)
			assert.Len(t, pizzas, 2)
			require.Len(t, receipts, 2)
			assert.Equal(t, receipts[0].MessageID, receipts[1].MessageID)
			for _, r := range receipts {
				var body userv1.Erased
				require.NoError(t, message.Decode(r.ContentType, r.Body, &body))
				assert.Equal(t, "abc pizza "+ada.String(), body.GetErasureId()+" "+body.GetService()+" "+body.GetUserUuid())
				assert.Equal(t, map[string]int32{"pizzas": 2}, body.GetDeleted())
				assert.Zero(t, body.GetLeft())
			}
		})
	}
	t.Run("what cannot be read becomes a dead letter", func(t *testing.T) {
		t.Parallel()
		w := given(t, message.JSON)
		for _, body := range []string{"no JSON", `{"user_uuid":"not-one"}`, `{}`} {
			err := w.handle(t.Context(), broker.Delivery{Message: message.Message{ID: uuid.New(), Body: []byte(body)}})
			require.Error(t, err)
			assert.IsType(t, broker.Permanent(err), err)
		}
	})
}
