package broker_test

import (
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// cable is a way to a broker that can be cut and mended.
type cable struct {
	url string

	mu    sync.Mutex
	isCut bool
	jam   atomic.Bool
	stuck atomic.Int32 // what was sent into a jam
	open  map[net.Conn]bool
}

func newCable(t *testing.T, address string) *cable {
	target, err := url.Parse(address)
	require.NoError(t, err)
	host := target.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	target.Host = listener.Addr().String()
	c := &cable{url: target.String(), open: map[net.Conn]bool{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { c.carry(client, host) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		c.cut()
		all.Wait()
	})
	return c
}

func (c *cable) carry(client net.Conn, host string) {
	defer client.Close()
	server, err := net.Dial("tcp", host)
	if err != nil {
		return
	}
	defer server.Close()
	if !c.add(client, server) {
		return
	}
	var answers sync.WaitGroup
	answers.Go(func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	})
	c.copy(server, client)
	_ = server.Close()
	answers.Wait()
}

// copy passes on what the client says. In a jam it goes no further, as at a broker that has an alarm; only the heart beats.
func (c *cable) copy(server, client net.Conn) {
	heartbeat := []byte{8, 0, 0, 0, 0, 0, 0, 0xCE}
	for buffer := make([]byte, 64<<10); ; {
		_ = client.SetReadDeadline(time.Now().Add(time.Second))
		n, err := client.Read(buffer)
		out := buffer[:n]
		if c.jam.Load() {
			if n > 0 && out[0] != heartbeat[0] {
				c.stuck.Add(1)
			}
			out = heartbeat
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if _, err := server.Write(out); err != nil {
			return
		}
	}
}

func (c *cable) add(ends ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, end := range ends {
		c.open[end] = true
	}
	return !c.isCut
}

func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isCut = true
	for end := range c.open {
		_ = end.Close()
	}
	clear(c.open)
}

func (c *cable) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isCut = false
}

// ear is a host that only counts who calls.
type ear struct {
	url   string
	calls atomic.Int32
}

func newEar(t *testing.T, host string) *ear {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	require.NoError(t, err)
	e := &ear{url: "amqp://" + listener.Addr().String() + "/"}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			caller, err := listener.Accept()
			if err != nil {
				return
			}
			e.calls.Add(1)
			_ = caller.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return e
}
