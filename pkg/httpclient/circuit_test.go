package httpclient_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
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

// lines is a log that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

// quick has a short timeout and no retries but the floor's.
func quick() httpclient.Config {
	return httpclient.Config{Timeout: setting.NewLive(2 * time.Second), RetryBudget: setting.NewLive(0.0)}
}

// untilOpen calls until the client refuses.
func untilOpen(t *testing.T, c *httpclient.Client) error {
	t.Helper()
	for range 200 {
		if _, _, err := do(t, c, "POST", "http://pizza/"); errors.Is(err, httpclient.ErrCircuitOpen) {
			return err
		}
	}
	require.Fail(t, "the circuit did not open")
	return nil
}

func TestACircuitOpensAndClosesAgain(t *testing.T) {
	t.Parallel()
	var healthy atomic.Bool
	var hits atomic.Int64
	var log lines
	c, _ := client(t, httpclient.Options{Config: quick(), Log: slog.New(slog.NewTextHandler(&log, nil))}, server(t, func(w http.ResponseWriter, _ *http.Request) {
		hits.Add(1)
		if !healthy.Load() {
			w.WriteHeader(500)
		}
	}))

	err := untilOpen(t, c)

	assert.EqualValues(t, 10, hits.Load(), "ten failures are enough")
	f := fault.From(httpclient.Fault("pizza", nil, err))
	assert.Equal(t, fault.KindUnavailable, f.Kind)
	assert.GreaterOrEqual(t, f.RetryAfter, time.Second)
	outcomeIs(t, c, "circuit_open", 1)
	outcomeIs(t, c, "server_error", 10)
	assert.EqualValues(t, 1, metric(t, c, "http_client_circuit_open", "service", "pizza"))
	assert.Equal(t, 1, log.count("circuit opened"))

	// While it is ill only a trickle of attempts gets through.
	before, began := hits.Load(), time.Now()
	for range 100 {
		_, _, _ = do(t, c, "GET", "http://pizza/")
	}
	assert.LessOrEqual(t, hits.Load()-before, 2*(1+int64(time.Since(began)/time.Second)))

	healthy.Store(true)
	eventually(t, "it is asked again", func() bool {
		status, _, err := do(t, c, "GET", "http://pizza/")
		return err == nil && status == 200
	})
	eventually(t, "the circuit closes", func() bool {
		_, _, _ = do(t, c, "GET", "http://pizza/")
		return metric(t, c, "http_client_circuit_open") == 0
	})
	assert.Equal(t, 1, log.count("circuit closed"))
	assert.Equal(t, 1, log.count("circuit opened"), "one line per change that lasts")
	for range 20 {
		status, _, err := do(t, c, "POST", "http://pizza/")
		require.NoError(t, err)
		assert.Equal(t, 200, status)
	}
}

func TestWhatOpensACircuit(t *testing.T) {
	t.Parallel()
	address := func(h http.HandlerFunc) func(*testing.T) string {
		return func(t *testing.T) string { return server(t, h) }
	}
	rawly := func(serve func(net.Conn)) func(*testing.T) string {
		return func(t *testing.T) string { return raw(t, serve) }
	}
	for name, tc := range map[string]struct {
		at    func(*testing.T) string
		opens bool
	}{
		"500":                 {address(status(500)), true},
		"502":                 {address(status(502)), true},
		"503":                 {address(status(503)), true},
		"504":                 {address(status(504)), true},
		"no connection":       {func(t *testing.T) string { return closed(t) }, true},
		"a lost connection":   {rawly(say("")), true},
		"rubbish":             {rawly(say("hello")), true},
		"gzip that is none":   {rawly(say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\nabcdefghijkl")), true},
		"half an answer":      {rawly(say("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nabc")), true},
		"too large an answer": {address(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 2000)) }), true},
		"200 does not":        {address(fine), false},
		"404 does not":        {address(status(404)), false},
		"409 does not":        {address(status(409)), false},
		"429 does not":        {address(status(429)), false},
		"501 does not":        {address(status(501)), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := client(t, httpclient.Options{Config: quick(), MaxBody: 1000}, tc.at(t))
			if tc.opens {
				_ = untilOpen(t, c)
				return
			}
			for range 40 {
				_, _, err := do(t, c, "POST", "http://pizza/")
				require.NoError(t, err)
			}
			assert.Zero(t, metric(t, c, "http_client_circuit_open"))
		})
	}

	t.Run("no answer in time", func(t *testing.T) {
		t.Parallel()
		config := quick()
		config.Timeout = setting.NewLive(30 * time.Millisecond)
		c, _ := client(t, httpclient.Options{Config: config}, server(t, hang))
		_ = untilOpen(t, c)
	})
	t.Run("failures among more successes do not", func(t *testing.T) {
		t.Parallel()
		var n atomic.Int64
		c, _ := client(t, httpclient.Options{Config: quick()}, server(t, func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1)%3 == 0 {
				w.WriteHeader(500)
			}
		}))
		for range 60 {
			_, _, err := do(t, c, "POST", "http://pizza/")
			require.NoError(t, err)
		}
	})
	t.Run("calls that their callers gave up do not, nor such as had no time", func(t *testing.T) {
		t.Parallel()
		c, _ := client(t, httpclient.Options{Config: timeout(time.Minute)}, server(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/hang" {
				hang(w, r)
			}
		}))
		for i := range 40 {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
			if i%2 == 0 {
				ctx, cancel = context.WithCancel(t.Context())
				time.AfterFunc(5*time.Millisecond, cancel)
			}
			_, _, err := doIn(ctx, t, c, "POST", "http://pizza/hang", nil)
			require.Error(t, err)
			cancel()
		}
		assert.Zero(t, metric(t, c, "http_client_circuit_open"))
		status, _, err := do(t, c, "POST", "http://pizza/")
		require.NoError(t, err)
		assert.Equal(t, 200, status)
	})
}

func TestACircuitIsNotStuckHalfOpen(t *testing.T) {
	t.Parallel()
	var mode atomic.Int32 // 0: failing, 1: hanging, 2: well
	var waiting atomic.Int32
	c, _ := client(t, httpclient.Options{Config: timeout(time.Minute)}, server(t, func(w http.ResponseWriter, r *http.Request) {
		switch mode.Load() {
		case 0:
			w.WriteHeader(500)
		case 1:
			waiting.Add(1)
			hang(w, r)
		}
	}))
	_ = untilOpen(t, c)

	// The callers whose attempts should show whether it closes all give up.
	mode.Store(1)
	eventually(t, "attempts were let through, and their callers left", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, _, _ = doIn(ctx, t, c, "POST", "http://pizza/", nil)
		return waiting.Load() >= 4
	})
	mode.Store(2)
	eventually(t, "others are let through after them", func() bool {
		_, _, err := do(t, c, "POST", "http://pizza/")
		return err == nil && metric(t, c, "http_client_circuit_open") == 0
	})
}

func TestAnInstanceWhoseCircuitIsOpen(t *testing.T) {
	t.Parallel()

	t.Run("is not asked while there is another, and comes back by itself", func(t *testing.T) {
		t.Parallel()
		var healthy atomic.Bool
		ill, hits := counted(t, func(w http.ResponseWriter, _ *http.Request) {
			if !healthy.Load() {
				w.WriteHeader(503)
			}
		})
		c, r := client(t, httpclient.Options{Config: quick()}, ill)
		_ = untilOpen(t, c)
		well, _ := counted(t, after(5*time.Millisecond, fine))
		r.put(t, "pizza", ill, well)

		calls(t, c, 50)
		healthy.Store(true)
		before := hits.Load()
		eventually(t, "it gets calls again", func() bool {
			calls(t, c, 10)
			return hits.Load() > before+20 && metric(t, c, "http_client_circuit_open") == 0
		})
	})
	t.Run("is tried with a call that can be made elsewhere when that fails", func(t *testing.T) {
		t.Parallel()
		ill, hits := counted(t, status(503))
		c, r := client(t, httpclient.Options{Config: timeout(patience)}, ill)
		_ = untilOpen(t, c)
		well, _ := counted(t, after(5*time.Millisecond, fine))
		r.put(t, "pizza", ill, well)
		before := hits.Load()
		for began := time.Now(); time.Since(began) < 1500*time.Millisecond; {
			status, _, err := do(t, c, "POST", "http://pizza/")
			require.NoError(t, err)
			require.Equal(t, 200, status, "a POST is not risked")
		}
		assert.Equal(t, before, hits.Load())
		eventually(t, "it is tried", func() bool {
			calls(t, c, 10) // which requires that none fails
			return hits.Load() > before
		})
	})
	t.Run("is no longer in the metrics once it left", func(t *testing.T) {
		t.Parallel()
		c, r := client(t, httpclient.Options{Config: quick()}, closed(t))
		_ = untilOpen(t, c)
		r.put(t, "pizza", server(t, fine))
		status, _, err := do(t, c, "POST", "http://pizza/")
		require.NoError(t, err)
		assert.Equal(t, 200, status)
		assert.Zero(t, metric(t, c, "http_client_circuit_open"))
	})
}
