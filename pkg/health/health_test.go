package health_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tizza/tizza/pkg/health"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func up(context.Context) error   { return nil }
func down(context.Context) error { return errors.New("connection refused") }

func get(t *testing.T, h http.Handler) (*httptest.ResponseRecorder, health.Report) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	var report health.Report
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &report))
	return w, report
}

func TestLive(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	health.Live("likes", "1.2.3").ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/livez", nil))
	assert.Equal(t, http.StatusOK, w.Code)
	assert.JSONEq(t, `{"service":"likes","version":"1.2.3"}`, w.Body.String())
	assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
}

func TestReady(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		checks []health.Check
		status int
		word   string
	}{
		"all up is ready":                     {[]health.Check{{Name: "a", Required: true, Probe: up}, {Name: "b", Probe: up}}, 200, "ready"},
		"a required one down is not ready":    {[]health.Check{{Name: "a", Required: true, Probe: down}, {Name: "b", Probe: up}}, 503, "not ready"},
		"one that is only shown is not asked": {[]health.Check{{Name: "a", Required: true, Probe: up}, {Name: "b", Probe: down}}, 200, "ready"},
		"nothing to wait for is ready":        {nil, 200, "ready"},
		"a probe that panics is down":         {[]health.Check{{Name: "a", Required: true, Probe: func(context.Context) error { panic("x") }}}, 503, "not ready"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, report := get(t, health.Ready(tc.checks...))
			assert.Equal(t, tc.status, w.Code)
			assert.Equal(t, tc.word, report.Status)
			assert.Len(t, report.Checks, len(tc.checks))
		})
	}

	t.Run("each dependency is a member that says what is wrong", func(t *testing.T) {
		t.Parallel()
		_, report := get(t, health.Ready(health.Check{Name: "postgres", Required: true, Probe: down}, health.Check{Name: "etcd", Probe: up}))
		assert.Equal(t, map[string]health.State{
			"postgres": {Status: "down", Required: true, Detail: "connection refused"},
			"etcd":     {Status: "up"},
		}, report.Checks)
	})
}

func TestProbesRunAtOnceAndWithinABound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		stuck := func(context.Context) error { <-release; return nil } // does not heed its context
		slow := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

		start := time.Now()
		report := health.Probe(t.Context(),
			health.Check{Name: "stuck", Required: true, Probe: stuck}, health.Check{Name: "slow", Probe: slow}, health.Check{Name: "up", Probe: up})

		assert.Equal(t, health.Bound, time.Since(start), "all together take as long as one")
		assert.Equal(t, "not ready", report.Status)
		assert.Equal(t, "no answer within 2s", report.Checks["stuck"].Detail)
		assert.Equal(t, "down", report.Checks["slow"].Status)
		assert.Equal(t, "up", report.Checks["up"].Status)
		close(release)
	})
}
