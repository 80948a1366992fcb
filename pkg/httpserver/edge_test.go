package httpserver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/health"
	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/setting"
)

func TestMethods(t *testing.T) {
	t.Parallel()
	f := start(t)

	t.Run("a method that a route does not take is 405 with what it takes", func(t *testing.T) {
		t.Parallel()
		got := f.do(t, "DELETE", "/api/v1/things", "")
		assert.Equal(t, 405, got.StatusCode)
		assert.Equal(t, "GET, HEAD, OPTIONS, POST", got.Header.Get("Allow"))
		assert.Equal(t, "urn:problem:not-allowed", got.problem(t).Type)
	})
	t.Run("OPTIONS says exactly what a route takes", func(t *testing.T) {
		t.Parallel()
		got := f.do(t, "OPTIONS", "/api/v1/things/1", "")
		assert.Equal(t, 204, got.StatusCode)
		assert.Equal(t, "DELETE, GET, HEAD, OPTIONS, PATCH, PUT", got.Header.Get("Allow"))
	})
	t.Run("OPTIONS of nothing is not found", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, 404, f.do(t, "OPTIONS", "/api/v1/nothing", "").StatusCode)
	})
	t.Run("HEAD has GET's headers and no body", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/api/v1/things", "/api/v1/things/1", "/api/v1/nothing", "/livez", "/openapi.yaml"} {
			get, head := f.do(t, "GET", path, ""), f.do(t, "HEAD", path, "")
			assert.Equal(t, get.StatusCode, head.StatusCode, path)
			assert.Empty(t, head.body, path)
			assert.Equal(t, get.Header.Get("Content-Type"), head.Header.Get("Content-Type"), path)
			assert.Equal(t, get.Header.Get("Content-Length"), head.Header.Get("Content-Length"), path)
		}
	})
	t.Run("a trailing slash is nothing", func(t *testing.T) {
		t.Parallel()
		assert.JSONEq(t, `{"title":"1"}`, f.do(t, "GET", "/api/v1/things/1/", "").body)
		assert.Equal(t, 201, f.do(t, "POST", "/api/v1/things/", `{"title":"a"}`).StatusCode)
		assert.Equal(t, 200, f.do(t, "GET", "/livez/", "").StatusCode)
	})
	t.Run("an unknown path is not found, in the contract's words", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/nothing", "/api/v1", "/api/v1/nothing", "/api/v1/things/1/2"} {
			got := f.do(t, "GET", path, "")
			assert.Equal(t, 404, got.StatusCode, path)
			assert.Equal(t, "Not found.", got.problem(t).Detail, path)
			assert.Equal(t, path, got.problem(t).Instance)
		}
	})
}

func TestErrorsShowNothingOfTheInside(t *testing.T) {
	t.Parallel()
	f := start(t)
	for path, status := range map[string]int{"/panic": 500, "/broken": 500, "/bind": 400, "/down": 503} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			got := f.do(t, "GET", "/api/v1"+path, "")
			assert.Equal(t, status, got.StatusCode)
			assert.NotEmpty(t, got.problem(t).Detail)
			for _, hidden := range []string{"secret", "cause", "strconv", "goroutine"} {
				assert.NotContains(t, got.body, hidden)
			}
		})
	}
	t.Run("half an answer is cut off, not made whole", func(t *testing.T) {
		t.Parallel()
		resp, err := http.Get(f.url + "/api/v1/half")
		require.NoError(t, err)
		defer resp.Body.Close()
		_, err = io.ReadAll(resp.Body)
		assert.Error(t, err)
	})
}

func TestCallers(t *testing.T) {
	t.Parallel()
	f := start(t)

	t.Run("a service is known by its token", func(t *testing.T) {
		t.Parallel()
		got := f.do(t, "GET", "/api/v1/private", "", "Authorization", token("operator:pw"))
		assert.Contains(t, got.body, `"client":"operator"`)
		assert.Equal(t, "no-store", got.Header.Get("Cache-Control"))
	})
	t.Run("a person is known by the cookie", func(t *testing.T) {
		t.Parallel()
		user, cookie := f.cookie(t)
		got := f.do(t, "GET", "/api/v1/private", "", "Cookie", cookie)
		assert.Contains(t, got.body, user.String())
		assert.Equal(t, "no-store", got.Header.Get("Cache-Control"))
	})
	t.Run("anyone is asked who they are before what they want", func(t *testing.T) {
		t.Parallel()
		got := f.do(t, "GET", "/api/v1/private?limit=x", "")
		assert.Equal(t, 401, got.StatusCode)
		assert.Equal(t, "Missing authentication header", got.problem(t).Detail)
		assert.NotEmpty(t, got.Header.Get("WWW-Authenticate"))
	})
	t.Run("what anyone gets may be kept", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, "no-cache", f.do(t, "GET", "/api/v1/things", "").Header.Get("Cache-Control"))
		assert.Equal(t, "no-store", f.do(t, "POST", "/api/v1/things", `{"title":"a"}`).Header.Get("Cache-Control"))
	})
	t.Run("a wrong token is refused, also where anyone may", func(t *testing.T) {
		t.Parallel()
		got := f.do(t, "GET", "/api/v1/things", "", "Authorization", token("operator:no"))
		assert.Equal(t, 401, got.StatusCode)
		assert.Equal(t, "Invalid authentication token", got.problem(t).Detail)
	})
	t.Run("a probe does not care about tokens", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, 200, f.do(t, "GET", "/livez", "", "Authorization", "nonsense").StatusCode)
	})
}

func TestCrossSite(t *testing.T) {
	t.Parallel()
	f := start(t)
	for name, tc := range map[string]struct {
		method  string
		headers []string
		status  int
	}{
		"a POST of another site's page is refused":      {"POST", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"a POST from another origin is refused":         {"POST", []string{"Origin", "https://evil.example"}, 403},
		"a POST of our own page is not":                 {"POST", []string{"Sec-Fetch-Site", "same-origin"}, 201},
		"a POST of no browser is not":                   {"POST", nil, 201},
		"a GET of another site's page is not":           {"GET", []string{"Sec-Fetch-Site", "cross-site"}, 200},
		"a token proves more than where a page is from": {"POST", []string{"Sec-Fetch-Site", "cross-site", "Authorization", token("operator:pw")}, 201},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := ""
			if tc.method == "POST" {
				body = `{"title":"a"}`
			}
			assert.Equal(t, tc.status, f.do(t, tc.method, "/api/v1/things", body, tc.headers...).StatusCode)
		})
	}
}

func TestProxies(t *testing.T) {
	t.Parallel()
	trusting := func(o *httpserver.Options) { o.Config.TrustedProxies = []string{"127.0.0.0/8", "::1/128"} }

	t.Run("nobody is believed about addresses unless trusted", func(t *testing.T) {
		t.Parallel()
		f := start(t)
		got := f.do(t, "GET", "/api/v1/address", "", "X-Forwarded-For", "9.9.9.9", "X-Real-Ip", "9.9.9.9")
		assert.Equal(t, "127.0.0.1", got.body)
		assert.Contains(t, f.do(t, "GET", "/api/v1/things", "", "X-Forwarded-Proto", "https").body, `"http://`)
	})
	t.Run("a trusted proxy is", func(t *testing.T) {
		t.Parallel()
		f := start(t, trusting)
		assert.Equal(t, "9.9.9.9", f.do(t, "GET", "/api/v1/address", "", "X-Forwarded-For", "9.9.9.9").body)
		assert.Contains(t, f.do(t, "GET", "/api/v1/things", "", "X-Forwarded-Proto", "https").body, `"https://`)
	})
	t.Run("a peer beside the trusted ones is not, wherever it is", func(t *testing.T) {
		t.Parallel()
		f := start(t, func(o *httpserver.Options) { o.Config.TrustedProxies = []string{"10.0.0.0/8"} })
		assert.Equal(t, "127.0.0.1", f.do(t, "GET", "/api/v1/address", "", "X-Forwarded-For", "9.9.9.9").body)
		assert.Contains(t, f.do(t, "GET", "/api/v1/things", "", "X-Forwarded-Proto", "https").body, `"http://`)
	})
	t.Run("but not about what stood before it", func(t *testing.T) {
		t.Parallel()
		f := start(t, trusting)
		assert.Equal(t, "9.9.9.9", f.do(t, "GET", "/api/v1/address", "", "X-Forwarded-For", "1.1.1.1, 9.9.9.9").body)
	})
}

func TestTracesAndLogs(t *testing.T) {
	t.Parallel()
	const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	f := start(t)
	got := f.do(t, "HEAD", "/api/v1/things/77?secret=hunter2", "",
		"Traceparent", "00-"+traceID+"-00f067aa0ba902b7-01", "X-Request-Id", "req-1", "Authorization", token("operator:pw"), "User-Agent", "hunter2")
	assert.Equal(t, "req-1", got.Header.Get("X-Request-Id"))

	line := f.log.line(t, "request")
	delete(line, "time")
	assert.NotEmpty(t, line["duration"])
	delete(line, "duration")
	assert.Equal(t, map[string]any{
		"level": "INFO", "msg": "request", "method": "HEAD", "route": "/api/v1/things/:id", "status": 200.0,
		"request_id": "req-1", "trace_id": traceID, "client": "operator",
	}, line)

	missing := f.do(t, "GET", "/api/v1/nothing", "", "Traceparent", "00-"+traceID+"-00f067aa0ba902b7-01")
	assert.Equal(t, traceID, missing.problem(t).TraceID, "a problem names the trace that came in")

	f.do(t, "GET", "/api/v1/down", "")
	assert.Contains(t, f.log.line(t, "request")["error"], "cause of it", "the log knows why")

	user, cookie := f.cookie(t)
	f.do(t, "GET", "/api/v1/private", "", "Cookie", cookie)
	f.do(t, "GET", "/api/v1/panic", "")
	assert.NotNil(t, f.log.line(t, "handler panicked"))
	for _, hidden := range []string{"hunter2", "127.0.0.1", "/77", user.String()} {
		assert.NotContains(t, f.log.String(), hidden)
	}
}

func TestRootRoutes(t *testing.T) {
	t.Parallel()
	f := start(t)

	t.Run("livez names the service", func(t *testing.T) {
		t.Parallel()
		assert.JSONEq(t, `{"service":"things","version":"1.2.3"}`, f.do(t, "GET", "/livez", "").body)
	})
	t.Run("readyz has a member for each dependency", func(t *testing.T) {
		t.Parallel()
		assert.JSONEq(t, `{"status":"ready","checks":{"postgres":{"status":"up","required":true,"detail":""}}}`, f.do(t, "GET", "/readyz", "").body)
	})
	t.Run("readyz is 503 while a required one is down", func(t *testing.T) {
		t.Parallel()
		down := start(t, func(o *httpserver.Options) {
			o.Checks = []health.Check{{Name: "postgres", Required: true, Probe: func(context.Context) error { return errors.New("no") }}}
		})
		assert.Equal(t, 503, down.do(t, "GET", "/readyz", "").StatusCode)
	})
	t.Run("metrics are the process's and those of its parts, and one part that fails hides no other", func(t *testing.T) {
		t.Parallel()
		fine := prometheus.NewCounter(prometheus.CounterOpts{Name: "things_made_total"})
		broken := prometheus.NewInvalidMetric(prometheus.NewDesc("things_left", "", nil, nil), errors.New("hunter2"))
		f := start(t, func(o *httpserver.Options) { o.Metrics = []prometheus.Collector{fine, one{broken}} })
		got := f.do(t, "GET", "/metrics", "")
		assert.Equal(t, 200, got.StatusCode)
		assert.Contains(t, got.body, "\nthings_made_total 0\n")
		assert.Contains(t, got.body, "\ngo_goroutines ")
		assert.NotContains(t, got.body, "hunter2")
	})
	t.Run("the document is served as it was written and as JSON", func(t *testing.T) {
		t.Parallel()
		yaml := f.do(t, "GET", "/openapi.yaml", "")
		assert.Contains(t, yaml.body, "openapi: 3.1.0")
		assert.Equal(t, "application/yaml", yaml.Header.Get("Content-Type"))
		var doc map[string]any
		require.NoError(t, json.Unmarshal([]byte(f.do(t, "GET", "/openapi.json", "").body), &doc))
		assert.Equal(t, "3.1.0", doc["openapi"])
		assert.Contains(t, doc["paths"], "/things/{thing_id}")
	})
}

func TestBadSettingsAreAllNamed(t *testing.T) {
	t.Parallel()
	err := httpserver.Config{Addr: "nowhere", PageSize: setting.NewLive(101), TrustedProxies: []string{"10.0.0.0/8", "x"}, Drain: -1}.Validate()
	for _, name := range []string{"HTTP_ADDR", "PAGE_SIZE", "TRUSTED_PROXIES", "SHUTDOWN_DRAIN"} {
		assert.ErrorContains(t, err, name)
	}
	assert.NoError(t, httpserver.Config{Addr: ":8003", PageSize: setting.NewLive(100), TrustedProxies: []string{"10.0.0.0/8"}}.Validate())
}

// running is a server in Serve with a handler that waits.
type running struct {
	addr           string
	entered, leave chan struct{}
	stop           context.CancelFunc
	done           chan error
}

func run(t *testing.T, drain time.Duration) *running {
	t.Helper()
	o := options(t, &log{})
	o.Config.Drain = drain
	s, err := httpserver.New(o)
	require.NoError(t, err)
	r := &running{entered: make(chan struct{}), leave: make(chan struct{}), done: make(chan error, 1)}
	s.Echo.GET("/wait", func(c echo.Context) error {
		close(r.entered)
		<-r.leave
		return c.String(200, "done")
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r.addr = listener.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r.stop = cancel
	go func() { r.done <- s.Serve(ctx, listener) }()
	return r
}

func TestStopping(t *testing.T) {
	t.Parallel()

	t.Run("a request under way is finished", func(t *testing.T) {
		t.Parallel()
		r := run(t, 0)
		conn, err := net.Dial("tcp", r.addr)
		require.NoError(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		<-r.entered
		r.stop()
		require.Eventually(t, func() bool { // the listener is closed first
			c, err := net.Dial("tcp", r.addr)
			if err == nil {
				_ = c.Close()
			}
			return err != nil
		}, 5*time.Second, 5*time.Millisecond)

		close(r.leave)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, "done", string(body))
		assert.NoError(t, <-r.done)
	})
	t.Run("while it drains it serves and says not ready", func(t *testing.T) {
		t.Parallel()
		r := run(t, 500*time.Millisecond)
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		get := func(path string) (int, string) {
			resp, err := client.Get("http://" + r.addr + path)
			if err != nil {
				return 0, err.Error()
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			return resp.StatusCode, string(body)
		}
		status, _ := get("/readyz")
		require.Equal(t, 200, status)
		r.stop()
		require.Eventually(t, func() bool {
			status, body := get("/readyz")
			return status == 503 && strings.Contains(body, "shutting down")
		}, 5*time.Second, 5*time.Millisecond)
		status, _ = get("/livez")
		assert.Equal(t, 200, status)
		assert.NoError(t, <-r.done)
	})
	t.Run("a taken address is a clear error", func(t *testing.T) {
		t.Parallel()
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer taken.Close()
		o := options(t, &log{})
		o.Config.Addr = taken.Addr().String()
		s, err := httpserver.New(o)
		require.NoError(t, err)
		err = s.Run(t.Context())
		assert.ErrorContains(t, err, "HTTP_ADDR")
		assert.ErrorContains(t, err, o.Config.Addr)
	})
	t.Run("Run ends without an error when it is told to", func(t *testing.T) {
		t.Parallel()
		s, err := httpserver.New(options(t, &log{}))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = s.Run(ctx) // told before it began: it may or may not have listened
		ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		assert.NoError(t, s.Run(ctx))
	})
}

// one is a collector of one metric.
type one struct{ prometheus.Metric }

func (o one) Describe(to chan<- *prometheus.Desc) { to <- o.Desc() }
func (o one) Collect(to chan<- prometheus.Metric) { to <- o.Metric }
