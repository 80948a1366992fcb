// Package discovery finds services through etcd, and makes this one found.
//
// Keys under the registry's prefix:
//
//	<service>/url             set by an operator: every caller goes there
//	<service>/instances/<id>  kept by each instance under a lease (official
//	                          naming/endpoints JSON): callers take turns over them
//	store                     a random id, made by whoever comes first: two lists
//	                          with different ids are of different stores. Every
//	                          user of etcd needs the right to write it
//
// Resolve goes down a ladder: the url key, the instances, the fallback that the
// program was configured with. It reads a snapshot without a lock or the network.
//
// The promise under failure: while etcd is down, restarted, compacted or denies
// us, Resolve answers with the last known, and everything comes back by itself:
//
//	          ┌───────────── lost, compacted, denied, other store ────┐
//	          ▼                                                       │
//	list at revision R ──▶ replace all ──▶ watch from R+1 ──▶ apply changes
//
// A list heals what was missed, deletions too. A store that was wiped accepts a
// watch from a revision that it has not reached yet, and is silent: so the store's
// id and revision are compared every few seconds. A value that is not usable
// changes nothing: the key's last good one stays, a log line says so.
package discovery
