package broker

import (
	"context"
	"sync"
	"time"
)

// Run moves publishing, drains what was left and looks at it again, until ctx ends. It has to run for as long as the
// publisher, consumer and listener do.
func (r *Route) Run(ctx context.Context) error {
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { r.recall(ctx) })
	work.Go(func() { r.steer(ctx) })
	for {
		untended, changed := r.untended(ctx)
		for _, d := range untended {
			work.Go(func() { r.tend(d.ctx, d.config) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// fork is where messages go, and where they are to go.
type fork struct {
	from, to *site // from is nil in a process that has not published yet
	home     *site // the configured broker, if it can be published at
	revision int64
	waits    bool // there is no need to hurry: from works, or to does not
}

// steer sends messages to the active site as soon as everybody consumes there. Until then everybody consumes at the old
// one, too, so that it is always safe to publish there.
func (r *Route) steer(ctx context.Context) {
	if first, ok := r.peers.(interface{ Started(context.Context) error }); ok {
		_ = first.Started(ctx) // what it does not know by then, nobody does
	}
	if r.until(ctx, func() bool { return r.following == 0 }) != nil {
		return
	}
	for r.until(ctx, func() bool { return r.publishing != r.active }) == nil {
		for since := time.Now(); ; {
			f := r.fork()
			if f.waits {
				since = time.Now()
			}
			if f.from == f.to || r.decideOn(f, time.Since(since) > r.pace.lost) {
				break
			}
			if !pause(ctx, r.pace.poll) {
				return
			}
		}
	}
}

func (r *Route) fork() fork {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := fork{from: r.publishing, to: r.active, revision: r.active.revision}
	for _, s := range r.sites {
		if s.URL == r.config.URL && r.publishableAt(s) {
			f.home = s
		}
	}
	f.waits = !r.publishableAt(f.to) || f.from != nil && r.publishableAt(f.from)
	if f.from == nil && f.home != nil {
		f.waits = false
	}
	return f
}

// decideOn changes where messages go, if it is time, and reports whether it has. late means that it has been impossible
// for long to publish where they go now: it is away, or has an alarm.
func (r *Route) decideOn(f fork, late bool) bool {
	if f.from == nil && f.to.URL == r.config.URL {
		return r.send(f, f.to)
	}
	missing := r.missing(f.revision)
	switch {
	case len(missing) == 0:
		return r.send(f, f.to)
	case !late:
		return false
	case f.from == nil && f.home != nil: // a new process: who is missing looks at the configured one when it comes
		return r.send(f, f.home)
	}
	r.log.Warn("messages go to the new broker though not everybody is there: the old one takes no messages",
		"broker", f.to.name, "missing", missing)
	r.moves.WithLabelValues("forced").Inc()
	return r.send(f, f.to)
}

// send has messages go to a site from now on, unless everything has changed meanwhile. What is being published arrives
// where it was sent.
func (r *Route) send(f fork, to *site) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.active != f.to || r.publishing != f.from || to.ctx.Err() != nil {
		return true
	}
	r.publishing = to
	r.announce()
	if f.from != nil {
		r.log.Info("messages go to another broker", "from", f.from.name, "to", to.name)
	}
	return true
}

// missing lists those who are not at the broker of that revision; nobody is asked about the configured one of a process
// that was never told another.
func (r *Route) missing(revision int64) []string {
	if r.peers == nil || revision == 0 {
		return nil
	}
	return r.peers.Missing(RouteKey, revision)
}

// straggling reports whether somebody may still publish at a broker that this process has left.
func (r *Route) straggling() bool {
	r.mu.Lock()
	revision := r.active.revision
	r.mu.Unlock()
	return len(r.missing(revision)) > 0
}

// pause returns false if ctx ends meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
