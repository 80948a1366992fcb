package httpserver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/httpserver"
)

func TestHowLongARequestHas(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.server.Echo.GET(httpserver.Base+"/left", func(c echo.Context) error {
		deadline, _ := c.Request().Context().Deadline()
		return c.String(http.StatusOK, fmt.Sprint(time.Until(deadline).Milliseconds()))
	})
	left := func(t *testing.T, headers ...string) (milliseconds int) {
		t.Helper()
		_, err := fmt.Sscan(f.do(t, "GET", "/api/v1/left", "", headers...).body, &milliseconds)
		require.NoError(t, err)
		return milliseconds
	}
	const own, unhurried = 20_000, 15_000 // the server's bound, and what is left of it on a slow machine

	t.Run("it has no longer than its caller waits", func(t *testing.T) {
		t.Parallel()
		assert.LessOrEqual(t, left(t, "X-Request-Timeout-Ms", "9000"), 9_000)
	})
	t.Run("it has no longer than any, however long its caller would wait", func(t *testing.T) {
		t.Parallel()
		assert.LessOrEqual(t, left(t, "X-Request-Timeout-Ms", "3600000"), own)
	})
	for _, rubbish := range []string{"", "soon", "0", "-5", "+5", "5.5", "5s", "1e1", "0x5", "99999999999999999999", "5, 5"} {
		t.Run(fmt.Sprintf("%q says nothing", rubbish), func(t *testing.T) {
			t.Parallel()
			assert.Greater(t, left(t, "X-Request-Timeout-Ms", rubbish), unhurried)
		})
	}
}

func TestTimeThatRunsOut(t *testing.T) {
	t.Parallel()
	f := start(t)
	for path, failing := range map[string]func(context.Context) error{
		"/says": context.Context.Err,
		"/hides": func(context.Context) error {
			return errors.New("statement was cancelled: secret of the house")
		},
		"/stops-parts": func(context.Context) error { return fmt.Errorf("ask many: %w", context.Canceled) },
		"/knows":       func(context.Context) error { return fault.Unavailable("Down.", errors.New("cause of it")) },
	} {
		f.server.Echo.GET(httpserver.Base+path, func(c echo.Context) error {
			ctx := c.Request().Context()
			<-ctx.Done()
			return failing(ctx)
		})
	}
	for _, path := range []string{"/says", "/hides", "/stops-parts"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			got := f.do(t, "GET", "/api/v1"+path, "", "X-Request-Timeout-Ms", "20")
			assert.Equal(t, http.StatusGatewayTimeout, got.StatusCode)
			assert.Equal(t, "urn:problem:timeout", got.problem(t).Type)
			assert.NotContains(t, got.body, "secret")
		})
	}
	t.Run("who knows better why is believed", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, http.StatusServiceUnavailable, f.do(t, "GET", "/api/v1/knows", "", "X-Request-Timeout-Ms", "20").StatusCode)
	})
	t.Run("an error in time is what it was", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, http.StatusInternalServerError, f.do(t, "GET", "/api/v1/broken", "", "X-Request-Timeout-Ms", "10000").StatusCode)
	})
}

func TestRequestsAreCountedByTheirRoutes(t *testing.T) {
	t.Parallel()
	f := start(t)
	for _, id := range []string{"1", "2", "3"} {
		f.do(t, "GET", "/api/v1/things/"+id, "")
	}
	f.do(t, "DELETE", "/api/v1/things", "")
	f.do(t, "GET", "/api/v1/nothing/like/it", "")
	f.do(t, "BREW", "/api/v1/things", "")
	got := f.do(t, "GET", "/metrics", "").body
	for _, line := range []string{
		`http_requests_total{method="GET",route="/api/v1/things/:id",status="200"} 3`,
		`http_requests_total{method="DELETE",route="/api/v1/things",status="405"} 1`,
		`http_requests_total{method="other",route="/api/v1/things",status="405"} 1`,
		`http_request_seconds_count{route="/api/v1/things/:id"} 3`,
		`http_request_seconds_bucket{route="/api/v1/things/:id",le="20"} 3`,
	} {
		assert.Contains(t, got, "\n"+line+"\n")
	}
	assert.NotContains(t, got, "/like/it")
	assert.NotContains(t, got, "BREW")
}
