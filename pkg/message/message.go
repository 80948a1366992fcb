// Package message is what services tell each other through a broker: an envelope that the outbox keeps, the broker
// carries and a consumer reads, and a codec for its body.
package message

import (
	"time"

	"github.com/google/uuid"
)

// Message is one message on its way from a transaction to the queues that want it.
type Message struct {
	// ID is the same on every copy: republished, redelivered, or the same fact in two versions. Consumers
	// recognise duplicates by it.
	ID uuid.UUID
	// Exchange and Key say where it goes. The key is the message's name and the semantic version of its body:
	// "user.deleted.2.0.0".
	Exchange, Key string
	// ContentType is the body's, one of those that Decode takes.
	ContentType string
	Body        []byte
	// Headers hold the trace context (W3C traceparent) and what else travels beside the body.
	Headers map[string]string
	// Time is when the fact became true: the transaction's, not the publisher's.
	Time time.Time
	// Optional marks a message that counts as delivered although no queue takes it: a deprecated version whose
	// last reader has left.
	Optional bool
	// Delay is how long the outbox holds it back after its transaction, at most outbox.MaxDelay.
	Delay time.Duration
}
