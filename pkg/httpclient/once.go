package httpclient

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync/atomic"
)

var errDropped = errors.New("the connection was closed after the request had been sent")

// once ends an attempt when net/http would send it a second time on its own,
// after a connection broke that had been used before: that is a retry, and
// retries are counted.
func once(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	var sent atomic.Bool
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				sent.Store(true)
			}
		},
		GotConn: func(info httptrace.GotConnInfo) {
			if sent.Load() {
				cancel(errDropped)
				_ = info.Conn.Close() // before anything is written to it
			}
		},
	})
}
