package discovery_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJournal(t *testing.T) {
	t.Parallel()
	t.Run("values that were in use stay known after a compaction, refused ones never were", func(t *testing.T) {
		t.Parallel()
		w, _ := ownServer(t)
		r := w.running()
		other := w.registry()
		w.run(other.Run) // writes the same
		one, two := newPlace(t, "pizza").URL, newPlace(t, "pizza").URL
		w.put("pizza/url", one)
		w.resolvesTo(r, one)
		w.resolvesTo(other, one)
		w.put("pizza/url", "nonsense")
		w.put("pizza/url", two)
		w.resolvesTo(r, two)
		w.resolvesTo(other, two)
		w.delete("pizza/url")
		w.resolvesTo(r, fallback)
		revision := w.put("pizza/url", one)
		w.eventually("the last is written", func() bool {
			return slices.Contains(w.keys("journal/"), fmt.Sprintf("journal/pizza/url/%020d", revision))
		})
		w.compact()
		assert.Equal(t, []string{one, two, one}, history(t, r, "pizza/url"))
		assert.Len(t, w.keys("journal/pizza/url/"), 4, "the deletion too")
	})
	t.Run("the newest twenty are kept", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		h := &handler{}
		r := w.registry()
		r.Handle("likes/config/", h.apply)
		w.run(r.Run)
		var want []string
		for i := range 25 {
			value := fmt.Sprint(i)
			w.put("likes/config/LIMIT", value)
			w.eventually("it is applied", func() bool { return len(h.called()) == i+1 })
			want = append([]string{value}, want...)
		}
		w.eventually("twenty are there", func() bool {
			found, err := r.History(t.Context(), "likes/config/LIMIT")
			return err == nil && slices.Equal(found, want[:20])
		})
	})
	t.Run("what a first list has is written too, once", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.config.StateDir = t.TempDir()
		one := newPlace(t, "pizza").URL
		w.put("pizza/url", one)
		r := w.registry()
		stop := w.run(r.Run)
		w.eventually("it is written", func() bool { return len(w.keys("journal/pizza/url/")) == 1 })
		stop()
		w.delete(w.keys("journal/pizza/url/")[0])
		again := w.registry() // remembers it, and finds it confirmed
		w.run(again.Run)
		w.eventually("it is written again", func() bool { return len(w.keys("journal/pizza/url/")) == 1 })
		assert.Equal(t, []string{one}, history(t, again, "pizza/url"))
	})
	t.Run("without etcd there is no history, and an error", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		r := w.registry()
		server.Stop()
		ctx, cancel := contextWithin(t, "200ms")
		defer cancel()
		_, err := r.History(ctx, "pizza/url")
		require.ErrorContains(t, err, "journal")
	})
}
