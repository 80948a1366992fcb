package discovery_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/discovery"
)

func TestRun(t *testing.T) {
	t.Parallel()
	t.Run("without etcd callers use the fallback, and follow it when it comes", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		operators := newPlace(t, "pizza").URL
		w.put("pizza/url", operators)
		server.Stop()
		r := w.running()
		w.eventually("trouble is logged", w.logs("not following etcd"))
		require.NoError(t, r.Started(t.Context()), "a start does not wait for ever")
		assert.Equal(t, fallback, at(r))
		assert.Zero(t, metric(t, r, "discovery_connected", ""))
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		require.EqualError(t, r.Ready(ctx), "etcd does not answer")
		server.Start()
		w.resolvesTo(r, operators)
		require.NoError(t, r.Ready(t.Context()))
		assert.Equal(t, 1, strings.Count(w.logged(), "not following etcd"))
		assert.InDelta(t, 1, metric(t, r, "discovery_connected", ""), 0)
	})
	t.Run("it has started when each key of the first list has a verdict", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		good := newPlace(t, "pizza").URL
		w.put("pizza/url", good)
		w.put("events/url", "nonsense")
		r := w.registry()
		w.run(r.Run)
		require.NoError(t, r.Started(t.Context()))
		assert.Equal(t, good, at(r))
	})
	t.Run("before it runs it has not started", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.Error(t, newWorld(t).registry().Started(ctx))
	})
	t.Run("while etcd is away the last known stays, and edits are seen when it is back", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		one, two := newPlace(t, "pizza").URL, newPlace(t, "pizza").URL
		r := w.running()
		w.put("pizza/url", one)
		w.resolvesTo(r, one)
		server.Stop()
		assert.Equal(t, one, at(r))
		w.eventually("the watch is known to be dead", func() bool { return metric(t, r, "discovery_connected", "") == 0 })
		assert.Greater(t, metric(t, r, "discovery_watch_age_seconds", ""), 3.)
		w.eventually("it is logged", w.logs("not following etcd"))
		assert.Equal(t, one, at(r))
		server.Start()
		w.put("pizza/url", two)
		w.resolvesTo(r, two)
	})
	t.Run("a watch that begins in a store to which nobody writes any more is heard of", func(t *testing.T) {
		t.Parallel()
		w, _ := ownServer(t)
		r := w.running()
		w.eventually("it is followed", func() bool { return metric(t, r, "discovery_connected", "") == 1 })
		w.eventually("all that it writes is there", func() bool { return len(w.keys("status/")) == 1 })
		listed := make(chan struct{}, 10)
		w.run(func(ctx context.Context) error {
			return r.Members(ctx, "personal-data", func(context.Context, discovery.Change) error {
				listed <- struct{}{}
				return nil
			})
		})
		<-listed
		old := false
		w.eventually("its age falls", func() bool {
			age := metric(t, r, "discovery_watch_age_seconds", "")
			old = old || age > 2
			return old && age < 1
		})
		assert.NotContains(t, w.logged(), "not following")
	})
	t.Run("edits and deletions in a part of history that was compacted away are healed by a list", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		behind, proxy := w.behind(server)
		one, two, b := newPlace(t, "pizza").URL, newPlace(t, "pizza").URL, newPlace(t, "events").URL
		r := behind.running()
		w.put("pizza/url", one)
		w.put("events/url", b)
		w.resolvesTo(r, one)
		w.eventually("events is known", func() bool { _, err := r.Targets("events"); return err == nil })

		proxy.cut()
		edited := w.put("pizza/url", two)
		w.delete("events/url")
		w.put("unrelated", "x")
		w.compact()
		proxy.mend()
		w.resolvesTo(r, two)
		w.eventually("events is gone", func() bool { _, err := r.Targets("events"); return err != nil })
		w.says("pizza/url", entry{Revision: edited, Value: two, State: "applied"})
		w.put("pizza/url", one)
		w.resolvesTo(r, one)
	})
	t.Run("a wiped store is noticed although its watch stays silent", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		w.edits(20) // the new store is far behind
		one, two := newPlace(t, "pizza").URL, newPlace(t, "pizza").URL
		r := w.running()
		w.put("pizza/url", one)
		w.resolvesTo(r, one)
		server.Stop()
		server.Wipe()
		server.Start()
		w.resolvesTo(r, fallback)
		revision := w.put("pizza/url", two)
		w.resolvesTo(r, two)
		w.says("pizza/url", entry{Revision: revision, Value: two, State: "applied"})
	})
	t.Run("instances that another store does not know yet stay until they must have registered", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		r := w.running()
		a := newPlace(t, "pizza").URL
		w.instance("pizza", "a", a)
		w.resolvesTo(r, a)
		w.deleteAll()
		w.eventually("the other store is noticed", w.logs("another store"))
		assert.Equal(t, a, at(r))
		w.resolvesTo(r, fallback)
	})
	t.Run("a store that was restored from an older copy is another store, though its id is the same", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		w.put("store", "the same")
		server.Stop()
		restore := server.Copy()
		server.Start()
		w.edits(50) // the copy is far behind
		h := &handler{}
		r := w.registry()
		r.Handle(broker, h.apply)
		w.run(r.Run, r.Instance("likes", "http://me"))
		a := newPlace(t, "pizza").URL
		w.instance("pizza", "a", a)
		w.resolvesTo(r, a)
		revision := w.put(broker, "amqp://one")
		w.says(broker, entry{Revision: revision, Value: "amqp://one", State: "applied"})
		server.Stop()
		restore()
		server.Start()
		w.eventually("it is noticed", w.logs("another store"))
		assert.Equal(t, a, at(r), "it may be about to register")
		w.says(broker, entry{Revision: 1, State: "applied"})
		assert.Equal(t, []string{fmt.Sprintf("url=amqp://one@%d", revision), "url=@1"}, h.called())
		w.eventually("this process has registered", func() bool { return len(w.keys("likes/instances/")) == 1 })
		w.resolvesTo(r, fallback)
		revision = w.put(broker, "amqp://one")
		w.says(broker, entry{Revision: revision, Value: "amqp://one", State: "applied"})
	})
	t.Run("all keys deleted at once is another store, which gets an id", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		h := &handler{}
		r := w.registry()
		r.Handle(broker, h.apply)
		w.run(r.Run, r.Instance("likes", "http://me"))
		revision := w.put(broker, "amqp://one")
		w.says(broker, entry{Revision: revision, Value: "amqp://one", State: "applied"})
		w.deleteAll()
		w.eventually("all that is this process's is there again", func() bool {
			return len(w.keys("store")) == 1 && len(w.keys("likes/instances/")) == 1 && len(w.keys("status/likes/")) == 1
		})
		w.says(broker, entry{Revision: 1, State: "applied"})
		assert.Len(t, h.called(), 2)
	})
}
