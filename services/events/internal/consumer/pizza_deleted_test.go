package consumer_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/message"
	pizzav1 "github.com/tizza/tizza/proto/pizza/v1"
	"github.com/tizza/tizza/services/events/internal/consumer"
	"github.com/tizza/tizza/services/events/internal/event"
)

func TestPizzaDeleted(t *testing.T) {
	t.Parallel()
	for _, format := range []message.Format{message.JSON, message.Protobuf} {
		t.Run("events forget a deleted pizza once, and no other, in "+string(format), func(t *testing.T) {
			t.Parallel()
			w := given(t)
			handle := consumer.PizzaDeleted(w.database).Do
			gone := w.add(t, event.Event{Title: "gone", Pizza: new(int64(7))})
			other := w.add(t, event.Event{Title: "other", Pizza: new(int64(8))})
			d := delivery(t, format, &pizzav1.Deleted{PizzaId: 7})
			before, err := w.Version(t.Context(), gone)
			require.NoError(t, err)

			require.NoError(t, handle(t.Context(), d))
			e, err := w.Get(t.Context(), gone)
			require.NoError(t, err)
			assert.Nil(t, e.Pizza)
			assert.True(t, e.UpdatedAt.After(e.CreatedAt))
			assert.Greater(t, e.Version, before, "it is another version without its pizza")
			e, err = w.Get(t.Context(), other)
			require.NoError(t, err)
			assert.Equal(t, new(int64(8)), e.Pizza)

			again := w.add(t, event.Event{Title: "the id came into use again", Pizza: new(int64(7))})
			require.NoError(t, handle(t.Context(), d))
			e, err = w.Get(t.Context(), again)
			require.NoError(t, err)
			assert.Equal(t, new(int64(7)), e.Pizza)
		})
	}
	t.Run("what cannot be read becomes a dead letter", func(t *testing.T) {
		t.Parallel()
		refuses(t, consumer.PizzaDeleted(given(t).database).Do, "no JSON", `{}`, `{"pizza_id":-1}`)
	})
	t.Run("it listens where pizza speaks", func(t *testing.T) {
		t.Parallel()
		s := consumer.PizzaDeleted(given(t).database)
		assert.Equal(t, "events.pizza-deleted", s.Queue)
		assert.Equal(t, "pizzas", s.Exchange)
		assert.Equal(t, []string{"pizza.deleted.1"}, s.Reads)
	})
}
