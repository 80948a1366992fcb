package broker

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
)

// standing is what a broker is to this process.
type standing string

const (
	coming   standing = "coming"   // being dialed; not used for anything yet
	active   standing = "active"   // the one that the route names
	draining standing = "draining" // left: what is there is still consumed and heard
)

// site is one stay at one broker. All but its first part is guarded by the route's mutex.
type site struct {
	Config
	name  string // host:port/vhost
	route *Route
	ctx   context.Context // ends when the site is let go of
	close context.CancelFunc
	lying atomic.Int64 // messages seen in its queues, while draining

	standing standing
	revision int64 // of the key when it named this site last
	wanted   bool  // somebody is about to make it active: it may not be let go of
}

func (r *Route) newSite(config Config, as standing) *site {
	s := &site{Config: config, name: label(config.URL), route: r, standing: as}
	s.ctx, s.close = context.WithCancel(context.Background())
	return s
}

// isLeft reports whether the site is only there to be drained.
func (s *site) isLeft() bool {
	s.route.mu.Lock()
	defer s.route.mu.Unlock()
	return s.standing == draining
}

// part is a publisher, consumer or listener as the route knows it: it has a link to every open site.
type part struct {
	route     *Route
	service   string
	name      string
	frame     int // the largest frame to agree to; the broker's if 0
	log       *slog.Logger
	queues    []string    // a consumer's, to see whether they are empty
	publishes bool        // whether it is a publisher
	started   atomic.Bool // whether it has ever been connected

	links map[*site]*link // guarded by the route's mutex
}

func newPart(route *Route, log *slog.Logger, service, kind string) *part {
	return &part{route: route, service: service, name: service + "." + kind, log: log, links: map[*site]*link{}}
}

// join makes a part one of those that have to be usable at a broker before the process can move there.
func (r *Route) join(p *part) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.parts, p) {
		r.parts = append(r.parts, p)
	}
}

func (r *Route) leave(p *part) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parts = slices.DeleteFunc(r.parts, func(other *part) bool { return other == p })
	r.announce()
}

// Idle tells the route that this process will not run the part: the route does not wait for it.
func (p *part) Idle() { p.route.leave(p) }

// run keeps a link to every open site until ctx ends, and returns when the last one has been let go of.
func (p *part) run(ctx context.Context, use func(context.Context, *link, *socket) error) error {
	p.route.join(p)
	defer p.route.leave(p)
	var stays sync.WaitGroup
	defer stays.Wait()
	for {
		arrived, changed := p.arrive()
		for _, l := range arrived {
			stays.Go(func() { l.stay(ctx, use) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// arrive makes a link to each open site that has none.
func (p *part) arrive() (arrived []*link, changed <-chan struct{}) {
	p.route.mu.Lock()
	defer p.route.mu.Unlock()
	for _, s := range p.route.sites {
		if p.links[s] == nil {
			p.links[s] = &link{part: p, site: s, missing: make(chan struct{}, 1)}
			arrived = append(arrived, p.links[s])
		}
	}
	return arrived, p.route.changed
}

func (l *link) stay(ctx context.Context, use func(context.Context, *link, *socket) error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.site.ctx, cancel)()
	l.run(ctx, func(ctx context.Context, conn *socket) error { return use(ctx, l, conn) })
	l.route.mu.Lock()
	defer l.route.mu.Unlock()
	delete(l.links, l.site)
	l.route.announce()
}

// at is the part's link to a site, nil if it has none.
func (p *part) at(s *site) *link {
	p.route.mu.Lock()
	defer p.route.mu.Unlock()
	return p.links[s]
}

// ready returns an error while there is no usable connection to the active site.
func (p *part) ready() error {
	p.route.mu.Lock()
	defer p.route.mu.Unlock()
	if l := p.links[p.route.active]; l == nil || !l.up.Load() {
		return ErrDisconnected
	}
	return nil
}

// everStarted returns an error until there has been a usable connection.
func (p *part) everStarted() error {
	if !p.started.Load() {
		return ErrDisconnected
	}
	return nil
}

// usableAt reports whether all that this process does can be done at the site. The route's mutex is held.
func (r *Route) usableAt(s *site) bool {
	return !slices.ContainsFunc(r.parts, func(p *part) bool { l := p.links[s]; return l == nil || !l.up.Load() })
}

// publishableAt reports whether this process can publish at the site, if it publishes at all: an alarm may last, and then
// it cannot. The route's mutex is held.
func (r *Route) publishableAt(s *site) bool {
	return !slices.ContainsFunc(r.parts, func(p *part) bool { return p.publishes && !p.links[s].publishable() })
}

func (l *link) publishable() bool {
	if l == nil || !l.up.Load() {
		return false
	}
	ch := l.channel.Load()
	return ch != nil && !ch.alarm.on()
}
