package discovery_test

import (
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy stands between a registry and etcd: a network that can be cut.
type proxy struct {
	t        testing.TB
	target   string
	at       string
	mu       sync.Mutex
	listener net.Listener
	open     []net.Conn
	copying  sync.WaitGroup
}

func newProxy(t testing.TB, endpoint string) *proxy {
	t.Helper()
	target, err := url.Parse(endpoint)
	require.NoError(t, err)
	p := &proxy{t: t, target: target.Host, at: "127.0.0.1:0"}
	p.mend()
	t.Cleanup(func() {
		p.cut()
		p.copying.Wait()
	})
	return p
}

func (p *proxy) address() string { return "http://" + p.at }

func (p *proxy) mend() {
	p.t.Helper()
	listener, err := net.Listen("tcp", p.at)
	require.NoError(p.t, err)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener, p.at = listener, listener.Addr().String()
	p.copying.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", p.target)
			if err != nil {
				_ = from.Close()
				continue
			}
			p.mu.Lock()
			p.open = append(p.open, from, to)
			p.mu.Unlock()
			p.copying.Go(func() { pipe(from, to) })
			p.copying.Go(func() { pipe(to, from) })
		}
	})
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.listener.Close()
	for _, conn := range p.open {
		_ = conn.Close()
	}
	p.open = nil
}

func pipe(from, to net.Conn) {
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			_ = to.Close()
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			_ = from.Close()
			return
		}
	}
}
