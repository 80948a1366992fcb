package httpclient_test

import (
	"context"
	"fmt"
	"io"
	"net"
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

func TestAServiceThatMovedIsNotTakenForTheOneBefore(t *testing.T) {
	t.Parallel()
	// Both count their versions from 1, as two databases do.
	pizza := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"1.json"`)
			if r.Header.Get("If-None-Match") != "" {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = io.WriteString(w, body)
		}
	}
	first, again, other := server(t, pizza("margherita")), server(t, pizza("margherita")), server(t, pizza("funghi"))
	c, r := client(t, httpclient.Options{}, first)
	_, body := get(t, c, "http://pizza/1")
	require.Equal(t, "margherita", body)

	r.put(t, "pizza", first, again) // a second instance of the same
	_, body = get(t, c, "http://pizza/1")
	assert.Equal(t, "margherita", body)
	assert.EqualValues(t, 1, metric(t, c, "http_client_cache_total", "result", "hit"))

	r.put(t, "pizza", other)
	_, body = get(t, c, "http://pizza/1")
	assert.Equal(t, "funghi", body)
	r.put(t, "pizza", first)
	_, body = get(t, c, "http://pizza/1")
	assert.Equal(t, "margherita", body)
}

func TestHeadersThatAreTooLargeAreNotKept(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	c, _ := client(t, httpclient.Options{}, server(t, func(w http.ResponseWriter, r *http.Request) {
		sent.Store(int64(len(r.Header.Get("If-None-Match"))))
		w.Header().Set("ETag", `"`+strings.Repeat("x", 100<<10)+`"`)
		_, _ = io.WriteString(w, "{}")
	}))
	for range 2 {
		get(t, c, "http://pizza/1")
	}
	assert.Zero(t, sent.Load(), "a tag that no server takes back is not sent")
}

func TestWhoLeavesTellsThatAnInstanceIsSlow(t *testing.T) {
	t.Parallel()
	stuck, hits := counted(t, hang)
	c, _ := client(t, httpclient.Options{}, stuck, server(t, after(5*time.Millisecond, fine)))
	eventually(t, "the stuck one was asked, by somebody in a hurry", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, _, _ = doIn(ctx, t, c, "POST", "http://pizza/", nil)
		return hits.Load() > 0
	})
	before := hits.Load()
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, _, _ = doIn(ctx, t, c, "POST", "http://pizza/", nil)
		cancel()
	}
	assert.Less(t, hits.Load()-before, int64(15), "of 20")
}

func TestThoseInAHurryDoNotOpenTheCircuitForOthers(t *testing.T) {
	t.Parallel()
	c, _ := client(t, httpclient.Options{}, server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			w.WriteHeader(http.StatusGatewayTimeout) // it obeys the time that its caller has
		}
	}))
	for range 30 {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, _, _ = doIn(ctx, t, c, "POST", "http://pizza/slow", nil)
		cancel()
	}
	status, _, err := do(t, c, "POST", "http://pizza/fast")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
	assert.Zero(t, metric(t, c, "http_client_circuit_open"))
}

func TestALongTimeoutLeavesTheCircuitItsSay(t *testing.T) {
	t.Parallel()
	c, _ := client(t, httpclient.Options{Config: timeout(time.Minute)}, server(t, hang))
	eventually(t, "it is open", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := httpclient.Each(ctx, c, make([]int, 8), func(ctx context.Context, _ int) (int, error) {
			_, _, _ = doIn(ctx, t, c, "POST", "http://pizza/", nil)
			return 0, nil
		})
		return err == nil && metric(t, c, "http_client_circuit_open") == 1
	})
}

// A connection that breaks after the request went out may have been used before, and net/http would send a GET again on
// every other one that it has.
func TestBrokenConnectionsDoNotMultiplyARequest(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	var breaks atomic.Bool
	const most = 30
	together := make(chan struct{}, most)
	release := make(chan struct{})
	address := raw(t, func(conn net.Conn) {
		for buffer := make([]byte, 8<<10); ; {
			if _, err := conn.Read(buffer); err != nil {
				return
			}
			hits.Add(1)
			if breaks.Load() {
				return
			}
			together <- struct{}{}
			<-release
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	config := limits(100, 50)
	config.FanOut = setting.NewLive(most)
	c, _ := client(t, httpclient.Options{Config: config}, address)
	go func() {
		for range most {
			<-together
		}
		close(release)
	}()
	calls(t, c, most) // all on connections of their own, which are idle now
	hits.Store(0)
	breaks.Store(true)
	_, _, err := do(t, c, "GET", "http://pizza/")
	require.Error(t, err)
	assert.Equal(t, fault.KindUnavailable, fault.From(httpclient.Fault("pizza", nil, err)).Kind)
	assert.LessOrEqual(t, hits.Load(), int64(3), "as many as there are attempts")
}

func TestAFaultDoesNotTellWhoWasAskedFor(t *testing.T) {
	t.Parallel()
	c, _ := client(t, httpclient.Options{}, closed(t))
	_, _, err := do(t, c, "GET", "http://pizza/likes?user=canary")
	require.Error(t, err)
	assert.NotContains(t, fmt.Sprintf("%v", fault.From(httpclient.Fault("pizza", nil, err)).Cause), "canary")
}

func TestAnInstanceThatRestsIsLeftAloneWhileAnotherIsThere(t *testing.T) {
	t.Parallel()
	busy := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	one, ones := counted(t, busy)
	two, twos := counted(t, busy)
	c, _ := client(t, httpclient.Options{}, one, two, server(t, fine))
	eventually(t, "both have said so", func() bool {
		_, _, err := do(t, c, "GET", "http://pizza/")
		require.NoError(t, err)
		return ones.Load() > 0 && twos.Load() > 0
	})
	for range 30 {
		status, _, err := do(t, c, "POST", "http://pizza/")
		require.NoError(t, err)
		assert.Equal(t, 200, status)
	}
	assert.EqualValues(t, 2, ones.Load()+twos.Load())
}
