// Package fault is the one error type of the domain: what went wrong, in words
// that a caller may read, without a word about HTTP. The edge turns a Kind into
// a status (package problem); nothing else does.
//
// Detail and Fields are shown to callers. Cause never is: it is for the log.
package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what sort of failure an Error is. The zero value is Internal, so
// that an error nobody classified is never shown as the caller's mistake.
type Kind int

// The kinds. Invalid, NotFound and Unavailable are also the names of the
// functions that make such errors, so those three constants carry a prefix.
const (
	Internal           Kind = iota // our mistake; the cause is logged, never shown
	KindInvalid                    // the request says something that cannot be
	Unauthenticated                // nobody knows who calls
	Forbidden                      // the caller is known and may not
	KindNotFound                   // no such thing, or none that the caller may see
	NotAllowed                     // the thing exists and does not take this verb
	NotAcceptable                  // no representation that the caller would take
	Conflict                       // the state that stands does not allow it
	Gone                           // it was erased and does not come back
	PreconditionFailed             // it is not the version that the caller has seen
	TooLarge                       // more bytes than are taken
	Unsupported                    // a media type or coding that is not read
	RateLimited                    // too many calls; RetryAfter says when
	BadGateway                     // another service answered nonsense
	KindUnavailable                // something needed is down; RetryAfter says when
	Timeout                        // something needed did not answer in time
)

var names = [...]string{
	"internal", "invalid", "unauthenticated", "forbidden", "not-found", "not-allowed", "not-acceptable", "conflict", "gone",
	"precondition-failed", "too-large", "unsupported", "rate-limited", "bad-gateway", "unavailable", "timeout",
}

// String is the kind's stable name: kebab-case, used in logs and problem types.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(names) {
		return names[Internal]
	}
	return names[k]
}

// Field is one thing that is wrong with a request: a property's path
// ("title", "tags.0") or a parameter's name, and why it is not taken.
type Field struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Error is a failure that a caller is told about.
type Error struct {
	Kind       Kind
	Detail     string        // a sentence for the caller
	Fields     []Field       // every bad field, with KindInvalid
	RetryAfter time.Duration // when another try makes sense; 0: nothing is known
	Cause      error         // for the log only
}

// DefaultRetryAfter is what Unavailable tells callers to wait: the services
// come back by themselves, mostly within seconds.
const DefaultRetryAfter = time.Second

const (
	detailInternal = "Something went wrong on our side."
	detailInvalid  = "Some fields are not valid."
	detailNotFound = "Not found."
	detailTimeout  = "It took too long."
)

// New is an error of the kind with a sentence for the caller.
func New(kind Kind, detail string) *Error { return &Error{Kind: kind, Detail: detail} }

// Invalid names every bad field of a request at once.
func Invalid(fields ...Field) *Error {
	return &Error{Kind: KindInvalid, Detail: detailInvalid, Fields: fields}
}

// NotFound says that there is no such thing, or none that the caller may see.
func NotFound() *Error { return New(KindNotFound, detailNotFound) }

// Unavailable says that something the answer depends on is down for now.
func Unavailable(detail string, cause error) *Error {
	return &Error{Kind: KindUnavailable, Detail: detail, RetryAfter: DefaultRetryAfter, Cause: cause}
}

// From is err as an Error: the one that it wraps, else Timeout where a deadline
// passed, else Internal with err as its cause. From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if fault, ok := errors.AsType[*Error](err); ok {
		return fault
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Kind: Timeout, Detail: detailTimeout, Cause: err}
	}
	return &Error{Kind: Internal, Detail: detailInternal, Cause: err}
}

// Is reports whether err wraps an Error of the kind. Unlike From it says no to
// an error that is not classified, also for Internal.
func Is(err error, kind Kind) bool {
	fault, ok := errors.AsType[*Error](err)
	return ok && fault.Kind == kind
}

// Error is for logs: unlike Detail it contains the cause.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Kind, e.Detail)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, " [%s: %s]", f.Field, f.Detail)
	}
	if e.Cause != nil {
		fmt.Fprintf(&b, ": %v", e.Cause)
	}
	return b.String()
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Cause }
