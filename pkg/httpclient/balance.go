package httpclient

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"
)

// place is the right to make one attempt at a target.
type place struct {
	*target
	service *service
	total   *gate
	done    func(error) // tells the circuit
}

// leave gives the place back and tells the circuit how it went.
func (p *place) leave(v verdict) {
	p.done(v.err())
	p.vacate()
}

func (p *place) vacate() {
	p.total.leave()
	p.service.places.leave()
	p.release()
}

// take picks a target and waits for its turn there. The place at the target
// comes first and the one in total last: who waits for a slow instance holds
// nothing that calls to others need.
func (c *call) take(ctx context.Context, p *pool) (*place, error) {
	var patience patience
	defer patience.stop()
	now := time.Now()
	for probing := true; ; probing = false {
		to, inside := c.choose(p, now, probing)
		if to == nil {
			return nil, p.allOpen(now)
		}
		if err := c.enter(ctx, to, inside, &patience); err != nil {
			return nil, err
		}
		at := &place{target: to, service: c.service, total: c.inFlight}
		var err error
		if at.done, err = to.circuit.Allow(); err == nil {
			return at, nil
		}
		at.vacate() // others were first to try it, or it has just opened
	}
}

// enter waits for all the places that an attempt needs, or holds none.
func (c *call) enter(ctx context.Context, to *target, inside bool, patience *patience) error {
	if !inside {
		if err := to.slots.enter(ctx, c.perHost(), patience); err != nil {
			return impatient(err)
		}
	}
	if err := c.service.places.enter(ctx, c.config.perService(), patience); err != nil {
		to.release()
		return impatient(err)
	}
	if err := c.inFlight.enter(ctx, int64(c.config.MaxInFlight.Get()), patience); err != nil {
		c.service.places.leave()
		to.release()
		return impatient(err)
	}
	return nil
}

func impatient(err error) error {
	if errors.Is(err, context.Canceled) {
		return fail(canceled, err)
	}
	return &failure{outcome: limited, retryAfter: time.Second, err: ErrLimited}
}

// allOpen is the error of a call that no target may have.
func (p *pool) allOpen(now time.Time) error {
	wait := longestRest
	for _, to := range p.targets {
		wait = min(wait, time.Duration(to.retryAt.Load()-now.UnixNano()))
	}
	return &failure{outcome: circuitOpen, retryAfter: max(wait, time.Second), err: ErrCircuitOpen}
}

func (c *call) perHost() int64 { return int64(c.config.MaxInFlightPerHost.Get()) }

// choose picks the target of the next attempt and says whether it already has a
// place there. nil: every circuit is open. With probing it may be one whose
// circuit waits to be tried.
func (c *call) choose(p *pool, now time.Time, probing bool) (to *target, inside bool) {
	var space [8]*target
	ready := space[:0]
	for _, to := range p.targets {
		switch {
		case probing && to.due(now) && !c.hasTried(to) && (c.idempotent || len(p.targets) == 1 || to.due(now.Add(-circuitWindow))):
			// A circuit closes again only if somebody tries: best a call that can
			// be repeated elsewhere, after a while any.
			if to.slots.inside.Load() < circuitProbes && to.slots.try(c.perHost()) {
				return to, true
			}
		case to.closed() && !c.hasTried(to):
			ready = append(ready, to)
		}
	}
	if len(ready) == 0 {
		ready = p.anyway(ready, now, probing)
	}
	switch len(ready) {
	case 0:
		return nil, false
	case 1:
		return ready[0], false
	}
	if awake := slices.DeleteFunc(slices.Clone(ready), func(to *target) bool { return to.resting(now) }); len(awake) > 0 {
		ready = awake
	}
	if len(ready) == 1 {
		return ready[0], false
	}
	first, second := twoOf(ready, now)
	for _, to := range []*target{first, second} {
		if to.slots.try(c.perHost()) {
			return to, true
		}
	}
	for _, to := range ready {
		if to.slots.try(c.perHost()) {
			return to, true
		}
	}
	return first, false
}

// anyway is what is left when every target has been tried: those whose circuit
// is closed, else those that wait to be tried again.
func (p *pool) anyway(ready []*target, now time.Time, probing bool) []*target {
	for _, to := range p.targets {
		if to.closed() {
			ready = append(ready, to)
		}
	}
	for _, to := range p.targets {
		if probing && len(ready) == 0 && to.due(now) {
			return append(ready, to)
		}
	}
	return ready
}

// twoOf draws two and puts the one with less to do first.
func twoOf(ready []*target, now time.Time) (first, second *target) {
	i := rand.IntN(len(ready))
	j := rand.IntN(len(ready) - 1)
	if j >= i {
		j++
	}
	first, second = ready[i], ready[j]
	if second.cost(now) < first.cost(now) {
		first, second = second, first
	}
	return first, second
}

func (c *call) hasTried(to *target) bool {
	for _, tried := range c.tried {
		if tried == to {
			return true
		}
	}
	return false
}

// another reports whether an attempt elsewhere makes sense right away.
func (c *call) another(p *pool, now time.Time) bool {
	for _, to := range p.targets {
		if to.closed() && !c.hasTried(to) && !to.resting(now) {
			return true
		}
	}
	return false
}
