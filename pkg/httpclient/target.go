package httpclient

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
)

// A circuit opens when at least circuitFailures of the attempts of the last
// circuitWindow failed, and half of them all. After about circuitPause it lets
// circuitProbes attempts through, and closes when all of them succeed.
const (
	circuitWindow   = 10 * time.Second
	circuitSlice    = time.Second
	circuitFailures = 10
	circuitPause    = time.Second
	circuitProbes   = 2
)

// longestRest bounds for how long an instance may ask to be left alone while
// there are others.
const longestRest = 10 * time.Second

// target is one instance of a service.
type target struct {
	url     *url.URL
	base    *http.Transport
	traced  http.RoundTripper // base with a span around each attempt
	slots   *gate
	latency latency
	circuit *gobreaker.TwoStepCircuitBreaker[struct{}]
	retryAt atomic.Int64 // Unix ns when an open circuit lets an attempt through; 0: the circuit is closed
	restsTo atomic.Int64 // Unix ns until when it asked to be left alone
	gone    atomic.Bool  // it left the pool
}

// mostIdle connections are kept to one instance; how many are in use is the limits'
// to say, which may change.
const mostIdle = 256

func (t *transport) newTarget(s *service, u *url.URL) *target {
	dialer := &net.Dialer{Timeout: time.Second, KeepAlive: 15 * time.Second, Control: t.control}
	base := &http.Transport{
		// No proxy from the environment: tokens go where the resolver says.
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, dialError{err}
			}
			return conn, nil
		},
		TLSHandshakeTimeout:    2 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxIdleConnsPerHost:    mostIdle,
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: 256 << 10,
		ForceAttemptHTTP2:      true,
	}
	to := &target{
		url: u, base: base, slots: newGate(),
		traced: otelhttp.NewTransport(base, otelhttp.WithPropagators(propagation.TraceContext{})),
	}
	pause := circuitPause + rand.N(circuitPause/4) // so that not all callers come back at once
	to.circuit = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: circuitProbes, Interval: circuitWindow, BucketPeriod: circuitSlice, Timeout: pause,
		ReadyToTrip: func(n gobreaker.Counts) bool {
			return n.TotalFailures >= circuitFailures && n.TotalFailures >= n.TotalSuccesses
		},
		IsExcluded:    func(err error) bool { return errors.Is(err, errExcluded) },
		OnStateChange: func(_ string, from, now gobreaker.State) { t.circuitTurned(s, to, from, now, pause) },
	})
	return to
}

// circuitTurned runs under the circuit's lock.
func (t *transport) circuitTurned(s *service, to *target, from, now gobreaker.State, pause time.Duration) {
	switch now {
	case gobreaker.StateOpen:
		to.retryAt.Store(time.Now().Add(pause).UnixNano())
		if from == gobreaker.StateClosed && !to.gone.Load() {
			t.log.Warn("circuit opened: the service fails too often", "service", s.name, "target", to.url.Host)
		}
	case gobreaker.StateClosed:
		to.latency.set(s.meanLatency(), time.Now()) // what made it open is over
		to.retryAt.Store(0)
		if !to.gone.Load() {
			t.log.Info("circuit closed: the service answers again", "service", s.name, "target", to.url.Host)
		}
	case gobreaker.StateHalfOpen:
	}
}

// closed reports whether attempts pass freely.
func (to *target) closed() bool { return to.retryAt.Load() == 0 }

// due reports whether an open circuit waits for somebody to try again.
func (to *target) due(now time.Time) bool {
	at := to.retryAt.Load()
	return at != 0 && at <= now.UnixNano()
}

// resting reports whether it asked to be left alone.
func (to *target) resting(now time.Time) bool { return to.restsTo.Load() > now.UnixNano() }

func (to *target) rest(wait time.Duration, now time.Time) {
	to.restsTo.Store(now.Add(min(wait, longestRest)).UnixNano())
}

// cost is how long a further request would take, about.
func (to *target) cost(now time.Time) float64 {
	cost := float64(to.slots.inside.Load()+1) * max(to.latency.now(now), noise)
	if to.resting(now) {
		cost += float64(time.Hour)
	}
	return cost
}

// release gives a place back. When the last one leaves a target that is gone, so
// do its connections.
func (to *target) release() {
	to.slots.leave()
	if to.gone.Load() && to.slots.inside.Load() == 0 {
		to.base.CloseIdleConnections()
	}
}

// retire closes the connections of a target that left the pool: those in use as
// soon as they are free.
func (to *target) retire() {
	to.gone.Store(true)
	to.base.CloseIdleConnections()
}
