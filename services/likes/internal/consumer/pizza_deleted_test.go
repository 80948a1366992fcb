package consumer_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/servertest"
	pizzav1 "github.com/tizza/tizza/proto/pizza/v1"
	"github.com/tizza/tizza/services/likes/internal/consumer"
	"github.com/tizza/tizza/services/likes/internal/like"
	store "github.com/tizza/tizza/services/likes/internal/postgres"
)

func TestPizzaDeleted(t *testing.T) {
	t.Parallel()
	database := servertest.Postgres(t, store.Schemas()...)
	likes := store.NewStore(database, erasure.NewHolder("key", store.Register()))
	subscription := consumer.PizzaDeleted(database)
	count := func(t *testing.T, pizza int64) int64 {
		t.Helper()
		counts, err := likes.Counts(t.Context(), []int64{pizza})
		require.NoError(t, err)
		return counts[pizza]
	}
	give := func(t *testing.T, pizza int64) {
		t.Helper()
		_, err := likes.Add(t.Context(), like.Like{User: uuid.New(), Pizza: pizza})
		require.NoError(t, err)
	}

	t.Run("the likes of a deleted pizza go once, and no others", func(t *testing.T) {
		const gone, other = 7, 8
		for _, pizza := range []int64{gone, gone, other} {
			give(t, pizza)
		}
		contentType, body, err := message.Encode(message.JSON, &pizzav1.Deleted{PizzaId: gone, DeletedAt: timestamppb.Now()})
		require.NoError(t, err)
		delivery := broker.Delivery{Message: message.Message{ID: uuid.New(), ContentType: contentType, Body: body}}

		require.NoError(t, subscription.Do(t.Context(), delivery))
		assert.Zero(t, count(t, gone))
		assert.EqualValues(t, 1, count(t, other))

		give(t, gone) // the id came into use again: a copy of the message is not about that pizza
		require.NoError(t, subscription.Do(t.Context(), delivery))
		assert.EqualValues(t, 1, count(t, gone))
	})
	t.Run("what cannot be read becomes a dead letter", func(t *testing.T) {
		for _, body := range []string{"no JSON", `{}`, `{"pizza_id":-1}`} {
			err := subscription.Do(t.Context(), broker.Delivery{Message: message.Message{ID: uuid.New(), Body: []byte(body)}})
			require.Error(t, err)
			assert.IsType(t, broker.Permanent(err), err)
		}
	})
	t.Run("it listens where pizza speaks", func(t *testing.T) {
		assert.Equal(t, "likes.pizza-deleted", subscription.Queue)
		assert.Equal(t, "pizzas", subscription.Exchange)
		assert.Equal(t, []string{"pizza.deleted.1"}, subscription.Reads)
	})
}
