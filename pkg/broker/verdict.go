package broker

import (
	"errors"
	"strconv"
	"time"
)

// MaxAttempts is how often a handler may fail before its message becomes a dead letter: the last time comes three and
// a half minutes after the first.
const MaxAttempts = 10

// step is a delay before a message comes back. Each has a queue of its own, where all lie equally long: a queue is a
// line, and whoever has to wait for long would hold up everybody behind.
type step struct {
	suffix string
	delay  time.Duration
}

// steps are taken in turn, each for attemptsPerStep failures.
var steps = []step{
	{".retry", time.Second},
	{".retry.10s", 10 * time.Second},
	{".retry.60s", time.Minute},
}

const (
	attemptsPerStep = 3
	// waitsBriefly is how often a message that has to wait for something else comes back after the first step. From
	// then on it is the second: soon enough when that is there again, and seldom enough while it is not.
	waitsBriefly = 5
)

func (s step) queue(of string) string { return of + s.suffix }

// ttl is the delay as AMQP has it, in milliseconds.
func (s step) ttl() string { return strconv.FormatInt(s.delay.Milliseconds(), 10) }

type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

type laterError struct{ error }

func (e laterError) Unwrap() error { return e.error }

// Permanent marks an error that no further attempt can mend: the message becomes a dead letter at once.
func Permanent(err error) error { return permanentError{err} }

// Later marks an error that is not the message's fault, such as a database that is down or a fact that has not arrived
// yet: the message comes back until it is handled, and the attempt does not count.
func Later(err error) error { return laterError{err} }

// IsPermanent reports whether the error says that the message can never be handled.
func IsPermanent(err error) bool { return errors.As(err, new(permanentError)) }

// IsLater reports whether the error says that the message has to wait for something else.
func IsLater(err error) bool { return errors.As(err, new(laterError)) }

// verdict is what becomes of a message that failed.
type verdict struct {
	failed int  // attempts that count, this one included
	waits  int  // times that it has waited for something else
	dead   bool // it goes no further
	step   step // else it comes back after this
}

func judge(d Delivery, err error) verdict {
	v := verdict{failed: d.Attempt, waits: d.waits}
	switch {
	case IsPermanent(err):
		v.dead = true
	case IsLater(err):
		v.failed--
		v.waits++
		v.step = steps[0]
		if v.waits > waitsBriefly {
			v.step = steps[1]
		}
	case d.Attempt >= MaxAttempts:
		v.dead = true
	default:
		v.step = steps[min((d.Attempt-1)/attemptsPerStep, len(steps)-1)]
	}
	return v
}
