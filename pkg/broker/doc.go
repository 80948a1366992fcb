// Package broker speaks to RabbitMQ so that nothing is lost and nothing needs a restart.
//
// A Publisher and a Consumer each keep one connection of their own to a broker, so that an alarm, which blocks publishers, never
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
//
// # Moving
//
// A Route says which broker that is. When its key names another one, each process moves by itself, and nothing stops:
//
//	           Follow: dial, declare,      everybody has,          queues empty for 15 s,
//	           consume, in 10 s            or the old one is dead  nobody is missing
//	── old ──┬─────────────────────────┬───────────────────────┬────────────────────────┬─────────────
//	at old   │ publish, consume        │ publish, consume      │ consume, carry         │ look again
//	at new   │          (failed: drop) │          consume      │ publish, consume       │
//	         └─────────────────────────┴───────────────────────┴────────────────────────┴─────────────
//	           coming                    active; old: draining                            old: left
//
// Messages go to the new broker only when all live processes, and all services that hold personal data, consume there:
// a topic's message must find the queues of all. Until then all consume at both, so that the old one is always a safe
// place to publish. Only an old broker that has been away, or under an alarm, for 10 s is not waited for; a log line names
// who is missing.
//
// Consumers stay at the old broker until its queues are empty: the first, the retries, which expire into it, and the dead
// letters, which are carried over as they are. What fails there is moved to where messages go now. Then it is let go of,
// and looked at again after 1, 2, 4 … 32 minutes, and every 32 from then on, since somebody who slept may have published
// there; and it is opened again whenever somebody does not follow the key, such as a process that has just started and
// may publish where it was configured to. A new process also looks at its configured broker and at those that the
// journal names: a move that a restart interrupted is finished.
//
// Going back is the same: a broker that is still being drained becomes the active one again, with its connections.
// Broadcasts are heard at every broker that is open. As always, a message may come twice, also from two brokers: the inbox
// gives it one effect.
package broker
