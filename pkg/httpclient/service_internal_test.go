package httpclient

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type resolved struct{ atomic.Pointer[[]*url.URL] }

func (r *resolved) Targets(string) ([]*url.URL, error) { return *r.Load(), nil }

func (r *resolved) put(hosts ...string) {
	var urls []*url.URL
	for _, host := range hosts {
		urls = append(urls, &url.URL{Scheme: "http", Host: host})
	}
	r.Store(&urls)
}

func TestThePoolFollowsTheResolver(t *testing.T) {
	t.Parallel()
	r := &resolved{}
	r.put("a", "b")
	c := New(Options{Resolver: r}).transport
	s := c.service("pizza")
	first, err := c.pool(s)
	require.NoError(t, err)
	again, err := c.pool(s)
	require.NoError(t, err)
	assert.Same(t, first, again, "nothing is built while nothing changes")
	now := time.Now()
	first.targets[0].latency.set(10e6, now)
	first.targets[1].latency.set(30e6, now)

	r.put("b", "c", "c")
	second, err := c.pool(s)

	require.NoError(t, err)
	require.Len(t, second.targets, 2, "one that is named twice is one")
	assert.Same(t, first.targets[1], second.targets[0], "what is known of who stays is kept")
	assert.InDelta(t, 20e6, second.targets[1].latency.now(now), 1e6, "a new one is thought to be like the others")
	assert.True(t, first.targets[0].gone.Load())
	assert.False(t, first.targets[1].gone.Load())
}

func TestAnInstanceThatAsksForAPauseIsTakenLast(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	t.Cleanup(s.Close)
	r := &resolved{}
	r.put(s.Listener.Addr().String())
	c := New(Options{Resolver: r})
	t.Cleanup(c.CloseIdleConnections)
	resp, err := c.Post("http://pizza/", "", nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())

	p, err := c.transport.pool(c.transport.service("pizza"))
	require.NoError(t, err)
	now := time.Now()
	busy := &target{slots: newGate()}
	busy.latency.set(5e9, now)
	busy.slots.inside.Store(50)
	assert.Greater(t, p.targets[0].cost(now), busy.cost(now))
	assert.False(t, p.targets[0].resting(now.Add(longestRest+time.Second)), "nobody is left alone for an hour")
}

func TestACallThatCameLateLeavesNoConnectionBehind(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			close(gone)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	r := &resolved{}
	r.put(s.Listener.Addr().String())
	c := New(Options{Resolver: r}).transport
	p, err := c.pool(c.service("pizza"))
	require.NoError(t, err)
	to := p.targets[0]

	to.retire() // and a call that had chosen it before goes there now
	require.True(t, to.slots.try(1))
	resp, err := (&http.Client{Transport: to.base}).Get(s.URL)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	to.release()

	select {
	case <-gone:
	case <-time.After(20 * time.Second):
		require.Fail(t, "the connection stays open")
	}
}

func TestAResolverWithEqualURLsInAnotherListIsNoChange(t *testing.T) {
	t.Parallel()
	r := &resolved{}
	r.put("a")
	c := New(Options{Resolver: r}).transport
	s := c.service("pizza")
	first, err := c.pool(s)
	require.NoError(t, err)
	r.put("a")
	second, err := c.pool(s)
	require.NoError(t, err)
	assert.Same(t, first.targets[0], second.targets[0])
	assert.False(t, first.targets[0].gone.Load())
}
