package discovery_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tizza/tizza/pkg/discovery"
)

// missing waits until those are missing.
func (w *world) missing(r *discovery.Registry, key string, revision int64, want ...string) {
	w.Helper()
	var found []string
	w.Cleanup(func() {
		if w.Failed() {
			w.Logf("last missing for %s at %d: %v", key, revision, found)
		}
	})
	w.eventually(fmt.Sprintf("%v are missing", want), func() bool {
		found = r.Missing(key, revision)
		return fmt.Sprint(found) == fmt.Sprint(want)
	})
}

func TestMissing(t *testing.T) {
	t.Parallel()
	t.Run("it is who has not applied the edit, and every holder without a live process", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.put("personal-data/likes", "{}")
		w.put("personal-data/events", "{}")
		w.put("status/events/old", `{"keys":{"rabbitmq/url":{"revision":1,"state":"applied"}}}`)
		w.put("status/api/blind", `{"keys":{}}`)
		entered, release := make(chan struct{}, 10), make(chan struct{})
		slow, fast := w.registry(), w.registry()
		slow.Handle(broker, func(context.Context, string, string, int64) error {
			entered <- struct{}{}
			<-release
			return nil
		})
		fast.Handle(broker, (&handler{}).apply)
		w.run(slow.Run)
		w.run(fast.Run)
		w.eventually("two report", func() bool { return len(w.keys("status/likes/")) == 2 })
		w.put("personal-data/pizza", "{}")
		revision := w.put(broker, "amqp://one")
		<-entered
		w.eventually("who is slow, who is old, and who is not there", func() bool {
			found := fast.Missing(broker, revision)
			return len(found) == 3 && found[0] == "events/old" && found[2] == "pizza"
		})
		close(release)
		w.missing(fast, broker, revision, "events/old", "pizza")
		w.put("status/events/old", fmt.Sprintf(`{"keys":{"rabbitmq/url":{"revision":%d,"state":"applied"}}}`, revision))
		w.put("status/pizza/new", fmt.Sprintf(`{"keys":{"rabbitmq/url":{"revision":%d,"state":"applied"}}}`, revision))
		w.missing(fast, broker, revision)
		assert.NotContains(t, fast.Missing(broker, revision+1), "api/blind", "who does not follow the key is not waited for")
		w.delete("status/pizza/new")
		w.missing(fast, broker, revision, "pizza")
		w.delete("personal-data/pizza")
		w.missing(fast, broker, revision)
	})
	t.Run("without a list nothing is known, and so this process is missing", func(t *testing.T) {
		t.Parallel()
		r := newWorld(t).registry()
		found := r.Missing(broker, 0)
		assert.Len(t, found, 1)
		assert.Contains(t, found[0], "likes/")
	})
	t.Run("who starts after a deletion follows it", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		a := w.registry()
		a.Handle(broker, (&handler{}).apply)
		w.run(a.Run)
		w.put(broker, "amqp://one")
		gone := w.delete(broker)
		w.missing(a, broker, gone)
		b := w.registry()
		b.Handle(broker, (&handler{}).apply)
		w.run(b.Run)
		w.eventually("both report", func() bool { return len(w.keys("status/likes/")) == 2 })
		w.missing(a, broker, gone)
		w.missing(b, broker, gone)
		next := w.put(broker, "amqp://two")
		w.missing(b, broker, next)
	})
	t.Run("who saw a deletion and who only missed the key wait for each other in no way", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		behind, proxy := w.behind(server)
		revisions := make(chan int64, 10)
		a, b := w.registry(), behind.registry()
		a.Handle(broker, (&handler{}).apply)
		b.Handle(broker, func(_ context.Context, _, value string, revision int64) error {
			if value == "" {
				revisions <- revision
			}
			return nil
		})
		w.run(a.Run)
		w.run(b.Run)
		first := w.put(broker, "amqp://one")
		w.missing(b, broker, first)
		proxy.cut()
		w.put("unrelated", "x")
		gone := w.delete(broker)
		w.put("unrelated", "x")
		w.compact()
		proxy.mend()
		w.missing(b, broker, <-revisions)
		w.missing(a, broker, gone)
	})
	t.Run("a deletion that was seen before a wipe is followed after it", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		h := &handler{}
		r := w.registry()
		r.Handle(broker, h.apply)
		w.run(r.Run)
		w.edits(50) // the new store is far behind
		w.put(broker, "amqp://one")
		gone := w.delete(broker)
		w.missing(r, broker, gone)
		w.says(broker, entry{Revision: gone, State: "applied"})
		server.Stop()
		server.Wipe()
		server.Start()
		w.says(broker, entry{Revision: 1, State: "applied"})
		calls := h.called()
		assert.Equal(t, "url=@1", calls[len(calls)-1], "who asks with the revision that it was told asks of this store")
		w.missing(r, broker, 1)
	})
	t.Run("who missed that a key came and went follows what it says", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		behind, proxy := w.behind(server)
		a, b := w.registry(), behind.registry()
		a.Handle(broker, (&handler{}).apply)
		b.Handle(broker, (&handler{}).apply)
		w.run(a.Run)
		w.run(b.Run)
		w.eventually("both report", func() bool { return len(w.keys("status/likes/")) == 2 })
		proxy.cut()
		w.put(broker, "amqp://one")
		gone := w.delete(broker)
		w.compact()
		proxy.mend()
		w.eventually("who was cut off is back", behind.logs("following etcd again"))
		w.missing(a, broker, gone)
		w.missing(b, broker, gone)
	})
	t.Run("a key that only ends like a holder's or a status's is neither", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.put("personal-data/pizza", "{}")
		w.put("status/events/old", "{}")
		w.put("pizza", "stray")
		w.put("events/old", "stray")
		r := w.registry()
		r.Handle(broker, (&handler{}).apply)
		w.run(r.Run)
		w.missing(r, "events/url", 1, "events/old", "pizza")
		w.delete("pizza")
		w.delete("events/old")
		seen := w.put(broker, "amqp://one")
		w.says(broker, entry{Revision: seen, Value: "amqp://one", State: "applied"}) // and the deletions before it
		assert.Equal(t, []string{"events/old", "pizza"}, r.Missing("events/url", 1))
	})
	t.Run("when there are too many statuses, those that are known are kept up to date", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		for i := range 1000 {
			w.put(fmt.Sprintf("status/events/%03d", i), "{}")
		}
		w.put("status/pizza/ignored", "{}")
		r := w.running()
		w.eventually("those that are known are missing", func() bool { return len(r.Missing("events/config/LIMIT", 1)) == 1000 })
		w.put("status/events/007", `{"keys":{"events/config/LIMIT":{"revision":1,"state":"applied"}}}`)
		w.eventually("one is not missing any more", func() bool { return len(r.Missing("events/config/LIMIT", 1)) == 999 })
		assert.NotContains(t, r.Missing("events/config/LIMIT", 1), "events/007")
		w.put("status/events/new", "{}")
		w.delete("status/events/007")
		w.put("status/events/newer", "{}")
		w.eventually("there is room for one", func() bool { return len(r.Missing("events/config/LIMIT", 1)) == 1000 })
		assert.Contains(t, r.Missing("events/config/LIMIT", 1), "events/newer")
	})
	t.Run("who refuses a later edit still follows the one before, a deletion too", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		r := w.registry()
		r.Handle(broker, (&handler{}).apply)
		w.run(r.Run)
		one := w.put(broker, "amqp://one")
		w.missing(r, broker, one)
		bad := w.put(broker, "")
		w.eventually("it is refused", w.logs("refused"))
		w.missing(r, broker, one)
		assert.Len(t, r.Missing(broker, bad), 1)
		gone := w.delete(broker)
		w.missing(r, broker, gone)
		w.put(broker, "")
		w.eventually("it is refused", func() bool { e, _ := w.status(broker); return e.State == "rejected" && e.InUse == gone })
		w.missing(r, broker, gone)
	})
	t.Run("of a url everybody is expected to follow, of a service's own keys its processes", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		r := w.running()
		w.put("status/events/x", `{"keys":{}}`)
		good := newPlace(t, "pizza").URL
		revision := w.put("pizza/url", good)
		w.missing(r, "pizza/url", revision, "events/x")
		assert.Equal(t, []string{"events/x"}, r.Missing("events/config/LIMIT", revision))
	})
}

func TestAStatusThatIsTooLongIsShortenedAndHidesNoInstance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := &handler{}
	r := w.registry()
	r.Handle("likes/config/", h.apply)
	for i := range 900 {
		w.put(fmt.Sprintf("likes/config/%d", i), strings.Repeat("x", 2000))
	}
	w.run(r.Run, r.Instance("likes", "http://me"))
	w.eventually("all are reported", func() bool {
		_, some := w.status("likes/config/0")
		e, all := w.status("likes/config/899")
		return some && all && e.Value == ""
	})
	assert.Len(t, w.keys("likes/instances/"), 1)
	assert.NotContains(t, w.logged(), "could not be put")
}
