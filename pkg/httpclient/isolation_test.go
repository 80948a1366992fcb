package httpclient_test

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/pkg/setting"
)

// A service in trouble, whatever its trouble, does not slow down calls to
// another one that go through the same client.
func TestCallsToOthersStayFast(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("0", 1<<16)
	const head = "HTTP/1.1 200 OK\r\n"
	for name, ill := range map[string]func(*testing.T) string{
		"one that hangs":   func(t *testing.T) string { return server(t, hang) },
		"one that fails":   func(t *testing.T) string { return server(t, status(http.StatusServiceUnavailable)) },
		"one that is gone": func(t *testing.T) string { return closed(t) },
		"one that takes and says nothing": func(t *testing.T) string {
			return raw(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1<<20)); _, _ = c.Read(make([]byte, 1)) })
		},
		"one that drips":           func(t *testing.T) string { return raw(t, drip(head+"\r\n")) },
		"one that floods":          func(t *testing.T) string { return raw(t, flood(head+"\r\n", zeros)) },
		"one that answers rubbish": func(t *testing.T) string { return raw(t, say("rubbish")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := limits(24, 8)
			config.Timeout = setting.NewLive(patience)
			c, r := client(t, httpclient.Options{Config: config, MaxBody: 1 << 20}, ill(t))
			r.put(t, "likes", server(t, fine))
			alone := median(t, c)

			// Far more callers than there is room for keep at it.
			ctx, cancel := context.WithCancel(t.Context())
			var load sync.WaitGroup
			for range 40 {
				load.Go(func() {
					for ctx.Err() == nil {
						_, _, _ = doIn(ctx, t, c, "GET", "http://pizza/", nil)
						select {
						case <-ctx.Done():
						case <-time.After(10 * time.Millisecond): // the processor is for the others too
						}
					}
				})
			}
			eventually(t, "it is in trouble", func() bool {
				return metric(t, c, "http_client_in_flight", "service", "pizza") >= 8 || metric(t, c, "http_client_requests_total", "service", "pizza") >= 40
			})
			beside := median(t, c)
			cancel()
			load.Wait()
			assert.Less(t, beside, 50*alone+500*time.Millisecond)
		})
	}
}

// median is how long a call to likes takes.
func median(t *testing.T, c *httpclient.Client) time.Duration {
	t.Helper()
	var took []time.Duration
	for range 51 {
		began := time.Now()
		_, body, err := do(t, c, "GET", "http://likes/")
		require.NoError(t, err)
		require.Equal(t, "fine", body)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2]
}
