package problem_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/problem"
)

func write(t *testing.T, r *http.Request, err error) (*httptest.ResponseRecorder, problem.Problem) {
	t.Helper()
	w := httptest.NewRecorder()
	problem.Write(w, r, err)
	p, parseErr := problem.Parse(bytes.NewReader(w.Body.Bytes()))
	require.NoError(t, parseErr)
	return w, p
}

func get() *http.Request {
	return httptest.NewRequest(http.MethodGet, "/api/v1/pizzas/7?q=secret", nil)
}

func TestEveryKindHasItsStatus(t *testing.T) {
	t.Parallel()
	want := map[fault.Kind]int{
		fault.Internal: 500, fault.KindInvalid: 400, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.KindNotFound: 404,
		fault.NotAllowed: 405, fault.NotAcceptable: 406, fault.Conflict: 409, fault.Gone: 410, fault.PreconditionFailed: 412,
		fault.TooLarge: 413, fault.Unsupported: 415, fault.RateLimited: 429, fault.BadGateway: 502, fault.KindUnavailable: 503, fault.Timeout: 504,
	}
	for kind := fault.Internal; kind <= fault.Timeout; kind++ {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			w, p := write(t, get(), fault.New(kind, "What happened."))
			assert.Equal(t, want[kind], w.Code)
			assert.Equal(t, want[kind], p.Status)
			assert.Equal(t, "urn:problem:"+kind.String(), p.Type)
			assert.Equal(t, http.StatusText(want[kind]), p.Title)
			assert.Equal(t, "What happened.", p.Detail)
			assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
		})
	}
	assert.Equal(t, 500, problem.Status(fault.Kind(99)))
}

func TestWrite(t *testing.T) {
	t.Parallel()

	t.Run("the instance is the path without the query", func(t *testing.T) {
		t.Parallel()
		_, p := write(t, get(), fault.NotFound())
		assert.Equal(t, "/api/v1/pizzas/7", p.Instance)
	})
	t.Run("every bad field is there", func(t *testing.T) {
		t.Parallel()
		w, _ := write(t, get(), fault.Invalid(fault.Field{Field: "title", Detail: "is required"}, fault.Field{Field: "limit", Detail: "must be a count"}))
		var body map[string]any
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
		assert.Equal(t, []any{
			map[string]any{"field": "title", "detail": "is required"}, map[string]any{"field": "limit", "detail": "must be a count"},
		}, body["errors"])
	})
	t.Run("a 401 says what it takes", func(t *testing.T) {
		t.Parallel()
		w, _ := write(t, get(), fault.New(fault.Unauthenticated, "Missing authentication header"))
		assert.Equal(t, `Bearer realm="api"`, w.Header().Get("WWW-Authenticate"))
	})
	t.Run("the trace that came in is named", func(t *testing.T) {
		t.Parallel()
		id, err := trace.TraceIDFromHex("4bf92f3577b34da6a3ce929d0e0e4736")
		require.NoError(t, err)
		ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: id}))
		_, p := write(t, get().WithContext(ctx), fault.NotFound())
		assert.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", p.TraceID)
	})
	t.Run("headers of the answer that was under way are gone", func(t *testing.T) {
		t.Parallel()
		w := httptest.NewRecorder()
		w.Header().Set("Location", "/api/v1/pizzas/8")
		w.Header().Set("Etag", `"1"`)
		problem.Write(w, get(), fault.NotFound())
		assert.Empty(t, w.Header().Get("Location"))
		assert.Empty(t, w.Header().Get("Etag"))
	})
	t.Run("it comes in the format that is accepted, or in JSON", func(t *testing.T) {
		t.Parallel()
		for accept, want := range map[string]string{
			"application/msgpack": "application/msgpack", "text/html": "application/problem+json",
			"application/x-protobuf": "application/problem+json", // nothing here has a message for it
		} {
			r, w := get(), httptest.NewRecorder()
			r.Header.Set("Accept", accept)
			problem.Write(w, r, fault.NotFound())
			assert.Equal(t, 404, w.Code)
			assert.Equal(t, want, w.Header().Get("Content-Type"))
			assert.Equal(t, "Accept, Accept-Encoding", w.Header().Get("Vary"))
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"a 503 always has one":             {fault.New(fault.KindUnavailable, "x"), "1"},
		"a 429 always has one":             {fault.New(fault.RateLimited, "x"), "1"},
		"parts of a second are rounded up": {&fault.Error{Kind: fault.RateLimited, RetryAfter: 1200 * time.Millisecond}, "2"},
		"any kind may have one":            {&fault.Error{Kind: fault.Conflict, RetryAfter: time.Minute}, "60"},
		"others have none":                 {fault.NotFound(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := write(t, get(), tc.err)
			assert.Equal(t, tc.want, w.Header().Get("Retry-After"))
		})
	}
}

// Not parallel: it looks at the process's default logger.
func TestOnlyInternalErrorsAreLoggedAndNeverShown(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	defer slog.SetDefault(before)

	w, p := write(t, get(), errors.New("dial tcp 10.0.0.7: connection refused"))
	assert.Equal(t, 500, w.Code)
	assert.NotContains(t, w.Body.String(), "10.0.0.7")
	assert.NotEmpty(t, p.Detail)
	assert.Contains(t, log.String(), "10.0.0.7", "the log has the cause")

	log.Reset()
	w, _ = write(t, get(), fault.Unavailable("The pizza service is down.", errors.New("dial tcp 10.0.0.7")))
	assert.NotContains(t, w.Body.String(), "10.0.0.7")
	assert.Empty(t, log.String())
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"not JSON": "<html>", "nothing": "", "JSON that is no problem": `{"id":1}`, "a list": `[]`,
	} {
		t.Run(name+" is an error", func(t *testing.T) {
			t.Parallel()
			_, err := problem.Parse(strings.NewReader(body))
			assert.Error(t, err)
		})
	}
}
