package httpclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/tizza/tizza/pkg/fault"
)

// Fault is what the outcome of a call to service means to our own caller: nil
// for a 2xx that carries JSON or nothing, NotFound and Gone as they are,
// Unavailable when it cannot be reached or says so itself (503, 429), Timeout
// when it did not answer in time (or says so: 504), and BadGateway for every
// answer that makes no sense here. err may come from the call or from decoding.
// It does not read the body. A call that our own caller gave up stays
// context.Canceled.
func Fault(service string, resp *http.Response, err error) error {
	if err != nil {
		return failed(service, err)
	}
	if resp == nil {
		return badGateway(service, errors.New("no answer"))
	}
	cause := fmt.Errorf("%s answered %d", service, resp.StatusCode)
	switch status := resp.StatusCode; {
	case status >= 200 && status < 300:
		return readable(service, resp)
	case status == http.StatusNotFound:
		return fault.NotFound()
	case status == http.StatusGone:
		return fault.New(fault.Gone, "It is gone.")
	case status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests:
		f := unavailableFault(service, cause)
		if wait := retryAfter(resp.Header.Get("Retry-After")); wait > 0 {
			f.RetryAfter = wait
		}
		return f
	case status == http.StatusGatewayTimeout:
		return timeout(service, cause)
	default:
		return badGateway(service, cause)
	}
}

func failed(service string, err error) error {
	f, ours := errors.AsType[*failure](err)
	netError, isNet := errors.AsType[net.Error](err)
	call, asked := errors.AsType[*url.Error](err)
	if asked {
		err = call.Err // without the URL, which may name a person: what comes of it is logged
	}
	switch {
	case ours && f.outcome == timedOut:
		return timeout(service, err)
	case ours && (f.outcome == rubbish || f.outcome == tooLarge):
		return badGateway(service, err)
	case ours && f.retryAfter > 0:
		down := unavailableFault(service, err)
		down.RetryAfter = f.retryAfter
		return down
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("call %s: %w", service, err)
	case errors.Is(err, context.DeadlineExceeded), isNet && netError.Timeout() && !ours:
		return timeout(service, err)
	case errors.Is(err, ErrTooLarge), errors.Is(err, io.ErrUnexpectedEOF):
		return badGateway(service, err)
	case !ours && !isNet && !asked: // calls fail with *url.Error, bodies with *failure: this is what decoding says, of a time that is none, say
		return badGateway(service, err)
	default:
		return unavailableFault(service, err)
	}
}

// readable refuses a 2xx whose body is not what a service of ours sends, such
// as the login page of something in between.
func readable(service string, resp *http.Response) error {
	if resp.ContentLength == 0 || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" && !strings.HasSuffix(mediaType, "+json") {
		return badGateway(service, fmt.Errorf("%s answered %d without JSON", service, resp.StatusCode))
	}
	return nil
}

func unavailableFault(service string, cause error) *fault.Error {
	return fault.Unavailable("The "+service+" service is not available right now.", cause)
}

func timeout(service string, cause error) error {
	return &fault.Error{Kind: fault.Timeout, Detail: "The " + service + " service did not answer in time.", Cause: cause}
}

func badGateway(service string, cause error) error {
	return &fault.Error{Kind: fault.BadGateway, Detail: "The " + service + " service gave an answer that makes no sense.", Cause: cause}
}
