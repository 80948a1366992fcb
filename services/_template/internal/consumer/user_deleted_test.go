package consumer_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/servertest"
	userv1 "github.com/tizza/tizza/proto/user/v1"
	userv2 "github.com/tizza/tizza/proto/user/v2"
	"github.com/tizza/tizza/services/loyalty/internal/card"
	"github.com/tizza/tizza/services/loyalty/internal/consumer"
	"github.com/tizza/tizza/services/loyalty/internal/postgres"
)

func points(user uuid.UUID, n int32) func(*card.Card) (card.Card, error) {
	return func(*card.Card) (card.Card, error) { return card.Card{User: user, Points: n}, nil }
}

func TestADeletedUsersCardGoesAndAReceiptTellsSo(t *testing.T) {
	t.Parallel()
	database := servertest.Postgres(t, postgres.Schemas()...)
	holder := erasure.NewHolder("secret", postgres.Register())
	store := postgres.NewStore(database, holder)
	ann, bob := uuid.New(), uuid.New()
	for _, user := range []uuid.UUID{ann, bob} {
		_, created, err := store.Put(t.Context(), user, points(user, 12))
		require.NoError(t, err)
		require.True(t, created)
	}
	contentType, body, err := message.Encode(message.JSON, &userv2.Deleted{UserUuid: ann.String(), ErasureId: "e1"})
	require.NoError(t, err)
	delivery := broker.Delivery{Message: message.Message{ID: uuid.New(), ContentType: contentType, Body: body}}

	require.NoError(t, consumer.UserDeleted(database, holder, message.JSON).Do(t.Context(), delivery))

	_, err = store.Get(t.Context(), ann)
	assert.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
	_, _, err = store.Put(t.Context(), ann, points(ann, 1))
	assert.True(t, fault.Is(err, fault.Gone), "nothing is written about her again: %v", err)
	kept, err := store.Get(t.Context(), bob)
	require.NoError(t, err)
	assert.EqualValues(t, 12, kept.Points)
	var sent struct {
		Key, ContentType string
		Body             []byte
	}
	require.NoError(t, database.DB().Raw("SELECT key, content_type, body FROM outbox").Scan(&sent).Error)
	assert.Equal(t, "user.erased.1.0.0", sent.Key)
	var receipt userv1.Erased
	require.NoError(t, message.Decode(sent.ContentType, sent.Body, &receipt))
	assert.Equal(t, "loyalty", receipt.GetService())
	assert.Equal(t, map[string]int32{"cards": 1}, receipt.GetDeleted())
}

func TestAnOrderThatCannotBeReadIsPermanent(t *testing.T) {
	t.Parallel()
	subscription := consumer.UserDeleted(nil, erasure.NewHolder("secret", postgres.Register()), message.JSON)
	for name, body := range map[string]string{"no JSON": "{", "no person": "{}", "no UUID": `{"user_uuid":"ann"}`} {
		t.Run(name, func(t *testing.T) {
			err := subscription.Do(t.Context(), broker.Delivery{Message: message.Message{ID: uuid.New(), Body: []byte(body)}})
			require.True(t, broker.IsPermanent(err), "%v", err)
		})
	}
}
