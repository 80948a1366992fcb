package broker

import (
	"errors"
	"math/rand/v2"
	"time"
)

// MaxAttempts is how often a handler may fail before its message becomes a dead letter: the last one comes about two
// minutes after the first.
const MaxAttempts = 10

const (
	firstDelay = time.Second
	longDelay  = 30 * time.Second // also bounds how long one message in <queue>.retry can hold up another
)

type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

type laterError struct{ error }

func (e laterError) Unwrap() error { return e.error }

// Permanent marks an error that no further attempt can mend: the message becomes a dead letter at once.
func Permanent(err error) error { return permanentError{err} }

// Later marks an error that is not the message's fault, such as a database that is down: the message comes back
// until it is handled, and the attempt does not count.
func Later(err error) error { return laterError{err} }

// verdict is where a failed message goes: how many failures it now has, and the delay before it comes back, or dead.
func verdict(attempt int, err error) (failed int, delay time.Duration, dead bool) {
	if IsPermanent(err) {
		return attempt, 0, true
	}
	if errors.As(err, new(laterError)) {
		return attempt - 1, jitter(2 * firstDelay), false
	}
	if attempt >= MaxAttempts {
		return attempt, 0, true
	}
	return attempt, jitter(min(firstDelay<<(attempt-1), longDelay)), false
}

// jitter spreads what failed together.
func jitter(d time.Duration) time.Duration {
	return d - rand.N(d/4)
}

// IsPermanent reports whether the error says that the message can never be handled.
func IsPermanent(err error) bool { return errors.As(err, new(permanentError)) }
