package httpclient

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// transport is the http.RoundTripper behind a Client.
type transport struct {
	resolver Resolver
	config   Config
	bearer   string
	maxBody  int64
	control  func(network, address string, c syscall.RawConn) error
	log      *slog.Logger
	metrics  *metrics
	cache    *cache
	inFlight *gate
	services sync.Map // name → *service
}

func newTransport(o Options) *transport {
	return &transport{
		resolver: o.Resolver, config: o.Config, bearer: bearer(o.Token), maxBody: o.MaxBody, control: o.Control, log: o.Log,
		metrics: newMetrics(), cache: newCache(), inFlight: newGate(),
	}
}

// RoundTrip makes one call: an attempt, and more where that is safe and makes
// sense. An error is a *failure.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	c := &call{transport: t, service: t.service(req.URL.Host), req: req, start: time.Now()}
	c.idempotent = idempotent(req.Method)
	c.ctx, c.cancel = context.WithDeadline(req.Context(), t.deadline(req, c.start))
	resp, err := c.run()
	if err != nil {
		c.end(outcomeOf(err))
		return nil, err
	}
	return resp, nil
}

// deadline is when the call ends. One that a redirect led to is part of the
// first.
func (t *transport) deadline(req *http.Request, start time.Time) time.Time {
	if req.Response != nil && req.Response.Request != nil {
		if deadline, has := req.Response.Request.Context().Deadline(); has {
			return deadline
		}
	}
	return start.Add(t.config.Timeout.Get())
}

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (t *transport) CloseIdleConnections() {
	t.services.Range(func(_, s any) bool {
		if p := s.(*service).current.Load(); p != nil {
			for _, to := range p.targets {
				to.base.CloseIdleConnections()
			}
		}
		return true
	})
}

// idempotent reports whether a request may be repeated though it may have had
// its effect.
func idempotent(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions || method == ""
}
