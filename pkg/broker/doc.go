// Package broker speaks to RabbitMQ so that nothing is lost and nothing needs a restart.
//
// A Publisher and a Consumer each keep one connection of their own, so that an alarm, which blocks publishers, never
// stops consumers. A lost connection is thrown away with everything that hung on it and made anew, for ever, with a
// growing, jittered pause:
//
//	dial → channels → declare → publish | consume → lost → pause ─┐
//	  ▲                                                           │
//	  └───────────────────────────────────────────────────────────┘
//
// Nothing survives from one connection to the next: a late acknowledgement goes to the dead channel it came from and
// can never hit another message that happens to bear the same delivery tag. This is why the client library's own
// recovery stays off.
//
// # Publishing
//
// Publish reports nil for a message only when the broker has confirmed it and at least one queue took it. A confirm
// that does not come means "unknown": publish again, the consumer's inbox removes the duplicate.
//
// # Consuming
//
// A handler's return value is the protocol:
//
//	nil             done: acknowledged
//	error           again: through <queue>.retry with a growing delay, at most MaxAttempts times, then <queue>.dead
//	Permanent(err)  never: to <queue>.dead at once
//	Later(err)      not my fault, wait: through <queue>.retry, as often as it takes
//
// Attempts are counted in a header of our own, since brokers count differently from version to version. A message
// moves by being published to <service>.redelivery and confirmed there before the original is acknowledged: a crash
// in between leaves two copies, never none.
//
//	exchange ──key──▶ <queue> ──▶ handler
//	                    ▲  │error            ┌──▶ <queue>.retry ──expired──┐
//	                    │  └──▶ <service>.redelivery                       │
//	                    │                    └──▶ <queue>.dead             │
//	                    └──────────────────────────────────────────────────┘
//
// Queues are quorum queues that dead-letter at least once and refuse what they cannot hold. The topology is declared
// on every connection and again every half minute, so that a deleted queue or binding comes back by itself.
package broker
