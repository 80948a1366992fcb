package httpclient_test

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/pkg/requestid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// resolver gives the next URL at each call, the last one for ever.
type resolver struct {
	urls []string
	n    atomic.Int32
}

func (r *resolver) Resolve(service string) (*url.URL, error) {
	if service != "pizza" {
		return nil, errors.New("unknown service")
	}
	i := min(int(r.n.Add(1))-1, len(r.urls)-1)
	return url.Parse(r.urls[i])
}

func server(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// closed is the URL of a server that is gone.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return "http://" + l.Addr().String()
}

func client(t *testing.T, o httpclient.Options, urls ...string) (*http.Client, *resolver) {
	t.Helper()
	r := &resolver{urls: urls}
	o.Resolver = r
	c := httpclient.New(o)
	t.Cleanup(c.CloseIdleConnections)
	return c, r
}

func do(t *testing.T, c *http.Client, method, target string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, nil)
	require.NoError(t, err)
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

func TestACallCarriesWhoAsksAndWhy(t *testing.T) {
	t.Parallel()
	var got *http.Request
	c, _ := client(t, httpclient.Options{Token: "likes-service:pw"}, server(t, func(_ http.ResponseWriter, r *http.Request) { got = r })+"/prefix")
	traceID, _ := trace.TraceIDFromHex("4bf92f3577b34da6a3ce929d0e0e4736")
	spanID, _ := trace.SpanIDFromHex("00f067aa0ba902b7")
	ctx := requestid.NewContext(t.Context(), "req-1")
	ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: spanID, TraceFlags: 1}))

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://pizza/api/v1/pizzas/a%2Fb?limit=1", nil)
	require.NoError(t, err)
	resp, err := c.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())

	assert.Equal(t, "Bearer "+base64.StdEncoding.EncodeToString([]byte("likes-service:pw")), got.Header.Get("Authorization"))
	assert.Equal(t, "req-1", got.Header.Get("X-Request-Id"))
	assert.Contains(t, got.Header.Get("Traceparent"), "4bf92f3577b34da6a3ce929d0e0e4736")
	assert.Equal(t, "/prefix/api/v1/pizzas/a%2Fb?limit=1", got.RequestURI)
	assert.NotEqual(t, "pizza", got.Host, "the target is asked under its own name")
	assert.Empty(t, req.Header.Get("Authorization"), "the caller's request is left alone")
}

func TestRetries(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method, retryAfter string
		status, want, hits int
	}{
		"a GET that a gateway refused is tried again":       {"GET", "", 502, 200, 2},
		"a GET that an overloaded instance refused is too":  {"GET", "", 503, 200, 2},
		"a GET that a gateway gave up on is too":            {"GET", "", 504, 200, 2},
		"a HEAD is too":                                     {"HEAD", "", 503, 200, 2},
		"a POST is not: it may have happened":               {"POST", "", 503, 503, 1},
		"a DELETE is not":                                   {"DELETE", "", 503, 503, 1},
		"an instance that says when to come back is obeyed": {"GET", "1", 503, 503, 1},
		"a GET that failed for good is not tried again":     {"GET", "", 500, 500, 1},
		"a GET that found nothing is not tried again":       {"GET", "", 404, 404, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var hits atomic.Int32
			c, _ := client(t, httpclient.Options{}, server(t, func(w http.ResponseWriter, _ *http.Request) {
				if hits.Add(1) == 1 {
					w.Header().Set("Retry-After", tc.retryAfter)
					w.WriteHeader(tc.status)
				}
			}))
			status, _, err := do(t, c, tc.method, "http://pizza/")
			require.NoError(t, err)
			assert.Equal(t, tc.want, status)
			assert.EqualValues(t, tc.hits, hits.Load())
		})
	}

	t.Run("there is no third attempt", func(t *testing.T) {
		t.Parallel()
		var hits atomic.Int32
		c, _ := client(t, httpclient.Options{}, server(t, func(w http.ResponseWriter, _ *http.Request) { hits.Add(1); w.WriteHeader(503) }))
		status, _, err := do(t, c, "GET", "http://pizza/")
		require.NoError(t, err)
		assert.Equal(t, 503, status)
		assert.EqualValues(t, 2, hits.Load())
	})
	t.Run("the second attempt goes where the service is by then", func(t *testing.T) {
		t.Parallel()
		c, r := client(t, httpclient.Options{}, closed(t), server(t, func(http.ResponseWriter, *http.Request) {}))
		status, _, err := do(t, c, "GET", "http://pizza/")
		require.NoError(t, err)
		assert.Equal(t, 200, status)
		assert.EqualValues(t, 2, r.n.Load())
	})
	t.Run("a POST whose connection failed is not repeated", func(t *testing.T) {
		t.Parallel()
		c, r := client(t, httpclient.Options{}, closed(t))
		_, _, err := do(t, c, "POST", "http://pizza/")
		require.Error(t, err)
		assert.EqualValues(t, 1, r.n.Load())
		assert.True(t, fault.Is(httpclient.Fault("pizza", nil, err), fault.KindUnavailable))
	})
	t.Run("a service that nobody knows is unavailable", func(t *testing.T) {
		t.Parallel()
		c, _ := client(t, httpclient.Options{}, "http://127.0.0.1:1")
		_, _, err := do(t, c, "POST", "http://cheese/")
		assert.True(t, fault.Is(httpclient.Fault("cheese", nil, err), fault.KindUnavailable))
	})
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	hang := func(t *testing.T) string {
		return server(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	}

	t.Run("a call ends at the client's timeout", func(t *testing.T) {
		t.Parallel()
		c, _ := client(t, httpclient.Options{Timeout: 50 * time.Millisecond}, hang(t))
		_, _, err := do(t, c, "GET", "http://pizza/")
		assert.True(t, fault.Is(httpclient.Fault("pizza", nil, err), fault.Timeout), "%v", err)
	})
	t.Run("a call ends at its caller's deadline", func(t *testing.T) {
		t.Parallel()
		c, _ := client(t, httpclient.Options{}, hang(t))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://pizza/", nil)
		_, err := c.Do(req)
		assert.True(t, fault.Is(httpclient.Fault("pizza", nil, err), fault.Timeout), "%v", err)
	})
	t.Run("a call that its caller gave up is nobody's fault", func(t *testing.T) {
		t.Parallel()
		c, _ := client(t, httpclient.Options{}, hang(t))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://pizza/", nil)
		_, err := c.Do(req)
		err = httpclient.Fault("pizza", nil, err)
		assert.ErrorIs(t, err, context.Canceled)
		assert.False(t, fault.Is(err, fault.KindUnavailable))
	})
}

func TestRedirects(t *testing.T) {
	t.Parallel()

	t.Run("one to another host is not followed, so the token stays here", func(t *testing.T) {
		t.Parallel()
		var stolen atomic.Bool
		elsewhere := server(t, func(_ http.ResponseWriter, r *http.Request) { stolen.Store(true) })
		c, _ := client(t, httpclient.Options{Token: "a:b"}, server(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
		}))
		status, _, err := do(t, c, "GET", "http://pizza/")
		require.NoError(t, err)
		assert.Equal(t, 307, status)
		assert.False(t, stolen.Load())
	})
	t.Run("one within the service is followed", func(t *testing.T) {
		t.Parallel()
		c, _ := client(t, httpclient.Options{}, server(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/old" {
				http.Redirect(w, r, "/new", http.StatusFound)
				return
			}
			_, _ = io.WriteString(w, r.URL.Path)
		}))
		_, body, err := do(t, c, "GET", "http://pizza/old")
		require.NoError(t, err)
		assert.Equal(t, "/new", body)
	})
	t.Run("a circle ends", func(t *testing.T) {
		t.Parallel()
		var hits atomic.Int32
		c, _ := client(t, httpclient.Options{}, server(t, func(w http.ResponseWriter, r *http.Request) {
			hits.Add(1)
			http.Redirect(w, r, "/", http.StatusFound)
		}))
		status, _, err := do(t, c, "GET", "http://pizza/")
		require.NoError(t, err)
		assert.Equal(t, 302, status)
		assert.EqualValues(t, 4, hits.Load())
	})
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		size int
		send func(w http.ResponseWriter, body string)
		ok   bool
	}{
		"one of the greatest size is read":  {100, func(w http.ResponseWriter, b string) { _, _ = io.WriteString(w, b) }, true},
		"one that says it is larger is not": {101, func(w http.ResponseWriter, b string) { _, _ = io.WriteString(w, b) }, false},
		"one that turns out to be larger is cut off": {101, func(w http.ResponseWriter, b string) {
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, b)
		}, false},
		"one that inflates to more is cut off": {101, func(w http.ResponseWriter, b string) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, b)
			_ = z.Close()
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := strings.Repeat("x", tc.size)
			c, _ := client(t, httpclient.Options{MaxBody: 100}, server(t, func(w http.ResponseWriter, _ *http.Request) { tc.send(w, body) }))
			_, got, err := do(t, c, "GET", "http://pizza/")
			if tc.ok {
				require.NoError(t, err)
				assert.Equal(t, body, got)
				return
			}
			require.ErrorIs(t, err, httpclient.ErrTooLarge)
			assert.LessOrEqual(t, len(got), 100)
			assert.True(t, fault.Is(httpclient.Fault("pizza", nil, err), fault.BadGateway))
		})
	}
}

func TestFault(t *testing.T) {
	t.Parallel()
	answer := func(status int, pairs ...string) *http.Response {
		r := &http.Response{StatusCode: status, Header: http.Header{}, ContentLength: -1}
		for i := 0; i < len(pairs); i += 2 {
			r.Header.Set(pairs[i], pairs[i+1])
		}
		return r
	}
	var into struct{ A int }
	for name, tc := range map[string]struct {
		resp  *http.Response
		err   error
		kind  fault.Kind
		retry time.Duration
	}{
		"404 is not found":                      {answer(404), nil, fault.KindNotFound, 0},
		"410 is gone":                           {answer(410), nil, fault.Gone, 0},
		"500 is a bad gateway":                  {answer(500), nil, fault.BadGateway, 0},
		"502 is a bad gateway":                  {answer(502), nil, fault.BadGateway, 0},
		"503 is unavailable":                    {answer(503), nil, fault.KindUnavailable, time.Second},
		"503 passes on when to come back":       {answer(503, "Retry-After", "7"), nil, fault.KindUnavailable, 7 * time.Second},
		"nobody waits for longer than an hour":  {answer(503, "Retry-After", "999999"), nil, fault.KindUnavailable, time.Hour},
		"429 is unavailable for our callers":    {answer(429, "Retry-After", "2"), nil, fault.KindUnavailable, 2 * time.Second},
		"504 is a timeout":                      {answer(504), nil, fault.Timeout, 0},
		"401 is a bad gateway, not theirs":      {answer(401), nil, fault.BadGateway, 0},
		"a redirect elsewhere is a bad gateway": {answer(307), nil, fault.BadGateway, 0},
		"200 with a page is a bad gateway":      {answer(200, "Content-Type", "text/html"), nil, fault.BadGateway, 0},
		"JSON that breaks off":                  {nil, json.Unmarshal([]byte(`{"A":`), &into), fault.BadGateway, 0},
		"JSON of another shape":                 {nil, json.Unmarshal([]byte(`{"A":"x"}`), &into), fault.BadGateway, 0},
		"an answer that breaks off":             {nil, io.ErrUnexpectedEOF, fault.BadGateway, 0},
		"no answer at all":                      {nil, nil, fault.BadGateway, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fault.From(httpclient.Fault("pizza", tc.resp, tc.err))
			require.NotNil(t, f)
			assert.Equal(t, tc.kind, f.Kind, "%v", f)
			assert.Equal(t, tc.retry, f.RetryAfter)
		})
	}
	for name, resp := range map[string]*http.Response{
		"200 with JSON is none":            answer(200, "Content-Type", "application/json; charset=utf-8"),
		"201 with JSON is none":            answer(201, "Content-Type", "application/json"),
		"204 is none":                      answer(204),
		"200 that carries nothing is none": {StatusCode: 200, Header: http.Header{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.NoError(t, httpclient.Fault("pizza", resp, nil))
		})
	}
}
