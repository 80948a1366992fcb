package httpclient_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/pkg/setting"
)

// gauge is a server that answers when it is told to, and knows how many are
// waiting at most.
type gauge struct {
	now, most atomic.Int64
	open      chan struct{}
}

func newGauge() *gauge { return &gauge{open: make(chan struct{})} }

func (g *gauge) serve(w http.ResponseWriter, r *http.Request) {
	n := g.now.Add(1)
	defer g.now.Add(-1)
	for old := g.most.Load(); n > old && !g.most.CompareAndSwap(old, n); old = g.most.Load() {
	}
	select {
	case <-g.open:
		_, _ = io.WriteString(w, "fine")
	case <-r.Context().Done():
	}
}

// flock makes n calls at once and gives their errors.
func flock(t *testing.T, c *httpclient.Client, n int, target string) (wait func() []error) {
	t.Helper()
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { _, _, errs[i] = do(t, c, "GET", target) })
	}
	return func() []error { group.Wait(); return errs }
}

func limits(total, perHost int) httpclient.Config {
	return httpclient.Config{MaxInFlight: setting.NewLive(total), MaxInFlightPerHost: setting.NewLive(perHost), Timeout: setting.NewLive(time.Minute)}
}

func tally(errs []error) (fine, limited int) {
	for _, err := range errs {
		switch f := fault.From(httpclient.Fault("pizza", nil, err)); {
		case err == nil:
			fine++
		case f.Kind == fault.KindUnavailable && f.RetryAfter == time.Second:
			limited++
		}
	}
	return fine, limited
}

func TestLimits(t *testing.T) {
	t.Parallel()

	t.Run("one instance has no more under way than its limit, and the rest is told to come back", func(t *testing.T) {
		t.Parallel()
		g := newGauge()
		c, _ := client(t, httpclient.Options{Config: limits(50, 5)}, server(t, g.serve))
		wait := flock(t, c, 40, "http://pizza/")
		eventually(t, "those who found no place gave up", func() bool {
			return metric(t, c, "http_client_requests_total", "outcome", "limited") == 35
		})
		assert.EqualValues(t, 5, metric(t, c, "http_client_in_flight", "service", "pizza"))
		eventually(t, "those who found one are there", func() bool { return g.most.Load() == 5 })
		close(g.open)
		fine, limited := tally(wait())
		assert.Equal(t, 5, fine)
		assert.Equal(t, 35, limited)
		assert.EqualValues(t, 5, g.most.Load())
		assert.Zero(t, metric(t, c, "http_client_circuit_open"), "it is not the callee's fault")
	})
	t.Run("who finds no place waits a little", func(t *testing.T) {
		t.Parallel()
		c, _ := client(t, httpclient.Options{Config: limits(50, 1)}, server(t, fine))
		eventually(t, "a call gets the place that becomes free", func() bool {
			resp, err := c.Get("http://pizza/")
			require.NoError(t, err)
			freed := make(chan struct{})
			time.AfterFunc(10*time.Millisecond, func() { _ = resp.Body.Close(); close(freed) })
			_, _, err = do(t, c, "GET", "http://pizza/")
			<-freed
			return err == nil
		})
	})
	t.Run("an instance with a place is taken before one without", func(t *testing.T) {
		t.Parallel()
		one, two, three := newGauge(), newGauge(), newGauge()
		c, _ := client(t, httpclient.Options{Config: limits(50, 5)}, server(t, one.serve), server(t, two.serve), server(t, three.serve))
		wait := flock(t, c, 15, "http://pizza/")
		eventually(t, "all are full", func() bool { return one.now.Load() == 5 && two.now.Load() == 5 && three.now.Load() == 5 })
		close(one.open)
		close(two.open)
		close(three.open)
		fine, _ := tally(wait())
		assert.Equal(t, 15, fine)
	})
	t.Run("a service that hangs on all its instances leaves room for calls to others", func(t *testing.T) {
		t.Parallel()
		g := newGauge()
		c, r := client(t, httpclient.Options{Config: limits(20, 5)},
			server(t, g.serve), server(t, g.serve), server(t, g.serve), server(t, g.serve), server(t, g.serve))
		r.put(t, "likes", server(t, fine))
		wait := flock(t, c, 60, "http://pizza/")
		eventually(t, "it has all that it may have", func() bool { return g.now.Load() == 15 })
		for range 50 {
			_, body, err := do(t, c, "GET", "http://likes/")
			require.NoError(t, err)
			assert.Equal(t, "fine", body)
		}
		close(g.open)
		wait()
		assert.EqualValues(t, 15, g.most.Load())
	})
	t.Run("the limit in total holds for all services together", func(t *testing.T) {
		t.Parallel()
		g := newGauge()
		c, r := client(t, httpclient.Options{Config: limits(10, 8)}, server(t, g.serve))
		r.put(t, "likes", server(t, g.serve))
		pizzas, likes := flock(t, c, 20, "http://pizza/"), flock(t, c, 20, "http://likes/")
		eventually(t, "the others gave up", func() bool {
			return metric(t, c, "http_client_requests_total", "outcome", "limited") == 30
		})
		close(g.open)
		pizzas()
		likes()
		assert.EqualValues(t, 10, g.most.Load())
	})
	t.Run("a place is held until the body is closed", func(t *testing.T) {
		t.Parallel()
		c, _ := client(t, httpclient.Options{Config: limits(10, 1)}, server(t, fine))
		resp, err := c.Get("http://pizza/")
		require.NoError(t, err)
		_, _, err = do(t, c, "GET", "http://pizza/")
		require.ErrorIs(t, err, httpclient.ErrLimited)
		require.NoError(t, resp.Body.Close())
		_, _, err = do(t, c, "GET", "http://pizza/")
		require.NoError(t, err)
	})
	t.Run("who leaves the queue takes no place along", func(t *testing.T) {
		t.Parallel()
		g := newGauge()
		c, _ := client(t, httpclient.Options{Config: limits(10, 1)}, server(t, g.serve))
		wait := flock(t, c, 1, "http://pizza/")
		eventually(t, "the place is taken", func() bool { return g.now.Load() == 1 })
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		_, _, err := doIn(ctx, t, c, "GET", "http://pizza/", nil)
		require.ErrorIs(t, err, context.Canceled)
		close(g.open)
		assert.Equal(t, []error{nil}, wait())
		_, _, err = do(t, c, "GET", "http://pizza/")
		require.NoError(t, err)
	})
}

func TestEach(t *testing.T) {
	t.Parallel()
	config := httpclient.Config{FanOut: setting.NewLive(3)}

	t.Run("gives the results in order, with no more calls at once than are allowed", func(t *testing.T) {
		t.Parallel()
		c, _ := client(t, httpclient.Options{Config: config})
		var now, most atomic.Int64
		items := []int{5, 4, 3, 2, 1, 0, 1, 2, 3}
		got, err := httpclient.Each(t.Context(), c, items, func(_ context.Context, item int) (int, error) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			<-time.After(time.Duration(item) * time.Millisecond)
			return item * 10, nil
		})
		require.NoError(t, err)
		assert.Equal(t, []int{50, 40, 30, 20, 10, 0, 10, 20, 30}, got)
		assert.LessOrEqual(t, most.Load(), int64(3))
	})
	t.Run("ends with the first error, and the rest with it", func(t *testing.T) {
		t.Parallel()
		c, _ := client(t, httpclient.Options{Config: config})
		var begun atomic.Int64
		got, err := httpclient.Each(t.Context(), c, make([]int, 100), func(ctx context.Context, _ int) (int, error) {
			if begun.Add(1) == 2 {
				return 0, io.ErrShortBuffer
			}
			<-ctx.Done()
			return 0, ctx.Err()
		})
		require.ErrorIs(t, err, io.ErrShortBuffer)
		assert.Nil(t, got)
		assert.LessOrEqual(t, begun.Load(), int64(4))
	})
	t.Run("does not begin for a caller that has left", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := httpclient.Each(ctx, nil, []int{1}, func(context.Context, int) (int, error) { return 1, nil })
		require.ErrorIs(t, err, context.Canceled)
		none, err := httpclient.Each(t.Context(), nil, nil, func(context.Context, int) (int, error) { return 1, nil })
		require.NoError(t, err)
		assert.Empty(t, none)
	})
}
