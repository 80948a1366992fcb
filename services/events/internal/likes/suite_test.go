package likes_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// suite is what events relies on likes for. It is the same for the fake and for the real service.
var suite = []struct {
	name string
	run  func(*world)
}{
	{"nobody likes nothing", func(w *world) {
		assert.Empty(w, w.of())
	}},
	{"somebody who has liked nothing likes nothing", func(w *world) {
		ada := uuid.New()
		assert.Empty(w, w.of(ada)[ada])
	}},
	{"a person likes what they have liked", func(w *world) {
		ada, pizzas := uuid.New(), w.pizzas(8) // more than are given to who does not say how many
		for _, pizza := range pizzas {
			w.like(ada, pizza)
		}
		assert.ElementsMatch(w, pizzas, w.of(ada)[ada])
	}},
	{"people like what they themselves have liked", func(w *world) {
		ada, bob, cleo, pizzas := uuid.New(), uuid.New(), uuid.New(), w.pizzas(3)
		w.like(ada, pizzas[0])
		w.like(ada, pizzas[1])
		w.like(bob, pizzas[1])
		w.like(bob, pizzas[2])
		liked := w.of(cleo, bob, ada)
		assert.ElementsMatch(w, pizzas[:2], liked[ada])
		assert.ElementsMatch(w, pizzas[1:], liked[bob])
		assert.Empty(w, liked[cleo])
	}},
	{"a person who is asked about twice is one", func(w *world) {
		ada, pizzas := uuid.New(), w.pizzas(1)
		w.like(ada, pizzas[0])
		assert.Equal(w, map[uuid.UUID][]int64{ada: pizzas}, w.of(ada, ada))
	}},
	{"a like counts as soon as it is there, and no longer", func(w *world) {
		ada, pizzas := uuid.New(), w.pizzas(2)
		w.like(ada, pizzas[0])
		require.Equal(w, pizzas[:1], w.of(ada)[ada])
		require.Equal(w, pizzas[:1], w.of(ada)[ada])
		takeBack := w.like(ada, pizzas[1])
		require.ElementsMatch(w, pizzas, w.of(ada)[ada])
		takeBack()
		assert.Equal(w, pizzas[:1], w.of(ada)[ada])
	}},
	{"a hundred likes of a person are enough", func(w *world) {
		ada, pizzas := uuid.New(), w.pizzas(103)
		for _, pizza := range pizzas {
			w.like(ada, pizza)
		}
		liked := w.of(ada)[ada]
		assert.Len(w, liked, 100)
		assert.Subset(w, pizzas, liked)
	}},
	{"many people are asked about at once", func(w *world) {
		pizzas, want := w.pizzas(5), map[uuid.UUID][]int64{}
		var people []uuid.UUID
		for i := range 60 {
			person := uuid.New()
			people = append(people, person)
			want[person] = pizzas[i%5 : i%5+1]
			w.like(person, want[person][0])
		}
		assert.Equal(w, want, w.of(people...))
	}},
}

func (w *world) of(people ...uuid.UUID) map[uuid.UUID][]int64 {
	w.Helper()
	liked, err := w.Of(w.Context(), people)
	require.NoError(w, err)
	return liked
}

func TestWhatEventsReliesOnLikesFor(t *testing.T) {
	t.Parallel()
	for name, open := range worlds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, test := range suite {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					test.run(open(t))
				})
			}
		})
	}
}
