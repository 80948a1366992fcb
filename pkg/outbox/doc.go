// Package outbox sends messages that belong to a transaction: they go out if it commits, never if it does not.
//
// Append writes rows beside the caller's own changes. A Relay, any number of them at once, brings the rows to the
// broker:
//
//	Append in tx ──▶ waiting ──claim──▶ claimed ──confirmed and routed──▶ deleted
//	                  ▲  ▲               │ │ ▲
//	                  │  └─failed: later─┘ │ └─claim, every 10 min─┐
//	              Retry                    └─failed 10 times,──▶ parked
//	                  │                      or unreadable         │
//	                  └────────────────────────────────────────────┘
//
// A claim is a lease: a short transaction moves the row's available_at ahead by 30 s. Publishing happens outside any
// transaction. A row leaves the table only when the broker has confirmed the message and a queue took it; until then it
// is sent again, for ever. There is nothing to clean up later: what is delivered is deleted at once, a batch at a time.
// There is no order between rows, and none waits for another.
//
// # Promises under failure
//
// A relay that is killed leaves rows claimed. When their lease has run out another takes them: what had been sent, but not
// deleted yet, is sent twice, with the same id. Consumers see each message at least once and keep an inbox. A relay
// whose lease ran out touches nothing that another has claimed since, but deletes what it did deliver.
//
// While the broker is down, rows wait and no attempt counts. A failure is the row's own if others can be sent: it is
// tried again after a growing delay, then parked with its reason, which is logged, and from then on tried every ten
// minutes, or when an operator calls for it. A message that makes the broker close the channel takes its neighbours
// down with it, so what failed together is sent again kind by kind (exchange and key); only the culprit's kind is left.
//
// NOTIFY wakes the relay, and polling, once a second, finds what a lost notification would have told. All times are the
// database's. If its clock jumps, nothing lies for longer than ten minutes: a row that lies further ahead than its
// state can ever have put it is due. Delayed messages may go early then, and claimed rows twice.
//
// The id and the trace of a message are the row's, so every copy of it has the same.
package outbox
