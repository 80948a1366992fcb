package httpclient_test

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/pkg/setting"
)

func TestSettingsChangeWhileTheProgramRuns(t *testing.T) {
	t.Parallel()
	settings, err := setting.Open(struct{ Client httpclient.Config }{})
	require.NoError(t, err)
	g := newGauge()
	var told atomic.Int64
	c, r := client(t, httpclient.Options{Config: settings.Config().Client}, server(t, g.serve))
	r.put(t, "likes", server(t, func(w http.ResponseWriter, r *http.Request) {
		ms, _ := strconv.ParseInt(r.Header.Get(httpclient.TimeoutHeader), 10, 64)
		told.Store(ms)
		w.WriteHeader(502)
	}))

	require.NoError(t, settings.Override("CLIENT_TIMEOUT", "50s"))
	require.NoError(t, settings.Override("CLIENT_RETRY_BUDGET", "0"))
	require.NoError(t, settings.Override("CLIENT_MAX_IN_FLIGHT_PER_HOST", "2"))
	require.NoError(t, settings.Override("CLIENT_FAN_OUT", "1"))
	require.Error(t, settings.Override("CLIENT_MAX_IN_FLIGHT", "2"), "no room for a second service")

	wait := flock(t, c, 3, "http://pizza/")
	eventually(t, "the third found no place", func() bool { return metric(t, c, "http_client_requests_total", "outcome", "limited") == 1 })
	close(g.open)
	wait()
	_, err = httpclient.Each(t.Context(), c, make([]int, 5), func(ctx context.Context, _ int) (int, error) {
		status, _, err := doIn(ctx, t, c, "GET", "http://likes/", nil)
		assert.Equal(t, 502, status)
		return 0, err
	})
	require.NoError(t, err)
	assert.Greater(t, told.Load(), int64(5000))
	assert.EqualValues(t, 3, metric(t, c, "http_client_retries_total", "service", "likes"), "those that are always allowed")
}
