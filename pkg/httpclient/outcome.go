package httpclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// What New's client gives when it does not call, or does not read on.
var (
	ErrTooLarge    = errors.New("the answer is too large")
	ErrCircuitOpen = errors.New("the circuit is open: the service failed too often just now")
	ErrLimited     = errors.New("too many requests are under way")
	ErrNoAddress   = errors.New("nobody knows where the service is")
)

// errHang ends an attempt that used its share of the time, so that another
// instance has some.
var errHang = fmt.Errorf("no answer while another instance could still be asked: %w", context.DeadlineExceeded)

// outcome is why a call ended, as the metrics have it.
type outcome int

const (
	ok outcome = iota
	clientError
	serverError
	unavailable
	timedOut
	canceled
	refused
	dns
	reset
	unreachable
	rubbish
	tooLarge
	circuitOpen
	limited
	noAddress
	outcomes // how many there are
)

var outcomeNames = [outcomes]string{
	"ok", "client_error", "server_error", "unavailable", "timeout", "canceled", "refused", "dns", "reset", "unreachable",
	"rubbish", "too_large", "circuit_open", "limited", "no_address",
}

func (o outcome) String() string { return outcomeNames[o] }

// failure is a call without a usable answer.
type failure struct {
	outcome    outcome
	unsent     bool          // not a byte of the request left
	retryAfter time.Duration // when another try makes sense, if that is known
	err        error
}

func (f *failure) Error() string { return f.outcome.String() + ": " + f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// Timeout makes url.Error.Timeout tell the truth.
func (f *failure) Timeout() bool { return f.outcome == timedOut }

func fail(o outcome, err error) *failure { return &failure{outcome: o, err: err} }

// dialError marks that there was no connection yet, so that nothing was sent.
type dialError struct{ error }

func (e dialError) Unwrap() error { return e.error }

// classify says why a request failed. ctx is the call's, attempt its attempt's.
func classify(ctx, attempt context.Context, err error) *failure {
	_, dialing := errors.AsType[dialError](err)
	switch {
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fail(timedOut, fmt.Errorf("%w (%v)", context.DeadlineExceeded, err)) //nolint:errorlint // a cancellation below is not one of the call
	case ctx.Err() != nil:
		return fail(canceled, ctx.Err())
	case context.Cause(attempt) == errDropped: //nolint:errorlint // it is that very one
		return fail(reset, errDropped)
	case context.Cause(attempt) == errHang: //nolint:errorlint // it is that very one
		return fail(timedOut, errHang)
	case dialing:
		return &failure{outcome: undialed(err), unsent: true, err: err}
	}
	return fail(broken(err), err)
}

// undialed says why there is no connection.
func undialed(err error) outcome {
	_, lookup := errors.AsType[*net.DNSError](err)
	switch {
	case lookup:
		return dns
	case errors.Is(err, syscall.ECONNREFUSED):
		return refused
	}
	return unreachable
}

// broken says what was wrong with a connection, or with what came over it: by
// exclusion, as net/http has no type for most of what is not HTTP.
func broken(err error) outcome {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	_, operation := errors.AsType[*net.OpError](err)
	netError, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, ErrTooLarge):
		return tooLarge
	case verification, record, alert:
		return unreachable
	case errors.Is(err, context.DeadlineExceeded), isNet && netError.Timeout():
		return timedOut
	case operation, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed),
		strings.Contains(err.Error(), "server closed idle connection"), strings.Contains(err.Error(), "CloseIdleConnections"):
		return reset
	}
	return rubbish
}

// answered says what an answer means for the call.
func answered(service string, resp *http.Response) outcome {
	switch status := resp.StatusCode; {
	case status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests:
		return unavailable
	case status >= 500:
		return serverError
	case status >= 400:
		return clientError
	case status >= 300 && status != http.StatusNotModified && elsewhere(service, resp.Header.Get("Location")):
		return rubbish
	}
	return ok
}

// elsewhere reports whether a redirect leads away from the service; such a one
// is not followed.
func elsewhere(service, location string) bool {
	to, err := url.Parse(location)
	return err != nil || to.Host != "" && to.Host != service
}

// verdict is what the circuit hears of an attempt.
type verdict int

const (
	good verdict = iota
	bad
	excluded // it says nothing about the target
)

var (
	errBad      = errors.New("the attempt failed")
	errExcluded = errors.New("the attempt says nothing about the target")
)

func (v verdict) err() error {
	return [...]error{good: nil, bad: errBad, excluded: errExcluded}[v]
}

// judge says whether the target is at fault. A time-out is not its fault if the
// attempt had no fair chance because its caller was in a hurry.
func judge(o outcome, status int, fair bool) verdict {
	switch {
	case o == canceled, o == circuitOpen, o == limited, o == noAddress, !fair && (o == timedOut || status == http.StatusGatewayTimeout):
		return excluded
	case o == ok, o == clientError, o == unavailable && status == http.StatusTooManyRequests, o == serverError && !faulty(status):
		return good
	}
	return bad
}

// faulty reports a status of a server in trouble, unlike such as 501.
func faulty(status int) bool {
	return status == http.StatusInternalServerError || status == http.StatusBadGateway || status == http.StatusGatewayTimeout
}
