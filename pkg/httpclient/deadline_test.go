package httpclient_test

import (
	"context"
	"io"
	"net/http"
	"strconv"
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

func TestDeadlines(t *testing.T) {
	t.Parallel()

	t.Run("a call ends at the client's timeout", func(t *testing.T) {
		t.Parallel()
		c, _ := client(t, httpclient.Options{Config: timeout(50 * time.Millisecond)}, server(t, hang))
		_, _, err := do(t, c, "GET", "http://pizza/")
		assert.True(t, fault.Is(httpclient.Fault("pizza", nil, err), fault.Timeout), "%v", err)
		outcomeIs(t, c, "timeout", 1)
	})
	t.Run("so does reading an answer that never ends", func(t *testing.T) {
		t.Parallel()
		c, _ := client(t, httpclient.Options{Config: timeout(time.Second)}, server(t, func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			hang(w, r)
		}))
		status, _, err := do(t, c, "GET", "http://pizza/")
		assert.Equal(t, 200, status)
		assert.True(t, fault.Is(httpclient.Fault("pizza", nil, err), fault.Timeout), "%v", err)
		outcomeIs(t, c, "timeout", 1)
	})
	t.Run("a call ends at its caller's deadline", func(t *testing.T) {
		t.Parallel()
		c, _ := client(t, httpclient.Options{}, server(t, hang))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, _, err := doIn(ctx, t, c, "GET", "http://pizza/", nil)
		assert.True(t, fault.Is(httpclient.Fault("pizza", nil, err), fault.Timeout), "%v", err)
	})
	t.Run("a call that its caller gave up is nobody's fault", func(t *testing.T) {
		t.Parallel()
		c, _ := client(t, httpclient.Options{}, server(t, hang))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		_, _, err := doIn(ctx, t, c, "GET", "http://pizza/", nil)
		err = httpclient.Fault("pizza", nil, err)
		require.ErrorIs(t, err, context.Canceled)
		assert.False(t, fault.Is(err, fault.KindUnavailable))
		outcomeIs(t, c, "canceled", 1)
	})
	t.Run("the callee hears how long it has, at every attempt", func(t *testing.T) {
		t.Parallel()
		var mu sync.Mutex
		var told []int
		c, _ := client(t, httpclient.Options{Config: timeout(10 * time.Second)}, server(t, func(w http.ResponseWriter, r *http.Request) {
			left, err := strconv.Atoi(r.Header.Get(httpclient.TimeoutHeader))
			assert.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			told = append(told, left)
			w.WriteHeader(502)
		}))
		_, _, err := do(t, c, "GET", "http://pizza/")
		require.NoError(t, err)
		require.Len(t, told, 3)
		assert.LessOrEqual(t, told[0], 10_000)
		assert.Greater(t, told[0], 5_000)
		assert.LessOrEqual(t, told[1], told[0])
		assert.LessOrEqual(t, told[2], told[1])
	})
	t.Run("a redirect is part of the call and gets what is left of its time", func(t *testing.T) {
		t.Parallel()
		c, _ := client(t, httpclient.Options{Config: timeout(4 * time.Second)}, server(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/new" {
				<-time.After(time.Second)
				http.Redirect(w, r, "/new", http.StatusFound)
				return
			}
			left, _ := strconv.Atoi(r.Header.Get(httpclient.TimeoutHeader))
			_, _ = io.WriteString(w, strconv.FormatBool(left <= 3000))
		}))
		_, body, err := do(t, c, "GET", "http://pizza/")
		require.NoError(t, err)
		assert.Equal(t, "true", body)
	})
	t.Run("an instance that hangs leaves time for another one", func(t *testing.T) {
		t.Parallel()
		var hung atomic.Int32
		stuck := server(t, func(w http.ResponseWriter, r *http.Request) {
			hung.Add(1)
			left, _ := strconv.Atoi(r.Header.Get(httpclient.TimeoutHeader))
			assert.LessOrEqual(t, left, 2000, "nobody waits longer")
			hang(w, r)
		})
		c, _ := client(t, httpclient.Options{Config: timeout(4 * time.Second)}, stuck, server(t, fine))
		for hung.Load() == 0 {
			status, body, err := do(t, c, "GET", "http://pizza/")
			require.NoError(t, err)
			assert.Equal(t, 200, status)
			assert.Equal(t, "fine", body)
		}
		assert.EqualValues(t, 1, metric(t, c, "http_client_retries_total", "reason", "timeout"))
	})
	t.Run("an answer that has begun in time may take all of it", func(t *testing.T) {
		t.Parallel()
		slow := func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-time.After(1800 * time.Millisecond)
			_, _ = io.WriteString(w, "late")
		}
		c, _ := client(t, httpclient.Options{Config: timeout(3 * time.Second)}, server(t, slow), server(t, slow))
		_, body, err := do(t, c, "GET", "http://pizza/")
		require.NoError(t, err)
		assert.Equal(t, "late", body)
	})
	t.Run("a body that is never closed is let go at the deadline", func(t *testing.T) {
		t.Parallel()
		config := httpclient.Config{Timeout: setting.NewLive(time.Second)}
		c, _ := client(t, httpclient.Options{Config: config}, server(t, func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			hang(w, r)
		}))
		resp, err := c.Get("http://pizza/")
		require.NoError(t, err)
		eventually(t, "its place is free", func() bool { return metric(t, c, "http_client_in_flight") == 0 })
		require.NoError(t, resp.Body.Close())
	})
}
