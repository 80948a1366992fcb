package outbox

import "time"

// Hooks for tests.

// PollEvery makes the relay look by itself only that often.
func (r *Relay) PollEvery(d time.Duration) *Relay { r.poll = d; return r }

// LeaseFor makes the relay claim rows for that long.
func (r *Relay) LeaseFor(d time.Duration) *Relay { r.lease = d; return r }

// MaxAttempts is how often a row may fail before it is parked.
const MaxAttempts = maxAttempts
