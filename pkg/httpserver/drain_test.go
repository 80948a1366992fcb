package httpserver_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/httpserver"
)

// instance is a server of the test API, under way or stopping.
type instance struct {
	url  string
	stop context.CancelFunc
	done chan struct{}
}

func serve(t *testing.T, drain time.Duration) *instance {
	t.Helper()
	o := options(t, &log{})
	o.Config.Drain = drain
	s, err := httpserver.New(o)
	require.NoError(t, err)
	routes(s.Echo)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	i := &instance{url: "http://" + listener.Addr().String(), stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(i.done)
		assert.NoError(t, s.Serve(ctx, listener))
	}()
	t.Cleanup(func() {
		cancel()
		<-i.done
	})
	return i
}

// draining waits until the instance says that it stops, over a connection of its own.
func (i *instance) draining(t *testing.T) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	require.Eventually(t, func() bool {
		resp, err := client.Get(i.url + "/readyz")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusServiceUnavailable
	}, 10*time.Second, time.Millisecond)
}

// conversation is one connection, kept alive as long as the server keeps it.
type conversation struct {
	net.Conn
	reader *bufio.Reader
}

func (i *instance) talk(t *testing.T) *conversation {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(i.url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &conversation{conn, bufio.NewReader(conn)}
}

func (c *conversation) post(t *testing.T) *http.Response {
	t.Helper()
	const body = `{"title":"a"}`
	_, err := fmt.Fprintf(c, "POST /api/v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	require.NoError(t, err)
	resp, err := http.ReadResponse(c.reader, nil)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	return resp
}

func TestWhoIsConnectedWhenAServerStops(t *testing.T) {
	t.Parallel()
	i := serve(t, 5*time.Second)
	idle := i.talk(t)
	before := idle.post(t)
	assert.Equal(t, http.StatusCreated, before.StatusCode)
	assert.False(t, before.Close, "a connection is kept while the server stays")

	i.stop()
	i.draining(t)
	last := idle.post(t)
	assert.Equal(t, http.StatusCreated, last.StatusCode, "a connection that idled is still served")
	assert.True(t, last.Close, "and its caller is told to leave")
	_, err := idle.reader.ReadByte()
	assert.ErrorIs(t, err, io.EOF)

	newcomer := i.talk(t)
	assert.Equal(t, http.StatusCreated, newcomer.post(t).StatusCode, "who has not heard of it is served too")
}

// directory is where the callers find instances.
type directory struct {
	mu        sync.Mutex
	instances []*instance
	turn      int
}

func (d *directory) set(instances ...*instance) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.instances = instances
}

func (d *directory) next() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turn++
	return d.instances[d.turn%len(d.instances)].url
}

// hammer posts from many callers over connections that are kept alive until ctx
// ends, and never twice the same: a request that fails is counted, and what it failed of.
func hammer(ctx context.Context, where *directory, callers int) (answered *atomic.Int64, wait func() []string) {
	answered = &atomic.Int64{}
	transport := &http.Transport{MaxIdleConnsPerHost: callers}
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	var group sync.WaitGroup
	var mu sync.Mutex
	var failed []string
	for range callers {
		group.Go(func() {
			for ctx.Err() == nil {
				if err := post(client, where.next()); err != nil {
					mu.Lock()
					failed = append(failed, err.Error())
					mu.Unlock()
				}
				answered.Add(1)
			}
		})
	}
	return answered, func() []string {
		group.Wait()
		transport.CloseIdleConnections()
		return failed
	}
}

// post keeps net/http from sending a request again: io.NopCloser hides what the body is.
func post(client *http.Client, url string) error {
	body := io.NopCloser(strings.NewReader(`{"title":"a"}`))
	resp, err := client.Post(url+httpserver.Base+"/things", "application/json", body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

func TestStoppingUnderLoadFailsNoRequest(t *testing.T) {
	t.Parallel()
	const stops, callers, drain = 20, 8, 10 * time.Second // the next one comes while the one before still drains
	ctx, finish := context.WithCancel(t.Context())
	defer finish()
	stays := serve(t, 0)
	where := &directory{}
	where.set(stays)
	answered, wait := hammer(ctx, where, callers)
	some := func() { // requests more have been answered
		t.Helper()
		enough := answered.Load() + 4*callers
		require.Eventually(t, func() bool { return answered.Load() >= enough }, time.Minute, time.Millisecond)
	}
	var gone []*instance
	for range stops {
		goes := serve(t, drain)
		where.set(stays, goes)
		some()
		goes.stop()
		goes.draining(t)
		some() // while the callers have not heard of it
		where.set(stays)
		gone = append(gone, goes)
	}
	for _, i := range gone {
		<-i.done
	}
	finish()
	assert.Empty(t, wait())
}
