// Package deadletter is how operators work on a service's dead letters: list and show them, replay them to the queue
// where they failed, or discard them.
//
//	<queue> ──fails for good──▶ <queue>.dead ──list, show──▶ put back
//	   ▲                             │ │
//	   └── replay: published, ───────┘ └──── discard: acknowledged
//	       confirmed, acknowledged
//
// What is promised:
//
//   - Looking loses nothing, however often; see broker.DeadLetters. Whatever ends a command in the middle, what was done is
//     done, and the rest lies where it was.
//   - A replayed letter is acknowledged when the broker has confirmed that its queue took the copy. A crash in between
//     leaves both, with one message id: the consumer's inbox lets one of them have an effect.
//   - A command takes as many letters as there were when it began, and none twice: a letter that fails again is there for
//     the next command. Of two operators at once each letter goes to one.
//   - Bodies are shown redacted, to be revealed only on demand.
//   - To replay, to discard and to reveal is audited in a table: an Action is there before the act, its outcome after.
//     If the audit cannot be written, nothing is done. An action without an outcome says that a command died with it: the
//     act may or may not have happened. There is never a body in it.
//   - Memory is bounded by a batch of letters, however many there are.
package deadletter
