// Package discovery finds services through etcd, makes this one found, and hands
// the keys that operators edit to who follows them.
//
// Keys under the registry's prefix:
//
//	<service>/url              set by an operator: every caller goes there
//	<service>/instances/<id>   kept by each instance under a lease (official
//	                           naming/endpoints JSON): callers take turns
//	what Handle was given      an operator's, like rabbitmq/url or likes/config/LIMIT
//	status/<service>/<id>      kept by each process under the same lease: what it
//	                           follows, at which revision, and what it refuses
//	journal/<key>/<revision>   the last twenty values of an operator's key that were
//	                           in use, "" for a deletion: they outlive a compaction
//	store                      a random id, made by whoever comes first: another id
//	                           is another store, and so is a revision that went
//	                           back. Every user of etcd writes the last three
//
// A service is at its url key, else at its live instances, else at the fallback that
// the program was configured with. Targets reads a snapshot: no lock, no network.
//
// Every key that steers something is a lever. An edit is in use when it was judged:
//
//	          edit              nil                   edit with the same value
//	(nothing) ────▶ judged by ─────▶ applied ─────────────────▶ applied
//	   ▲            its apply  ◀────          a newer edit ends the verdict under way
//	   │ deletion     │    ▲    edit
//	   └── applied    ▼    │ 100 ms … 5 s
//	               rejected ┘     the last good one stays in use; Final and
//	                              ErrAtNextStart are not tried again
//
// An address is applied when the policy accepts it and GET /livez there answers as
// that service: it gets callers' tokens. The probe carries none, follows no redirect
// and dials through Control. Each lever has a goroutine while it is judged: none
// waits for another. No refused value is logged or reported.
//
// The promise under failure: while etcd is down, restarted, compacted or denies us,
// callers have the last known, and everything comes back by itself:
//
//	          ┌──────── lost, silent, compacted, denied, other store ─────┐
//	          ▼                                                           │
//	list at revision R ──▶ reconcile, deletions too ──▶ watch from R+1 ──▶┘
//
// A store that was wiped, or restored from an older copy, accepts a watch from a
// revision that it has not reached yet, and is silent: so its id and revision are
// compared every few seconds. In another store a missing key is nobody's decision:
// holders of personal data have not left, and instances stay for the time of a
// lease, in which they register.
//
// What is in use is remembered in a file, with ErrAtNextStart's values. At a start
// operators' values are in use at once, instances when they answer; the first list
// corrects both.
package discovery
