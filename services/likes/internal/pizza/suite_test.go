package pizza_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/services/likes/internal/like"
)

// nowhere is an id that no pizza has.
const nowhere = 8642097531864209

// suite is what likes relies on pizza for. It is the same for the fake and for the real service.
var suite = []struct {
	name string
	run  func(*world)
}{
	{"a pizza that is there exists", func(w *world) {
		assert.True(w, w.exists(w.make(map[string]any{"title": "Funghi"})))
	}},
	{"a pizza that never was does not exist", func(w *world) {
		assert.False(w, w.exists(nowhere))
	}},
	{"a pizza that was deleted does not exist any more", func(w *world) {
		id := w.make(map[string]any{"title": "Funghi"})
		require.True(w, w.exists(id))
		w.drop(id)
		assert.False(w, w.exists(id))
		assert.Empty(w, w.find(id))
	}},
	{"none are found of none", func(w *world) {
		assert.Empty(w, w.find())
	}},
	{"none are found of those that never were", func(w *world) {
		assert.Empty(w, w.find(nowhere, nowhere-1))
	}},
	{"a pizza is found with all that pizza says of it", func(w *world) {
		creator := uuid.New()
		id := w.make(map[string]any{
			"title": "Bärlauch & Käse 🍕", "description": "one\ntwo", "image_url": "https://images.example.org/a.jpg?b=c", "creator": creator,
		})
		found := w.find(id)[id]
		assert.WithinDuration(w, time.Now(), found.CreatedAt, time.Hour)
		assert.WithinDuration(w, found.CreatedAt, found.UpdatedAt, time.Hour)
		assert.Equal(w, like.Pizza{
			ID: id, Title: "Bärlauch & Käse 🍕", Description: "one\ntwo", ImageURL: "https://images.example.org/a.jpg?b=c", Creator: &creator,
			CreatedAt: found.CreatedAt, UpdatedAt: found.UpdatedAt,
		}, found)
	}},
	{"a pizza of the house has no creator", func(w *world) {
		id := w.make(map[string]any{"title": "Funghi"})
		assert.Nil(w, w.find(id)[id].Creator)
	}},
	{"those that exist are found among those that do not", func(w *world) {
		one, two := w.make(map[string]any{"title": "one"}), w.make(map[string]any{"title": "two"})
		found := w.find(nowhere, two, nowhere-1, one)
		assert.ElementsMatch(w, []int64{one, two}, slices.Collect(maps.Keys(found)))
		assert.Equal(w, "one", found[one].Title)
		assert.Equal(w, "two", found[two].Title)
	}},
	{"a pizza that is asked for twice is found once", func(w *world) {
		id := w.make(map[string]any{"title": "Funghi"})
		assert.Len(w, w.find(id, id), 1)
	}},
	{"a pizza is found as it is, asked for again", func(w *world) {
		id := w.make(map[string]any{"title": "before"})
		require.Equal(w, "before", w.find(id)[id].Title)
		require.Equal(w, "before", w.find(id)[id].Title)
		w.rename(id, "after")
		assert.Equal(w, "after", w.find(id)[id].Title)
		assert.True(w, w.exists(id))
	}},
	{"more pizzas are found than the service gives at a time", func(w *world) {
		var ids []int64
		for i := range 130 {
			ids = append(ids, w.make(map[string]any{"title": fmt.Sprintf("Pizza %d", i)}))
		}
		found := w.find(ids...)
		assert.Len(w, found, len(ids))
		for i, id := range ids {
			assert.Equal(w, fmt.Sprintf("Pizza %d", i), found[id].Title)
		}
	}},
}

func (w *world) exists(id int64) bool {
	w.Helper()
	exists, err := w.Exists(w.Context(), id)
	require.NoError(w, err)
	return exists
}

func (w *world) find(ids ...int64) map[int64]like.Pizza {
	w.Helper()
	found, err := w.Find(w.Context(), ids)
	require.NoError(w, err)
	return found
}

func TestWhatLikesReliesOnPizzaFor(t *testing.T) {
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
