package httpclient

import (
	"context"
	"sync/atomic"
	"time"
)

// longestWait is for how long a call waits for its turn. Waiting longer would
// only move the queue from the callee to here.
const longestWait = 100 * time.Millisecond

// gate lets so many in at a time. How many may change at any moment.
type gate struct {
	inside, waiting atomic.Int64
	freed           chan struct{} // one signal: whoever takes it hands it on
}

func newGate() *gate { return &gate{freed: make(chan struct{}, 1)} }

func (g *gate) try(most int64) bool {
	for {
		n := g.inside.Load()
		if n >= most {
			return false
		}
		if g.inside.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (g *gate) leave() {
	g.inside.Add(-1)
	g.wake()
}

func (g *gate) wake() {
	if g.waiting.Load() == 0 {
		return
	}
	select {
	case g.freed <- struct{}{}:
	default:
	}
}

// enter waits for a place until ctx ends or the patience does.
func (g *gate) enter(ctx context.Context, most int64, patience *patience) error {
	if g.try(most) {
		return nil
	}
	g.waiting.Add(1)
	defer func() {
		g.waiting.Add(-1)
		g.wake()
	}()
	for {
		if g.try(most) {
			return nil
		}
		select {
		case <-g.freed:
		case <-patience.over():
			return ErrLimited
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// patience ends longestWait after it was needed first.
type patience struct{ timer *time.Timer }

func (p *patience) over() <-chan time.Time {
	if p.timer == nil {
		p.timer = time.NewTimer(longestWait)
	}
	return p.timer.C
}
func (p *patience) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}
