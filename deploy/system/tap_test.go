package system

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tap passes connections on to an address, and sees the requests that go through. It can be cut, as a network can.
type tap struct {
	listener net.Listener
	target   string
	asked    atomic.Int64 // requests to the API
	probed   atomic.Int64 // requests whether it lives
	tokens   atomic.Int64 // chunks with a token in them that were not of requests to the API
	first    atomic.Pointer[chan time.Time]
	mutex    sync.Mutex
	isCut    bool
	open     map[net.Conn]bool
}

// newTap listens before the address in the URL.
func newTap(t *testing.T, before string) *tap {
	t.Helper()
	address, err := url.Parse(before)
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &tap{listener: listener, target: address.Host, open: map[net.Conn]bool{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { p.pass(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		p.cut(true)
		serving.Wait()
	})
	return p
}

func (p *tap) url() string { return "http://" + p.listener.Addr().String() }

// firstCall returns where the time of the next request to the API will come.
func (p *tap) firstCall() <-chan time.Time {
	first := make(chan time.Time, 1)
	p.first.Store(&first)
	return first
}

// cut ends all connections and refuses new ones, until it is called with false.
func (p *tap) cut(yes bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.isCut = yes
	for conn := range p.open {
		if yes {
			_ = conn.Close()
		}
	}
}

// keep remembers a connection, or closes it if there are to be none.
func (p *tap) keep(conn net.Conn) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.isCut {
		_ = conn.Close()
		return false
	}
	p.open[conn] = true
	return true
}

func (p *tap) forget(conn net.Conn) {
	_ = conn.Close()
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.open, conn)
}

func (p *tap) pass(caller net.Conn) {
	if !p.keep(caller) {
		return
	}
	defer p.forget(caller)
	callee, err := net.DialTimeout("tcp", p.target, patience)
	if err != nil || !p.keep(callee) {
		return
	}
	defer p.forget(callee)
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(caller, callee)
		_ = caller.Close()
	})
	chunk := make([]byte, 64<<10)
	for {
		n, err := caller.Read(chunk)
		if n > 0 {
			p.see(chunk[:n])
			_, _ = callee.Write(chunk[:n])
		}
		if err != nil {
			break
		}
	}
	_ = callee.Close()
	back.Wait()
}

// see looks at what a caller has sent. Callers do not send a request before they have the last one's answer, so that each
// begins a chunk.
func (p *tap) see(chunk []byte) {
	line, _, _ := bytes.Cut(chunk, []byte("\r\n"))
	if bytes.Contains(line, []byte(" /api/")) {
		p.asked.Add(1)
		if first := p.first.Swap(nil); first != nil {
			*first <- time.Now()
		}
		return
	}
	if bytes.Contains(line, []byte(" /livez ")) {
		p.probed.Add(1)
	}
	if bytes.Contains(bytes.ToLower(chunk), []byte("\r\nauthorization:")) {
		p.tokens.Add(1)
	}
}
