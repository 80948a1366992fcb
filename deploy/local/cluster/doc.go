// Package cluster runs the whole system on this machine without containers: PostgreSQL and RabbitMQ from the
// system's packages, etcd from its Go module, the services from this checkout. It is what `make up` uses where no
// Docker engine runs, and what the system's tests and drills use to stop, kill and start single parts.
//
//	caller (up, down, a test)                      supervisor (own session, unprivileged)
//	  packages, builds, data folders   etc/plan.json     one goroutine per process:
//	  writes the plan            ───────────────────▶      start → wait → back off ≤ 1 s → start …
//	  SIGHUP: read it again            run/*.json        records pid and start time of each
//	  waits until each part is ready   ◀───────────────    log/*.log (bounded)
//
// The supervisor is the parent of everything and outlives its caller. It knows nothing but the plan: the caller
// decides what should run, writes that down and signals. A process whose plan changed (a new binary, another port) is
// restarted, all others are left alone; so the same Up starts, repairs and updates.
//
// Killed half-way, nothing is lost: every process is recorded with its pid, start time and boot, and carries the
// cluster's home in its environment. The next Up or Down finds what is left over by these and never signals a pid
// that now belongs to somebody else.
//
// # Where things are
//
//	<dir>/bin         what was built              <dir>/env      addresses and secrets for people and tools
//	<dir>/etc         the plan, configuration     <dir>/lock     one Up or Down at a time
//	<dir>/run         records of processes        <dir>/data     the servers' data
//	<dir>/log         one log per process
//
// # Who runs them
//
// Started by root, nothing runs as root: the servers refuse it, and the services do not need it. Everything runs as
// the owner of the checkout or, if that is root too, as nobody. Should that user not reach <dir> (a clone below
// /root), etc, run, log, data and copies of the binaries live in a folder below /var/tmp and <dir> links to it.
package cluster
