package event_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/services/events/internal/event"
)

func TestSuggest(t *testing.T) {
	t.Parallel()
	given := func(pizzas event.Pizzas, likes event.Likes, people ...uuid.UUID) *event.Service {
		return event.NewService(&diary{events: map[int64]event.Event{1: {ID: 1}}, coming: people}, pizzas, likes)
	}
	summary := func(suggestions []event.Suggestion) (out []string) {
		for _, s := range suggestions {
			out = append(out, fmt.Sprintf("%s %d", s.Pizza.Title, s.Likes))
		}
		return out
	}
	cleo := uuid.New()
	likes := taste{ada: {1, 2, 3}, bob: {2, 3, 4}, cleo: {3, 5}}
	all := menu{1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}
	for _, test := range []struct {
		name  string
		menu  menu
		limit int
		want  []string
	}{
		{"the most liked come first, then the lower ids", all, 5, []string{"three 3", "two 2", "one 1", "four 1", "five 1"}},
		{"no more than asked for", all, 2, []string{"three 3", "two 2"}},
		{"none if none are asked for", all, 0, nil},
		{"pizzas that are gone make room for the next", menu{1: "one", 4: "four", 5: "five"}, 2, []string{"one 1", "four 1"}},
		{"nothing if all are gone", menu{}, 2, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			top, err := given(test.menu, likes, ada, bob, cleo).Suggest(t.Context(), person, 1, test.limit)
			require.NoError(t, err)
			assert.Equal(t, test.want, summary(top))
		})
	}
	t.Run("nobody unknown asks", func(t *testing.T) {
		t.Parallel()
		_, err := given(all, likes, ada).Suggest(t.Context(), anyone, 1, 5)
		require.True(t, fault.Is(err, fault.Unauthenticated), "%v", err)
	})
	t.Run("an event that is not there is not found", func(t *testing.T) {
		t.Parallel()
		_, err := given(all, likes, ada).Suggest(t.Context(), person, 404, 5)
		require.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
	})
	t.Run("the faults of others are passed on", func(t *testing.T) {
		t.Parallel()
		_, err := given(closed{}, likes, ada).Suggest(t.Context(), person, 1, 5)
		require.ErrorIs(t, err, errDown)
		_, err = given(all, closed{}, ada, bob).Suggest(t.Context(), person, 1, 5)
		require.ErrorIs(t, err, errDown)
	})
	t.Run("at most 200 people are asked, those who said so first", func(t *testing.T) {
		t.Parallel()
		crowd, likes := make([]uuid.UUID, 250), taste{}
		for i := range crowd {
			crowd[i] = uuid.New()
			likes[crowd[i]] = []int64{1}
			if i >= 200 {
				likes[crowd[i]] = []int64{2}
			}
		}
		top, err := given(all, likes, crowd...).Suggest(t.Context(), person, 1, 5)
		require.NoError(t, err)
		assert.Equal(t, []string{"one 200"}, summary(top))
	})
}
