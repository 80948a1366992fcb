package discovery

import (
	"context"
	"errors"
	"path"
	"time"
)

// Apply takes a key's value into use, or says why not: then the last good one stays
// and it is called again, with growing pauses, unless the error is Final or
// ErrAtNextStart. The name is the key's last part. An empty value says that the key
// is gone. ctx ends when the key is edited again; calls for one key never overlap.
type Apply func(ctx context.Context, name, value string, revision int64) error

// ErrAtNextStart is what an Apply returns for a value that is good and is taken at
// the next start: it is remembered on disk.
var ErrAtNextStart = errors.New("at next start")

// Final marks an error that no further try would mend. Any error with a method
// Final() bool that returns true is taken for one.
func Final(err error) error { return finalError{err} }

type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }
func (finalError) Final() bool     { return true }

func isFinal(err error) bool {
	var final interface{ Final() bool }
	return errors.As(err, &final) && final.Final() || errors.Is(err, ErrAtNextStart)
}

// edit is what etcd, or the disk, says of a key.
type edit struct {
	revision int64
	value    string
	gone     bool
	recalled bool          // from disk; etcd has not confirmed it yet
	after    time.Duration // how long to wait before it counts
}

func (e edit) same(other edit) bool {
	return e.revision == other.revision && e.value == other.value && e.gone == other.gone
}

// state is what became of the last edit that was judged.
type state string

const (
	applied  state = "applied"
	rejected state = "rejected"
)

// lever is a key that steers something. view.mu guards what is not fixed.
type lever struct {
	group
	key   string
	apply Apply
	named bool // a handler asked for this very key: it is always reported

	latest  edit
	pending bool               // latest has not been judged for good
	offers  int                // counts what latest was
	cancel  context.CancelFunc // ends the verdict under way; nil: none is

	inUse  *edit // the last that was applied, a deletion too; nil: nothing ever
	asked  bool  // a handler was asked to take another since, and did not
	state  state // "": nothing was judged yet
	judged int64 // the revision that state is of
	reason string
}

// operators says that the key is set by people: it is reported, remembered and
// kept in the journal.
func (l *lever) operators() bool { return l.kind != kindInstance }

// offer is how a lever hears of an edit. The caller holds v.mu.
func (v *view) offer(l *lever, e edit) {
	if l.offers > 0 && l.latest.same(e) {
		if l.latest.recalled && !e.recalled {
			v.confirm(l)
		}
		return
	}
	l.latest, l.pending = e, true
	l.offers++
	v.changed()
	if l.cancel != nil {
		l.cancel() // who judges takes the new one
		return
	}
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(v.ctx)
	v.judging.Go(func() { v.judge(ctx, l) })
}

// confirm says that etcd has what was recalled. The caller holds v.mu.
func (v *view) confirm(l *lever) {
	l.latest.recalled = false
	if l.inUse != nil && l.inUse.same(l.latest) {
		l.inUse.recalled = false
		v.record(l, *l.inUse)
	}
}

// judge works on the lever's edits, the latest only, until none is left.
func (v *view) judge(ctx context.Context, l *lever) {
	for {
		v.mu.Lock()
		e, offer := l.latest, l.offers
		v.mu.Unlock()
		v.try(ctx, l, e, offer)
		v.mu.Lock()
		l.cancel()
		if !l.pending || v.ctx.Err() != nil {
			l.cancel = nil
			v.mu.Unlock()
			return
		}
		ctx, l.cancel = context.WithCancel(v.ctx)
		v.mu.Unlock()
	}
}

// try judges an edit until it is settled or ctx ends.
func (v *view) try(ctx context.Context, l *lever, e edit, offer int) {
	if !sleep(ctx, e.after) {
		return
	}
	for attempt := 0; ; attempt++ {
		err := v.verdict(ctx, l, e)
		if v.settle(ctx, l, e, offer, err) || !sleep(ctx, pauseAfter(attempt)) {
			return
		}
	}
}

// verdict returns nil when the edit is in use.
func (v *view) verdict(ctx context.Context, l *lever, e edit) error {
	if !e.gone {
		if v.uses(l, e.value) {
			return nil
		}
		if err := readable(e.value); err != nil {
			return Final(err)
		}
	}
	v.ask(l)
	return l.apply(ctx, path.Base(l.key), e.value, e.revision)
}

// uses says whether nothing is to be done for a value. What a handler did not take,
// it may have noted for later: so it has to hear that this is over.
func (v *view) uses(l *lever, value string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return l.inUse != nil && !l.inUse.gone && l.inUse.value == value && !l.asked
}

func (v *view) ask(l *lever) {
	v.mu.Lock()
	defer v.mu.Unlock()
	l.asked = l.kind != kindURL && l.kind != kindInstance
}
