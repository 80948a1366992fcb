// Package problem answers errors as RFC 9457 problem details, in the format that
// the request accepts. It is the one place where a kind of error becomes a status.
//
// Types are "urn:problem:<kind>" (urn:problem:not-found, …): stable names to
// switch on, one per fault.Kind. What a caller reads comes from fault.Error's
// Detail and Fields; causes stay in the log, and only Internal is logged here,
// as whoever knows more about the others has logged them already.
package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/trace"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/representation"
	"github.com/tizza/tizza/pkg/requestid"
)

// typePrefix and the kind's name are the problem's type.
const typePrefix = "urn:problem:"

// challenge answers 401 (RFC 9110 §11.6.1): what kind of credential is taken.
const challenge = `Bearer realm="api"`

// Problem is the body.
type Problem struct {
	Type     string        `json:"type"`
	Title    string        `json:"title"`
	Status   int           `json:"status"`
	Detail   string        `json:"detail"`
	Instance string        `json:"instance,omitempty"` // the request's path
	Errors   []fault.Field `json:"errors,omitempty"`
	TraceID  string        `json:"trace_id,omitempty"`
}

var statuses = map[fault.Kind]int{
	fault.Internal:           http.StatusInternalServerError,
	fault.KindInvalid:        http.StatusBadRequest,
	fault.Unauthenticated:    http.StatusUnauthorized,
	fault.Forbidden:          http.StatusForbidden,
	fault.KindNotFound:       http.StatusNotFound,
	fault.NotAllowed:         http.StatusMethodNotAllowed,
	fault.NotAcceptable:      http.StatusNotAcceptable,
	fault.Conflict:           http.StatusConflict,
	fault.Gone:               http.StatusGone,
	fault.PreconditionFailed: http.StatusPreconditionFailed,
	fault.TooLarge:           http.StatusRequestEntityTooLarge,
	fault.Unsupported:        http.StatusUnsupportedMediaType,
	fault.RateLimited:        http.StatusTooManyRequests,
	fault.BadGateway:         http.StatusBadGateway,
	fault.KindUnavailable:    http.StatusServiceUnavailable,
	fault.Timeout:            http.StatusGatewayTimeout,
}

// Status is the HTTP status of a kind, 500 for one it does not know.
func Status(kind fault.Kind) int {
	if status, known := statuses[kind]; known {
		return status
	}
	return http.StatusInternalServerError
}

// From is the body for err as the answer to r.
func From(r *http.Request, err error) Problem {
	f := fault.From(err)
	status := Status(f.Kind)
	p := Problem{
		Type:     typePrefix + f.Kind.String(),
		Title:    http.StatusText(status),
		Status:   status,
		Detail:   f.Detail,
		Instance: r.URL.EscapedPath(),
		Errors:   f.Fields,
	}
	if span := trace.SpanContextFromContext(r.Context()); span.HasTraceID() {
		p.TraceID = span.TraceID().String()
	}
	return p
}

// Write answers err, whatever it is, with Retry-After and WWW-Authenticate
// where its kind asks for them. Only an error nobody classified is logged.
func Write(w http.ResponseWriter, r *http.Request, err error) {
	f, p := fault.From(err), From(r, err)
	if f.Kind == fault.Internal {
		slog.ErrorContext(r.Context(), "request failed", "error", err, "request_id", requestid.From(r.Context()), "trace_id", p.TraceID)
	}
	header := w.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "Etag", "Last-Modified", "Link", "Location", "Content-Location"} {
		header.Del(name) // of the answer that was under way
	}
	header.Set("X-Content-Type-Options", "nosniff")
	if header.Get("Cache-Control") == "" {
		header.Set("Cache-Control", "no-store")
	}
	if f.Kind == fault.Unauthenticated {
		header.Set("WWW-Authenticate", challenge)
	}
	if wait := retryAfter(f); wait != "" {
		header.Set("Retry-After", wait)
	}
	choice, _ := representation.Choose(r)
	codec := representation.FromContext(r.Context())
	data, err := codec.Write(choice.Format, p)
	if err != nil { // a format that is not set up here: JSON always is
		choice.Format = representation.JSON
		data, _ = codec.Write(choice.Format, p)
	}
	choice.Send(w, p.Status, choice.Format.ProblemMediaType(), data)
}

// retryAfter is in whole seconds, rounded up. 429 and 503 always have one.
func retryAfter(f *fault.Error) string {
	wait := f.RetryAfter
	if wait <= 0 {
		if f.Kind != fault.RateLimited && f.Kind != fault.KindUnavailable {
			return ""
		}
		wait = fault.DefaultRetryAfter
	}
	return strconv.Itoa(int(math.Ceil(wait.Seconds())))
}

// maxBody is more than any problem has.
const maxBody = 64 << 10

// Parse reads the body of another service's error answer.
func Parse(body io.Reader) (Problem, error) {
	var p Problem
	if err := json.NewDecoder(io.LimitReader(body, maxBody)).Decode(&p); err != nil {
		return Problem{}, fmt.Errorf("read problem: %w", err)
	}
	if p.Title == "" && p.Status == 0 && p.Detail == "" {
		return Problem{}, errors.New("read problem: a JSON object that is none")
	}
	return p, nil
}
