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
// What the handler returns is the protocol:
//
//	nil             done: acknowledged
//	error           again: after 1 s, three times; 10 s, three times; a minute; after MaxAttempts it is a dead letter
//	Permanent(err)  never: a dead letter at once
//	Later(err)      not my fault, wait: comes back after 1 s, later 10 s, as often as it takes; does not count
//
// A panic is an error. Attempts are counted in a header of our own, since brokers count differently from version to
// version. A message moves by being published to <service>.redelivery and confirmed there before the original is
// acknowledged: a crash in between leaves two copies, never none.
//
//	exchange ──key──▶ <queue> ──▶ handler
//	                    ▲  │error              ┌──▶ <queue>.retry       1 s ──expired──┐
//	                    │  └──▶ <service>  ────┼──▶ <queue>.retry.10s  10 s ──expired──┤
//	                    │     .redelivery      ├──▶ <queue>.retry.60s  60 s ──expired──┤
//	                    │                      └──▶ <queue>.dead, until somebody comes │
//	                    └──────────────────────────────────────────────────────────────┘
//
// Each delay has a queue of its own, since a queue is a line: whoever waits long would hold up who stands behind.
//
// A handler that can do a batch in one transaction says so (Subscription.Together) and gets what is there. If the batch
// fails, each of its messages is handled alone, so that one that can never be handled does not take the others with it.
//
// A message says its type: a name and a semantic version. A queue that does not read that major version makes it a dead
// letter at once, with the reason. Dead letters keep their history in headers: attempts, reason, first and last failure,
// the queue, and where they were first published. Package deadletter is for those who look after them.
//
// # Topology
//
// Everybody declares what is theirs on every connection, again every half minute, and when something is missing: a
// deleted queue or binding comes back by itself. Queues are quorum queues that dead-letter at least once and refuse what
// they cannot hold: nothing is dropped by a limit. The three patterns:
//
//	topic        a fact for whoever wants it: one queue per consuming service, bound by name and major version
//	work queue   <queue> itself and the way back into it (a direct exchange): replicas compete for each message
//	fanout       Broadcast: every replica hears it, while it is connected
package broker
