package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/discovery"
)

// handler notes how it is called, and answers as it is told to.
type handler struct {
	mu    sync.Mutex
	calls []string
	err   error
}

func (h *handler) apply(_ context.Context, name, value string, revision int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, fmt.Sprintf("%s=%s@%d", name, value, revision))
	return h.err
}

func (h *handler) answers(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = err
}

func (h *handler) called() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.calls...)
}

const broker = "rabbitmq/url"

func TestHandle(t *testing.T) {
	t.Parallel()
	// handled runs a registry with a handler for that key.
	handled := func(t *testing.T, key string) (*world, *handler, *discovery.Registry) {
		w, h := newWorld(t), &handler{}
		r := w.registry()
		r.Handle(key, h.apply)
		w.run(r.Run)
		return w, h, r
	}
	t.Run("an edit and a deletion are applied, and reported with their revisions", func(t *testing.T) {
		t.Parallel()
		w, h, _ := handled(t, broker)
		w.says(broker, entry{State: "applied"})
		assert.Empty(t, h.called())
		one := w.put(broker, "amqp://one")
		w.says(broker, entry{Revision: one, Value: "amqp://one", State: "applied"})
		again := w.put(broker, "amqp://one")
		w.says(broker, entry{Revision: again, Value: "amqp://one", State: "applied"})
		gone := w.delete(broker)
		w.says(broker, entry{Revision: gone, State: "applied"})
		assert.Equal(t, []string{fmt.Sprintf("url=amqp://one@%d", one), fmt.Sprintf("url=@%d", gone)}, h.called(), "the same value is no news to who handles it")
	})
	t.Run("a folder's keys are each handled, and those further below are not", func(t *testing.T) {
		t.Parallel()
		w, h, _ := handled(t, "likes/config/")
		w.put("likes/config/deep/LIMIT", "1")
		w.put("likes/config/", "1")
		w.put("likes/config2/LIMIT", "1")
		limit := w.put("likes/config/LIMIT", "2")
		w.says("likes/config/LIMIT", entry{Revision: limit, Value: "2", State: "applied"})
		assert.Equal(t, []string{fmt.Sprintf("LIMIT=2@%d", limit)}, h.called())
		_, reported := w.status("likes/config/deep/LIMIT")
		assert.False(t, reported)
	})
	t.Run("what is refused is tried again until it works", func(t *testing.T) {
		t.Parallel()
		w, h, r := handled(t, broker)
		good := w.put(broker, "amqp://good")
		w.says(broker, entry{Revision: good, Value: "amqp://good", State: "applied"})
		h.answers(errors.New("it is down"))
		bad := w.put(broker, "amqp://down")
		w.says(broker, entry{Revision: bad, Value: "amqp://good", State: "rejected", Reason: "it is down", InUse: good})
		assert.InDelta(t, 1, metric(t, r, "discovery_edits_total", "broker rejected"), 0)
		h.answers(nil)
		w.says(broker, entry{Revision: bad, Value: "amqp://down", State: "applied"})
		assert.NotContains(t, w.logged(), "amqp://")
	})
	for name, err := range map[string]error{
		"an error that is final is the last word":                   discovery.Final(errors.New("nonsense")),
		"so is one that says itself that it is, also when wrapped":  fmt.Errorf("%w", ownFinal{}),
		"a value for the next start is reported, and not tried now": fmt.Errorf("LIMIT: %w", discovery.ErrAtNextStart),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, h, _ := handled(t, "likes/config/")
			h.answers(err)
			reason := err.Error()
			if errors.Is(err, discovery.ErrAtNextStart) {
				reason = "at next start"
			}
			revision := w.put("likes/config/LIMIT", "x")
			w.says("likes/config/LIMIT", entry{Revision: revision, State: "rejected", Reason: reason})
			other := w.put("likes/config/OTHER", "x")
			w.says("likes/config/OTHER", entry{Revision: other, State: "rejected", Reason: reason})
			again := w.put("likes/config/OTHER", "y") // as good as any pause: what is tried again would be by now
			w.says("likes/config/OTHER", entry{Revision: again, State: "rejected", Reason: reason})
			assert.Len(t, h.called(), 3)
		})
	}
	t.Run("the value in use is applied again when another one was asked for since", func(t *testing.T) {
		t.Parallel()
		for name, other := range map[string]func(w *world) int64{
			"an edit":    func(w *world) int64 { return w.put("likes/config/TTL", "2h") },
			"a deletion": func(w *world) int64 { return w.delete("likes/config/TTL") },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w, h, _ := handled(t, "likes/config/")
				one := w.put("likes/config/TTL", "1h")
				w.says("likes/config/TTL", entry{Revision: one, Value: "1h", State: "applied"})
				h.answers(discovery.ErrAtNextStart)
				next := other(w)
				w.says("likes/config/TTL", entry{Revision: next, Value: "1h", State: "rejected", Reason: "at next start", InUse: one})
				h.answers(nil)
				again := w.put("likes/config/TTL", "1h")
				w.says("likes/config/TTL", entry{Revision: again, Value: "1h", State: "applied"})
				calls := h.called()
				require.Len(t, calls, 3)
				assert.Equal(t, fmt.Sprintf("TTL=1h@%d", again), calls[2])
				last := w.put("likes/config/TTL", "1h")
				w.says("likes/config/TTL", entry{Revision: last, Value: "1h", State: "applied"})
				assert.Len(t, h.called(), 3, "it is no news any more")
			})
		}
	})
	t.Run("so it is when the call for the other one was ended", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		r := w.registry()
		calls := make(chan string, 10)
		r.Handle(broker, func(ctx context.Context, _, value string, _ int64) error {
			calls <- value
			if value == "slow" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		w.run(r.Run)
		one := w.put(broker, "one")
		w.says(broker, entry{Revision: one, Value: "one", State: "applied"})
		w.put(broker, "slow")
		require.Equal(t, "one", <-calls)
		require.Equal(t, "slow", <-calls)
		again := w.put(broker, "one")
		w.says(broker, entry{Revision: again, Value: "one", State: "applied"})
		require.Len(t, calls, 1)
		assert.Equal(t, "one", <-calls)
	})
	t.Run("an empty value is refused before it is taken for a deletion", func(t *testing.T) {
		t.Parallel()
		w, h, _ := handled(t, broker)
		revision := w.put(broker, "")
		w.says(broker, entry{Revision: revision, State: "rejected", Reason: "it is empty"})
		assert.Empty(t, h.called())
	})
	t.Run("a newer edit ends the call under way, and waits for its return", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		r := w.registry()
		entered, release := make(chan string, 10), make(chan struct{})
		var inside, overlaps int
		var mu sync.Mutex
		r.Handle(broker, func(ctx context.Context, _, value string, _ int64) error {
			mu.Lock()
			if inside++; inside > 1 {
				overlaps++
			}
			mu.Unlock()
			entered <- value
			if value == "slow" {
				<-ctx.Done()
				<-release
			}
			mu.Lock()
			inside--
			mu.Unlock()
			return nil
		})
		w.run(r.Run)
		slow := w.put(broker, "slow")
		require.Equal(t, "slow", <-entered)
		w.eventually("it is reported as under way", func() bool { e, _ := w.status(broker); return e == entry{State: "applied", Pending: slow} })
		next := w.put(broker, "next")
		select {
		case <-entered:
			t.Error("it was called before the first call returned")
		case <-t.Context().Done():
		default:
		}
		close(release)
		require.Equal(t, "next", <-entered)
		w.says(broker, entry{Revision: next, Value: "next", State: "applied"})
		assert.Zero(t, overlaps)
		assert.Equal(t, []string{"next", "slow"}, history(t, r, broker), "the first was in use too, for a moment")
	})
}

type ownFinal struct{}

func (ownFinal) Error() string { return "not a URL" }
func (ownFinal) Final() bool   { return true }

func history(t *testing.T, r *discovery.Registry, key string) []string {
	t.Helper()
	found, err := r.History(t.Context(), key)
	require.NoError(t, err)
	return found
}
