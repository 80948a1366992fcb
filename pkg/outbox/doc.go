// Package outbox sends messages that belong to a transaction: they go out if it commits, never if it does not.
//
// Append writes rows beside the caller's own changes. A Relay, any number of them at once, brings the rows to the
// broker:
//
//	Append in tx ──▶ waiting ──claim──▶ claimed ──confirmed and routed──▶ deleted
//	                    ▲                  │
//	                    ├── lease ran out ─┤ (the relay died, or does not know)
//	                    └── failed, later ─┘ (growing delay, this row only)
//
// A claim is a lease: it moves the row's available_at ahead in a short transaction of its own. Publishing happens
// outside any transaction. A row leaves the table only when the broker has confirmed the message and a queue took it;
// until then it is sent again, for ever, so consumers see a message at least once and keep an inbox.
//
// A row that cannot go waits by itself, without holding up others: there is no order between rows. NOTIFY wakes the
// relay, but polling finds what a lost notification would have told. All times are the database's.
package outbox
