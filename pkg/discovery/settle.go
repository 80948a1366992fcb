package discovery

import (
	"context"
	"errors"
	"strings"
)

// settle notes a verdict, and returns whether it is the last word on this edit.
func (v *view) settle(ctx context.Context, l *lever, e edit, offer int, err error) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil && ctx.Err() != nil {
		return true // a newer edit, or the end
	}
	newest := offer == l.offers
	if newest {
		e = l.latest // it may have been confirmed meanwhile
	}
	done := err == nil || isFinal(err)
	if newest && done {
		l.pending = false
	}
	if err == nil {
		v.take(l, e)
	} else {
		v.refuse(l, e, err)
	}
	v.first(l)
	v.changed()
	if e.gone && err == nil && newest {
		v.forget(l)
	}
	return done
}

// take notes that an edit is in use. The caller holds v.mu.
func (v *view) take(l *lever, e edit) {
	l.state, l.judged, l.reason = applied, e.revision, ""
	l.inUse, l.asked = &e, false
	v.registry.metrics.edits.WithLabelValues(string(l.kind), string(applied)).Inc()
	v.remember(l, e)
	v.record(l, e)
	if !l.operators() {
		return
	}
	what := "value in use"
	if e.gone {
		what = "key was deleted, going on without it"
	}
	v.registry.log.Info(what, "key", l.key, "revision", e.revision)
}

// refuse notes why an edit is not in use. The caller holds v.mu.
func (v *view) refuse(l *lever, e edit, err error) {
	known := l.state == rejected && l.judged == e.revision
	l.state, l.judged, l.reason = rejected, e.revision, err.Error()
	if len(l.reason) > maxReason {
		l.reason = strings.ToValidUTF8(l.reason[:maxReason], "")
	}
	if errors.Is(err, ErrAtNextStart) {
		l.reason = ErrAtNextStart.Error()
		v.remember(l, e)
	}
	if known {
		return
	}
	v.registry.metrics.edits.WithLabelValues(string(l.kind), string(rejected)).Inc()
	if !errors.Is(err, ErrAtNextStart) { // who handles it says so
		v.registry.log.Warn("value refused, the last good one stays", "key", l.key, "revision", e.revision, "reason", l.reason)
	}
}

// remember keeps what the next start begins with.
func (v *view) remember(l *lever, e edit) {
	if e.gone {
		v.registry.memory.drop(l.key)
	} else {
		v.registry.memory.keep(l.key, e)
	}
}

// record writes an operator's edit that is in use into the journal, if it is from etcd.
func (v *view) record(l *lever, e edit) {
	if l.operators() && !e.recalled && e.revision > 0 {
		v.registry.journal.add(l.key, e)
	}
}
