package httpclient_test

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/pkg/requestid"
	"github.com/tizza/tizza/pkg/setting"
)

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
	_, _, err = send(c, req)
	require.NoError(t, err)

	assert.Equal(t, "Bearer "+base64.StdEncoding.EncodeToString([]byte("likes-service:pw")), got.Header.Get("Authorization"))
	assert.Equal(t, "req-1", got.Header.Get("X-Request-Id"))
	assert.Contains(t, got.Header.Get("Traceparent"), "4bf92f3577b34da6a3ce929d0e0e4736")
	assert.Equal(t, "/prefix/api/v1/pizzas/a%2Fb?limit=1", got.RequestURI)
	assert.NotEqual(t, "pizza", got.Host, "the target is asked under its own name")
	assert.Empty(t, req.Header, "the caller's request is left alone")
	assert.Equal(t, "pizza", req.URL.Host)
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
		outcomeIs(t, c, "rubbish", 1)
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
		outcomeIs(t, c, "ok", 2)
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

func TestAnAddressThatIsNotAllowedIsNotDialled(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	control := func(string, string, syscall.RawConn) error { return errors.New("link-local") }
	c, _ := client(t, httpclient.Options{Control: control, Config: timeout(300 * time.Millisecond)},
		server(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	_, _, err := do(t, c, "POST", "http://pizza/")
	assert.True(t, fault.Is(httpclient.Fault("pizza", nil, err), fault.KindUnavailable), "%v", err)
	assert.Zero(t, hits.Load())
	outcomeIs(t, c, "unreachable", 1)
}

func TestAServiceThatNobodyKnowsIsUnavailable(t *testing.T) {
	t.Parallel()
	c, r := client(t, httpclient.Options{})
	_, _, err := do(t, c, "POST", "http://pizza/")
	require.ErrorIs(t, err, httpclient.ErrNoAddress)
	assert.True(t, fault.Is(httpclient.Fault("pizza", nil, err), fault.KindUnavailable))
	r.put(t, "pizza")
	_, _, err = do(t, c, "GET", "http://pizza/")
	require.ErrorIs(t, err, httpclient.ErrNoAddress, "a list without any is the same")
	outcomeIs(t, c, "no_address", 2)
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	var cfg struct{ Client httpclient.Config }
	require.NoError(t, setting.Load(&cfg))
	assert.Equal(t, 5*time.Second, cfg.Client.Timeout.Get())
	assert.Equal(t, 256, cfg.Client.MaxInFlight.Get())
	assert.Equal(t, 64, cfg.Client.MaxInFlightPerHost.Get())
	assert.Equal(t, 8, cfg.Client.FanOut.Get())
	assert.InDelta(t, 0.2, cfg.Client.RetryBudget.Get(), 0)
	require.NoError(t, cfg.Client.Validate())
	require.NoError(t, httpclient.Config{}.Validate(), "what is not set has its default")
	require.NoError(t, httpclient.Config{RetryBudget: setting.NewLive(0.0)}.Validate(), "no retries are a choice")

	for name, cfg := range map[string]httpclient.Config{
		"CLIENT_TIMEOUT":                timeout(0),
		"CLIENT_MAX_IN_FLIGHT":          {MaxInFlight: setting.NewLive(0)},
		"CLIENT_MAX_IN_FLIGHT_PER_HOST": {MaxInFlightPerHost: setting.NewLive(256)},
		"CLIENT_FAN_OUT":                {FanOut: setting.NewLive(0)},
		"CLIENT_RETRY_BUDGET":           {RetryBudget: setting.NewLive(1.1)},
	} {
		assert.ErrorContains(t, cfg.Validate(), name+":")
	}
}
