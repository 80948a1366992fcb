package httpclient_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/pkg/setting"
)

// counted is a server that counts what it is asked.
func counted(t testing.TB, h http.HandlerFunc) (string, *atomic.Int64) {
	t.Helper()
	var hits atomic.Int64
	return server(t, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		h(w, r)
	}), &hits
}

// calls makes many GETs, some at a time, and requires that all succeed.
func calls(t testing.TB, c *httpclient.Client, n int) {
	t.Helper()
	_, err := httpclient.Each(t.Context(), c, make([]int, n), func(ctx context.Context, _ int) (int, error) {
		status, _, err := doIn(ctx, t, c, "GET", "http://pizza/", nil)
		if err == nil && status != 200 {
			err = fmt.Errorf("status %d", status)
		}
		return status, err
	})
	require.NoError(t, err)
}

// after answers as h does, some time later.
func after(d time.Duration, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(d):
			h(w, r)
		case <-r.Context().Done():
		}
	}
}

func TestBalancing(t *testing.T) {
	t.Parallel()

	t.Run("instances that are alike share the calls", func(t *testing.T) {
		t.Parallel()
		one, first := counted(t, after(5*time.Millisecond, fine))
		two, second := counted(t, after(5*time.Millisecond, fine))
		three, third := counted(t, after(5*time.Millisecond, fine))
		c, _ := client(t, httpclient.Options{Config: timeout(patience)}, one, two, three)
		eventually(t, "each has its share", func() bool {
			calls(t, c, 30)
			return min(first.Load(), second.Load(), third.Load()) >= 20
		})
	})
	t.Run("a slow one gets next to nothing", func(t *testing.T) {
		t.Parallel()
		slow, slowHits := counted(t, after(500*time.Millisecond, fine))
		fast, fastHits := counted(t, fine)
		c, _ := client(t, httpclient.Options{Config: timeout(patience)}, slow, fast)
		calls(t, c, 400)
		assert.Positive(t, slowHits.Load(), "it was tried")
		assert.LessOrEqual(t, slowHits.Load(), int64(40))
		assert.GreaterOrEqual(t, fastHits.Load(), int64(360))
	})
	t.Run("one that fails fast does not attract calls", func(t *testing.T) {
		t.Parallel()
		bad, badHits := counted(t, status(503))
		good, _ := counted(t, after(20*time.Millisecond, fine))
		config := timeout(patience)
		config.RetryBudget = setting.NewLive(1.0)
		c, _ := client(t, httpclient.Options{Config: config}, bad, good)
		calls(t, c, 200)
		assert.LessOrEqual(t, badHits.Load(), int64(40))
	})
	t.Run("one that is gone costs no call", func(t *testing.T) {
		t.Parallel()
		alive, hits := counted(t, fine)
		c, _ := client(t, httpclient.Options{Config: timeout(patience)}, closed(t), alive)
		calls(t, c, 200)
		assert.EqualValues(t, 200, hits.Load())
	})
	t.Run("one that is new gets its share and not everything", func(t *testing.T) {
		t.Parallel()
		one, first := counted(t, after(10*time.Millisecond, fine))
		two, second := counted(t, after(10*time.Millisecond, fine))
		added, third := counted(t, after(10*time.Millisecond, fine))
		c, r := client(t, httpclient.Options{Config: timeout(patience)}, one, two)
		calls(t, c, 60)
		old := first.Load() + second.Load()
		r.put(t, "pizza", one, two, added)
		eventually(t, "it has its share, and the others go on", func() bool {
			calls(t, c, 30)
			return third.Load() >= 20 && first.Load()+second.Load() >= old+20
		})
	})
	t.Run("an instance that is named twice is one", func(t *testing.T) {
		t.Parallel()
		one, hits := counted(t, fine)
		c, _ := client(t, httpclient.Options{Config: timeout(patience)}, one, one)
		calls(t, c, 10)
		assert.EqualValues(t, 10, hits.Load())
	})
}

func TestAMove(t *testing.T) {
	t.Parallel()

	t.Run("reaches the next call, and requests under way finish where they started", func(t *testing.T) {
		t.Parallel()
		asked, answer := make(chan struct{}), make(chan struct{})
		old := server(t, func(w http.ResponseWriter, _ *http.Request) {
			close(asked)
			<-answer
			_, _ = io.WriteString(w, "old")
		})
		moved := server(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "new") })
		c, r := client(t, httpclient.Options{Config: timeout(time.Minute)}, old)
		first := make(chan string, 1)
		go func() {
			_, body, _ := do(t, c, "GET", "http://pizza/")
			first <- body
		}()
		<-asked
		r.put(t, "pizza", moved)
		_, body, err := do(t, c, "GET", "http://pizza/")
		require.NoError(t, err)
		assert.Equal(t, "new", body)
		close(answer)
		assert.Equal(t, "old", <-first)
	})
	t.Run("closes the connections to who left, also those that were in use", func(t *testing.T) {
		t.Parallel()
		var open atomic.Int32
		asked, answer := make(chan struct{}, 1), make(chan struct{})
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				asked <- struct{}{}
				<-answer
			}
			_, _ = io.WriteString(w, "old")
		}))
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				open.Add(1)
			case http.StateClosed:
				open.Add(-1)
			default:
			}
		}
		s.Start()
		t.Cleanup(s.Close)
		c, r := client(t, httpclient.Options{Config: timeout(time.Minute)}, s.URL)
		calls(t, c, 20)
		require.Positive(t, open.Load(), "connections are kept")
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, body, err := do(t, c, "GET", "http://pizza/slow")
			assert.NoError(t, err)
			assert.Equal(t, "old", body)
		}()
		<-asked
		r.put(t, "pizza", server(t, fine))
		calls(t, c, 1)
		eventually(t, "only the one in use is left", func() bool { return open.Load() == 1 })
		close(answer)
		<-done
		eventually(t, "no connection is left", func() bool { return open.Load() == 0 })
	})
	t.Run("there and back under load fails no request", func(t *testing.T) {
		t.Parallel()
		one, first := counted(t, fine)
		two, second := counted(t, fine)
		c, r := client(t, httpclient.Options{Config: timeout(patience)}, one)
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
					r.put(t, "pizza", []string{two, one}[i%2])
				}
			}
		}()
		for first.Load() == 0 || second.Load() == 0 || first.Load()+second.Load() < 1000 {
			calls(t, c, 100)
		}
		close(stop)
		<-stopped
	})
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(304)
			return
		}
		_, _ = io.WriteString(w, strings.Repeat("x", 100_000))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c, _ := client(t, httpclient.Options{Config: timeout(patience)}, s.URL)
	for i := range 50 {
		_, body, err := do(t, c, "GET", fmt.Sprintf("http://pizza/%d", i%25))
		require.NoError(t, err)
		require.Len(t, body, 100_000)
	}
	assert.EqualValues(t, 1, conns.Load())
}
