package broker

import (
	"context"
	"slices"
	"time"
)

// departure is a broker that was left, or that a process before this one used.
type departure struct {
	config Config
	ctx    context.Context // ends when the broker is the active one again; nil: nobody tends it yet
	cancel context.CancelFunc
	circle bool // its dead letters come back to it: it is the broker that they are carried to
}

// maxLeft is how many of them are remembered.
const maxLeft = 5

// depart notes that a broker has been left. The mutex is held, as in what follows.
func (r *Route) depart(config Config) {
	r.left = append(r.left, &departure{config: config})
	for i := 0; len(r.left) > maxLeft && i < len(r.left)-1; i++ {
		if d := r.left[i]; !r.isOpen(d.config.URL) {
			r.returnTo(d.config.URL)
			i--
		}
	}
}

// returnTo ends what is done because a broker was left.
func (r *Route) returnTo(url string) {
	r.left = slices.DeleteFunc(r.left, func(d *departure) bool {
		if d.config.URL == url && d.cancel != nil {
			d.cancel()
		}
		return d.config.URL == url
	})
}

func (r *Route) isOpen(url string) bool {
	return slices.ContainsFunc(r.sites, func(s *site) bool { return s.URL == url })
}

// circles reports whether what is carried away from a broker comes back to it.
func (r *Route) circles(url string) bool {
	return slices.ContainsFunc(r.left, func(d *departure) bool { return d.config.URL == url && d.circle })
}

// turns notes that it does, until messages go elsewhere.
func (r *Route) turns(url string) {
	for _, d := range r.left {
		d.circle = d.circle || d.config.URL == url
	}
	r.announce()
}

// untended are the departures that nobody looks after yet.
func (r *Route) untended(ctx context.Context) (found []*departure, changed <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.left {
		if d.cancel == nil {
			d.ctx, d.cancel = context.WithCancel(ctx)
			found = append(found, d)
		}
	}
	return found, r.changed
}

// recall finds the brokers that processes before this one used: a move that they did not finish is finished.
func (r *Route) recall(ctx context.Context) {
	if r.peers == nil || r.until(ctx, func() bool { return r.publishing != nil }) != nil {
		return
	}
	for wait := r.pace.again / 60; ; wait = min(2*wait, r.pace.again) {
		values, err := r.peers.History(ctx, RouteKey)
		if err == nil {
			r.recalled(append([]string{r.config.URL}, values...))
			return
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

func (r *Route) recalled(urls []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, url := range urls {
		config, err := r.config.At(url)
		known := slices.ContainsFunc(r.left, func(d *departure) bool { return d.config.URL == config.URL })
		if err == nil && !known && config.URL != r.active.URL && len(r.left) < maxLeft {
			r.left = append([]*departure{{config: config}}, r.left...)
		}
	}
	r.announce()
}

// tend drains a broker that was left, and looks at it again and again: somebody who slept through the move may have
// published there. It is opened whenever somebody may still do so.
func (r *Route) tend(ctx context.Context, config Config) {
	for wait := r.pace.again; ; wait = min(2*wait, r.pace.mostAgain) {
		if r.worthDraining(ctx, config) {
			r.drain(ctx, config)
		}
		ticks := time.NewTicker(r.pace.settle / 10)
		for end := time.Now().Add(wait); time.Now().Before(end) && !r.straggling(); {
			select {
			case <-ctx.Done():
				ticks.Stop()
				return
			case <-ticks.C:
			}
		}
		ticks.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

func (r *Route) worthDraining(ctx context.Context, config Config) bool {
	r.mu.Lock()
	open := r.isOpen(config.URL)
	r.mu.Unlock()
	if open || r.straggling() {
		return true
	}
	sounding := r.newSounding(config)
	defer sounding.close()
	messages, err := sounding.take(ctx)
	if messages > 0 {
		r.log.Info("messages lie at a broker that was left", "broker", label(config.URL), "messages", messages)
	}
	return err == nil && messages > 0 // what cannot be reached has nothing for us now
}
