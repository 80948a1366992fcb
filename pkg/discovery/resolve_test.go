package discovery_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	t.Run("it goes down the ladder: url key, instances in turn, fallback", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		r := w.registry()
		assert.Equal(t, fallback, at(r), "before the first list")
		operators, a, b := newPlace(t, "pizza").URL, newPlace(t, "pizza").URL, newPlace(t, "pizza").URL
		w.put("pizza/url", operators)
		w.instance("pizza", "a", a)
		w.put("pizza/instances/b", `{"Addr":"`+b+`"}`)
		w.put("pizza2/url", newPlace(t, "pizza2").URL)
		w.run(r.Run)
		w.resolvesTo(r, operators)

		w.delete("pizza/url")
		w.resolvesTo(r, a+" "+b)
		turns := map[string]int{}
		for range 10 {
			u, err := r.Resolve("pizza")
			require.NoError(t, err)
			turns[u.String()]++
		}
		assert.Equal(t, map[string]int{a: 5, b: 5}, turns)
		w.delete("pizza/instances/a")
		w.resolvesTo(r, b)
		w.delete("pizza/instances/b")
		w.resolvesTo(r, fallback)
		_, err := r.Resolve("unknown")
		require.ErrorContains(t, err, `"unknown"`)
	})
	t.Run("what a caller does to its address changes nobody else's", func(t *testing.T) {
		t.Parallel()
		r := newWorld(t).registry()
		u, err := r.Resolve("pizza")
		require.NoError(t, err)
		u.Host = "changed"
		assert.Equal(t, fallback, at(r))
	})
	t.Run("targets are the same slice until they change, at no cost", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		r := w.running()
		one, two := newPlace(t, "pizza").URL, newPlace(t, "pizza").URL
		w.put("pizza/url", one)
		w.resolvesTo(r, one)
		before, err := r.Targets("pizza")
		require.NoError(t, err)
		revision := w.put("pizza/url", one)
		w.says("pizza/url", entry{Revision: revision, Value: one, State: "applied"})
		w.instance("pizza", "a", two)
		w.eventually("an instance is known", func() bool { return metric(t, r, "discovery_edits_total", "instance applied") == 1 })
		after, err := r.Targets("pizza")
		require.NoError(t, err)
		assert.Same(t, &before[0], &after[0])
		w.put("pizza/url", two)
		w.resolvesTo(r, two)
		assert.Equal(t, one, before[0].String(), "who holds the old ones is not disturbed")
	})
	t.Run("one malformed instance hides no other", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		good := newPlace(t, "pizza").URL
		w.put("pizza/instances/a", `{"Addr":`)
		w.instance("pizza", "b", good)
		w.instance("pizza", "c", "")
		w.put("pizza/instances/d", `[]`)
		w.instance("pizza", "e", newPlace(t, "likes").URL)
		w.instance("pizza", "f", "http://127.0.0.1:1")
		r := w.running()
		w.resolvesTo(r, good)
		w.eventually("all others are refused", func() bool { return strings.Count(w.logged(), "refused") == 5 })
		w.says("pizza/instances/c", entry{Revision: 4, State: "rejected", Reason: "it has no address in it"}.from(w, "pizza/instances/c"))
		_, reported := w.status("pizza/instances/b")
		assert.False(t, reported, "good instances are no news")
		assert.Equal(t, good, at(r))
	})
	t.Run("names that are this package's own are no services", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		for _, name := range []string{"status", "journal", "personal-data", "rabbitmq", "not.a.label", strings.Repeat("x", 600)} {
			w.put(name+"/url", newPlace(t, name).URL)
		}
		last := newPlace(t, "pizza").URL
		w.put("pizza/url", last)
		r := w.running()
		w.resolvesTo(r, last)
		require.NoError(t, r.Started(t.Context()))
		assert.Len(t, r.Services(), 1)
	})
}

// from takes the revision from etcd.
func (e entry) from(w *world, key string) entry {
	w.Helper()
	found, err := w.operator.Get(w.Context(), w.prefix+"/"+key)
	require.NoError(w, err)
	e.Revision = found.Kvs[0].ModRevision
	return e
}

func TestTargetsAllocateNothing(t *testing.T) {
	r := newWorld(t).registry()
	assert.Zero(t, testing.AllocsPerRun(100, func() { _, _ = r.Targets("pizza") }))
}
