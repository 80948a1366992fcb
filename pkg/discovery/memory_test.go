package discovery_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/discovery"
	"github.com/tizza/tizza/pkg/servertest"
)

// remembering is a world of its own server whose processes have a folder.
func remembering(t *testing.T) (*world, *servertest.EtcdServer) {
	w, server := ownServer(t)
	w.config.StateDir = filepath.Join(t.TempDir(), "made", "when", "needed")
	return w, server
}

func (w *world) file() string { return filepath.Join(w.config.StateDir, "likes.discovery.json") }

// remembers waits until the file has that text, or has it no more.
func (w *world) remembers(text string, yes bool) {
	w.Helper()
	w.eventually("the file is up to date", func() bool {
		found, err := os.ReadFile(w.file())
		return err == nil && strings.Contains(string(found), text) == yes
	})
}

func TestWhatIsRememberedIsInUseWhenEtcdIsAway(t *testing.T) {
	t.Parallel()
	w, server := remembering(t)
	operators, live, dead := newPlace(t, "pizza"), newPlace(t, "events"), newPlace(t, "events")
	h := &handler{}
	first := w.registry()
	first.Handle(broker, h.apply)
	stop := w.run(first.Run)
	w.put("pizza/url", operators.URL)
	revision := w.put(broker, "amqp://one")
	w.instance("events", "live", live.URL)
	w.instance("events", "dead", dead.URL)
	w.remembers(operators.URL, true)
	w.eventually("all are in use", func() bool { found, _ := first.Targets("events"); return len(found) == 2 })
	w.put("pizza/url", "nonsense")
	w.says(broker, entry{Revision: revision, Value: "amqp://one", State: "applied"})
	stop()
	info, err := os.Stat(w.file())
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	server.Stop()
	dead.Close()
	asked := operators.probes.Load()
	again := &handler{}
	second := w.registry()
	second.Handle(broker, again.apply)
	assert.Equal(t, operators.URL, at(second), "at once")
	w.run(second.Run)
	w.eventually("the instance that answers is in use", func() bool {
		found, _ := second.Targets("events")
		return len(found) == 1 && found[0].String() == live.URL
	})
	w.eventually("the handler has it", func() bool { return len(again.called()) == 1 })
	assert.Equal(t, h.called(), again.called())
	assert.Equal(t, asked, operators.probes.Load(), "what answered once is not asked again")
	assert.InDelta(t, 3, metric(t, second, "discovery_remembered", ""), 0)
	require.NoError(t, second.Started(t.Context()))
	values, err := second.Read(t.Context(), "rabbitmq/")
	require.Error(t, err)
	assert.Equal(t, map[string]string{"url": "amqp://one"}, values)

	server.Start()
	// Leases outlive a restart; instances of this test have none.
	w.says("pizza/url", entry{Value: operators.URL, State: "rejected", Reason: "it is not an absolute http or https URL", InUse: 3}.from(w, "pizza/url").inUseOf(w, "pizza/url"))
	assert.Equal(t, operators.URL, at(second), "the last good one stays when etcd has a bad one")
	assert.Zero(t, metric(t, second, "discovery_remembered", ""))
	assert.Len(t, again.called(), 1, "etcd has the same")
}

// inUseOf takes the revision of what is in use from the status itself.
func (e entry) inUseOf(w *world, key string) entry {
	w.Helper()
	w.eventually("the edit is refused", func() bool { found, _ := w.status(key); return found.Revision == e.Revision })
	found, _ := w.status(key)
	assert.Positive(w, found.InUse)
	assert.Less(w, found.InUse, found.Revision)
	e.InUse = found.InUse
	return e
}

func TestADeletionWhileAProcessWasDownIsSeenAtItsNextStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.StateDir = t.TempDir()
	h := &handler{}
	first := w.registry()
	first.Handle(broker, h.apply)
	stop := w.run(first.Run)
	operators := newPlace(t, "pizza").URL
	w.put("pizza/url", operators)
	w.put(broker, "amqp://one")
	w.resolvesTo(first, operators)
	w.remembers("amqp://one", true)
	stop()
	w.delete("pizza/url")
	w.delete(broker)
	h = &handler{}
	second := w.registry()
	second.Handle(broker, h.apply)
	assert.Equal(t, operators, at(second))
	w.run(second.Run)
	w.resolvesTo(second, fallback)
	w.eventually("the handler is told", func() bool {
		calls := h.called()
		return len(calls) > 0 && strings.HasPrefix(calls[len(calls)-1], "url=@")
	})
	w.remembers("amqp://one", false)
	w.remembers(operators, false)
}

func TestAValueForTheNextStartIsRememberedForIt(t *testing.T) {
	t.Parallel()
	w, server := remembering(t)
	h := &handler{err: discovery.ErrAtNextStart}
	r := w.registry()
	r.Handle("likes/config/", h.apply)
	stop := w.run(r.Run)
	w.put("likes/config/TTL", "1h")
	w.remembers("1h", true)
	h.answers(errors.New("it is not a duration"))
	w.put("likes/config/TTL", "soon")
	w.eventually("the bad one is refused", w.logs("refused"))
	stop()
	server.Stop()
	next := w.registry()
	values, err := next.Read(t.Context(), "likes/config/")
	require.Error(t, err)
	assert.Equal(t, map[string]string{"TTL": "1h"}, values)
}

func TestAFailedApplyAtTheStartDoesNotForget(t *testing.T) {
	t.Parallel()
	w, server := remembering(t)
	h := &handler{}
	first := w.registry()
	first.Handle(broker, h.apply)
	stop := w.run(first.Run)
	w.put(broker, "amqp://one")
	events := newPlace(t, "events").URL
	w.instance("events", "a", events)
	w.remembers("amqp://one", true)
	w.remembers(events, true)
	stop()
	server.Stop()
	h.answers(errors.New("it is down"))
	second := w.registry()
	second.Handle(broker, h.apply)
	stop = w.run(second.Run)
	w.eventually("it is refused", w.logs("refused"))
	stop()
	w.remembers("amqp://one", true)
	server.Start()
	h.answers(nil)
	third := w.registry()
	third.Handle(broker, h.apply)
	w.run(third.Run)
	w.says(broker, entry{Value: "amqp://one", State: "applied"}.from(w, broker))
}

func TestAStoreThatWasRestoredWhileAProcessWasDownIsAnotherStore(t *testing.T) {
	t.Parallel()
	w, server := remembering(t)
	w.put("store", "the same")
	server.Stop()
	restore := server.Copy()
	server.Start()
	w.edits(50) // the copy is far behind
	first := w.registry()
	stop := w.run(first.Run)
	a := newPlace(t, "pizza").URL
	w.instance("pizza", "a", a)
	w.resolvesTo(first, a)
	w.remembers(a, true)
	stop()
	server.Stop()
	second := w.running()
	w.resolvesTo(second, a)
	restore()
	server.Start()
	w.eventually("it is noticed", w.logs("another store"))
	assert.Equal(t, a, at(second), "it may be about to register")
	w.resolvesTo(second, fallback)
}

func TestWhatWasReadBeforeRunIsOfferedAgain(t *testing.T) {
	t.Parallel()
	// read is a registry that has read the overrides, as a program does at its start.
	read := func(t *testing.T, w *world, h *handler, want map[string]string) *discovery.Registry {
		t.Helper()
		r := w.registry()
		r.Handle("likes/config/", h.apply)
		values, err := r.Read(t.Context(), "likes/config/")
		require.NoError(t, err)
		require.Equal(t, want, values)
		return r
	}
	t.Run("one that is gone by the first list is taken back", func(t *testing.T) {
		t.Parallel()
		w, h := newWorld(t), &handler{}
		revision := w.put("likes/config/LIMIT", "1")
		r := read(t, w, h, map[string]string{"LIMIT": "1"})
		w.delete("likes/config/LIMIT")
		w.run(r.Run)
		w.says("likes/config/LIMIT", entry{Revision: revision + 1, State: "applied"})
		calls := h.called()
		require.NotEmpty(t, calls)
		assert.Equal(t, fmt.Sprintf("LIMIT=@%d", revision+1), calls[len(calls)-1])
	})
	t.Run("one that is still there is applied once", func(t *testing.T) {
		t.Parallel()
		w, h := newWorld(t), &handler{}
		revision := w.put("likes/config/LIMIT", "1")
		r := read(t, w, h, map[string]string{"LIMIT": "1"})
		w.run(r.Run)
		w.says("likes/config/LIMIT", entry{Revision: revision, Value: "1", State: "applied"})
		assert.Equal(t, []string{fmt.Sprintf("LIMIT=1@%d", revision)}, h.called())
		w.eventually("it is in the journal", func() bool { return len(w.keys("journal/likes/config/LIMIT/")) == 1 })
	})
	t.Run("one that is remembered and was not there is not in use for a moment", func(t *testing.T) {
		t.Parallel()
		w, h := newWorld(t), &handler{}
		w.config.StateDir = t.TempDir()
		operators := newPlace(t, "pizza").URL
		first := w.registry()
		first.Handle("likes/config/", h.apply)
		stop := w.run(first.Run)
		w.put("pizza/url", operators)
		w.put("likes/config/LIMIT", "1")
		w.put("likes/config/OTHER", "2")
		w.remembers(operators, true)
		w.remembers("LIMIT", true)
		w.remembers("OTHER", true)
		stop()
		w.delete("likes/config/LIMIT")
		h = &handler{}
		second := read(t, w, h, map[string]string{"OTHER": "2"})
		w.run(second.Run)
		require.NoError(t, second.Started(t.Context()))
		w.remembers("LIMIT", false)
		for _, call := range h.called() {
			assert.NotContains(t, call, "LIMIT")
		}
		assert.Len(t, h.called(), 1, "OTHER is in use")
		assert.Equal(t, operators, at(second), "what was not read is as it was")
	})
	t.Run("of one that was edited, what is remembered comes first: it was good", func(t *testing.T) {
		t.Parallel()
		w, h := newWorld(t), &handler{}
		w.config.StateDir = t.TempDir()
		first := w.registry()
		first.Handle("likes/config/", h.apply)
		stop := w.run(first.Run)
		w.put("likes/config/LIMIT", "1")
		w.remembers("LIMIT", true)
		stop()
		revision := w.put("likes/config/LIMIT", "")
		h = &handler{}
		second := read(t, w, h, map[string]string{"LIMIT": ""})
		w.run(second.Run)
		w.says("likes/config/LIMIT", entry{Revision: revision, Value: "1", State: "rejected", Reason: "it is empty", InUse: revision - 1}.inUseOf(w, "likes/config/LIMIT"))
		assert.Len(t, h.called(), 1)
	})
}

func TestAFileThatIsNotUsableIsIgnored(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"damaged":               `{"service":"likes","prefix":`,
		"of another service":    `{"service":"events","prefix":"%s/","keys":{"pizza/url":{"revision":1,"value":"http://127.0.0.1:1"}}}`,
		"of another prefix":     `{"service":"likes","prefix":"other/","keys":{"pizza/url":{"revision":1,"value":"http://127.0.0.1:1"}}}`,
		"refused by the policy": `{"service":"likes","prefix":"%s/","keys":{"pizza/url":{"revision":1,"value":"http://169.254.169.254"}}}`,
		"too large":             `{"service":"likes","prefix":"%s/","keys":{"pizza/url":{"revision":1,"value":"http://127.0.0.1:1"}}}` + strings.Repeat(" ", 5<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.config.StateDir = t.TempDir()
			require.NoError(t, os.WriteFile(w.file(), []byte(strings.ReplaceAll(text, "%s", w.prefix)), 0o600))
			r := w.registry()
			assert.Equal(t, fallback, at(r))
			assert.Contains(t, w.logged(), "level=WARN")
			w.run(r.Run)
			good := newPlace(t, "pizza").URL
			w.put("pizza/url", good)
			w.remembers(good, true)
		})
	}
}

func TestAFolderThatCannotBeWrittenStopsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	occupied := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(occupied, nil, 0o600))
	w.config.StateDir = filepath.Join(occupied, "below")
	r := w.running()
	for range 3 {
		good := newPlace(t, "pizza").URL
		w.put("pizza/url", good)
		w.resolvesTo(r, good)
	}
	w.eventually("it is logged", w.logs("cannot write"))
	require.NoError(t, os.Remove(occupied))
	w.eventually("it is written again", w.logs("written again"))
	assert.Equal(t, 1, strings.Count(w.logged(), "cannot write"))
	w.remembers(at(r), true)
}
