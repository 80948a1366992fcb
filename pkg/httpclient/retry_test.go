package httpclient_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/pkg/setting"
)

// once is a body that cannot be read any more when it was closed.
type once struct{ io.Reader }

func (o *once) Close() error {
	o.Reader = strings.NewReader("")
	return nil
}

func TestRetries(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method, retryAfter string
		status, want, hits int
	}{
		"a GET that a gateway refused is tried again":              {"GET", "", 502, 200, 2},
		"a GET that an overloaded instance refused is too":         {"GET", "", 503, 200, 2},
		"a GET that a gateway gave up on is too":                   {"GET", "", 504, 200, 2},
		"a HEAD is too":                                            {"HEAD", "", 503, 200, 2},
		"an OPTIONS is too":                                        {"OPTIONS", "", 503, 200, 2},
		"a POST is not: it may have happened":                      {"POST", "", 503, 503, 1},
		"a PUT is not":                                             {"PUT", "", 503, 503, 1},
		"a DELETE is not":                                          {"DELETE", "", 503, 503, 1},
		"a GET that failed for good is not tried again":            {"GET", "", 500, 500, 1},
		"a GET that found nothing is not tried again":              {"GET", "", 404, 404, 1},
		"an instance that says when to come back is obeyed":        {"GET", "1", 503, 200, 2},
		"one that has had too many is too":                         {"GET", "1", 429, 200, 2},
		"one that has had too many and does not say when is left":  {"GET", "", 429, 429, 1},
		"one that wants more time than there is gets no other try": {"GET", "60", 503, 503, 1},
		"a POST does not wait either":                              {"POST", "1", 429, 429, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var hits atomic.Int32
			var first, second time.Time
			c, _ := client(t, httpclient.Options{Config: timeout(patience)}, server(t, func(w http.ResponseWriter, _ *http.Request) {
				if hits.Add(1) == 1 {
					first = time.Now()
					w.Header().Set("Retry-After", tc.retryAfter)
					w.WriteHeader(tc.status)
					return
				}
				second = time.Now()
			}))
			status, _, err := do(t, c, tc.method, "http://pizza/")
			require.NoError(t, err)
			assert.Equal(t, tc.want, status)
			assert.EqualValues(t, tc.hits, hits.Load())
			if tc.retryAfter != "" && tc.hits > 1 {
				assert.GreaterOrEqual(t, second.Sub(first), time.Second-10*time.Millisecond, "never sooner than asked")
			}
			assert.EqualValues(t, tc.hits-1, metric(t, c, "http_client_retries_total", "service", "pizza"))
		})
	}

	t.Run("there is no fourth attempt", func(t *testing.T) {
		t.Parallel()
		var hits atomic.Int32
		c, _ := client(t, httpclient.Options{Config: timeout(patience)},
			server(t, func(w http.ResponseWriter, _ *http.Request) { hits.Add(1); w.WriteHeader(503) }))
		status, _, err := do(t, c, "GET", "http://pizza/")
		require.NoError(t, err)
		assert.Equal(t, 503, status)
		assert.EqualValues(t, 3, hits.Load())
		outcomeIs(t, c, "unavailable", 1)
	})
	t.Run("the answer that is not waited out tells our caller when to come back", func(t *testing.T) {
		t.Parallel()
		c, _ := client(t, httpclient.Options{}, server(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat))
			w.WriteHeader(503)
		}))
		resp, err := c.Get("http://pizza/")
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.InDelta(t, 60, fault.From(httpclient.Fault("pizza", resp, nil)).RetryAfter.Seconds(), 10)
	})
	t.Run("an instance that wants a pause is not waited for while there is another", func(t *testing.T) {
		t.Parallel()
		var resting atomic.Int32
		c, _ := client(t, httpclient.Options{}, server(t, func(w http.ResponseWriter, _ *http.Request) {
			resting.Add(1)
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(503)
		}), server(t, fine))
		for range 20 {
			status, _, err := do(t, c, "GET", "http://pizza/")
			require.NoError(t, err)
			assert.Equal(t, 200, status)
		}
		assert.LessOrEqual(t, resting.Load(), int32(1), "it is left alone")
	})
	t.Run("any request that was not sent is, elsewhere and with its body", func(t *testing.T) {
		t.Parallel()
		var bodies atomic.Int32
		alive := server(t, func(w http.ResponseWriter, r *http.Request) {
			if body, _ := io.ReadAll(r.Body); string(body) == "a pizza" {
				bodies.Add(1)
			}
		})
		c, _ := client(t, httpclient.Options{}, closed(t), closed(t), alive)
		for range 5 {
			req, err := http.NewRequestWithContext(t.Context(), "POST", "http://pizza/", strings.NewReader("a pizza"))
			require.NoError(t, err)
			req.Body = &once{Reader: strings.NewReader("a pizza")}
			status, _, err := send(c, req)
			require.NoError(t, err)
			assert.Equal(t, 200, status)
		}
		assert.EqualValues(t, 5, bodies.Load())
	})
	t.Run("what was never sent takes nothing from the budget when it goes elsewhere", func(t *testing.T) {
		t.Parallel()
		alive := server(t, fine)
		config := timeout(patience)
		config.RetryBudget = setting.NewLive(0.0)
		c, r := client(t, httpclient.Options{Config: config})
		for range 30 {
			r.put(t, "pizza", closed(t), alive) // about half of them try the dead one first
			status, _, err := do(t, c, "POST", "http://pizza/")
			require.NoError(t, err)
			assert.Equal(t, 200, status)
		}
		assert.Positive(t, metric(t, c, "http_client_retries_total", "reason", "refused"))
		assert.Zero(t, metric(t, c, "http_client_retries_refused_total"))
	})
	t.Run("a request whose body is gone is not repeated", func(t *testing.T) {
		t.Parallel()
		c, _ := client(t, httpclient.Options{}, closed(t))
		_, _, err := doIn(t.Context(), t, c, "POST", "http://pizza/", io.MultiReader(strings.NewReader("a pizza")))
		require.Error(t, err)
		assert.Zero(t, metric(t, c, "http_client_retries_total"))
		assert.True(t, fault.Is(httpclient.Fault("pizza", nil, err), fault.KindUnavailable))
		outcomeIs(t, c, "refused", 1)
	})
	t.Run("the next attempt goes where the service is by then", func(t *testing.T) {
		t.Parallel()
		moved := server(t, fine)
		var r *resolver
		var c *httpclient.Client
		c, r = client(t, httpclient.Options{}, server(t, func(w http.ResponseWriter, _ *http.Request) {
			r.put(t, "pizza", moved)
			w.WriteHeader(503)
		}))
		status, body, err := do(t, c, "GET", "http://pizza/")
		require.NoError(t, err)
		assert.Equal(t, 200, status)
		assert.Equal(t, "fine", body)
	})
	t.Run("a caller that leaves ends the pause", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c, _ := client(t, httpclient.Options{Config: timeout(time.Minute)}, server(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "40")
			w.WriteHeader(503)
			time.AfterFunc(50*time.Millisecond, cancel)
		}))
		_, _, err := doIn(ctx, t, c, "GET", "http://pizza/", nil)
		require.ErrorIs(t, err, context.Canceled)
		outcomeIs(t, c, "canceled", 1)
	})
}

func TestRetriesStayInTheirBudget(t *testing.T) {
	t.Parallel()
	const failing, calls = 100, 500 // four calls that succeed beside each that fails: the circuit stays closed
	for name, tc := range map[string]struct {
		share  float64
		budget int32
	}{
		"a fifth of the calls, and three":              {0.2, calls/5 + 3},
		"a fiftieth, and three":                        {0.02, calls/50 + 3},
		"none but the three of a client that is quiet": {0, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var hits atomic.Int32
			config := httpclient.Config{RetryBudget: setting.NewLive(tc.share), Timeout: setting.NewLive(patience)}
			c, _ := client(t, httpclient.Options{Config: config}, server(t, func(w http.ResponseWriter, r *http.Request) {
				hits.Add(1)
				if r.URL.Path == "/failing" {
					w.WriteHeader(502)
				}
			}))
			began := time.Now()
			_, err := httpclient.Each(t.Context(), c, make([]int, failing), func(ctx context.Context, _ int) (int, error) {
				for range calls/failing - 1 {
					if _, _, err := doIn(ctx, t, c, "GET", "http://pizza/well", nil); err != nil {
						return 0, err
					}
				}
				status, _, err := doIn(ctx, t, c, "GET", "http://pizza/failing", nil)
				assert.Equal(t, 502, status)
				return 0, err
			})
			require.NoError(t, err)
			windows := 1 + int32(time.Since(began)/(9*time.Second)) // on a machine that does much else
			retries := hits.Load() - calls
			assert.LessOrEqual(t, retries, tc.budget+3*(windows-1), "as the callee counts")
			assert.GreaterOrEqual(t, retries, min(tc.budget, 2*failing)/2, "and it is there to be used")
			assert.EqualValues(t, retries, metric(t, c, "http_client_retries_total", "service", "pizza", "reason", "server_error"))
			assert.Positive(t, metric(t, c, "http_client_retries_refused_total", "service", "pizza"))
		})
	}
}
