package broker

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// RouteKey names the broker that everybody uses.
const RouteKey = "rabbitmq/url"

// Peers knows what the other processes do, and what they did before.
type Peers interface {
	// Missing lists those who do not follow key at that revision or a later one yet.
	Missing(key string, revision int64) []string
	// History is the values that were in use, newest first.
	History(ctx context.Context, key string) ([]string, error)
}

// Route says which broker a process uses, and takes its publisher, consumer and listener from one to another. A process
// has one, made before the three. The package's documentation describes the move.
type Route struct {
	config Config
	log    *slog.Logger
	peers  Peers
	pace   pace
	turn   chan struct{} // held by the one who follows
	moves  *prometheus.CounterVec

	mu         sync.Mutex
	changed    chan struct{} // closed at the next change of anything below
	parts      []*part       // what has to be usable at a broker
	sites      []*site       // the open ones
	active     *site         // the one that the key names
	publishing *site         // where messages go; nil until that is known
	following  int           // calls of Follow under way
	left       []*departure  // brokers that are not the active one any more, the last one left last
}

// pace is how long things take; tests are in a hurry.
type pace struct {
	usable    time.Duration // for a new broker to become usable
	lost      time.Duration // that an old broker is away before messages go to the new one though somebody is missing
	poll      time.Duration // between looks at who is missing
	settle    time.Duration // that an old broker's queues are empty before it is let go of
	again     time.Duration // before it is looked at again, the first time; then twice as long
	mostAgain time.Duration
}

var defaultPace = pace{
	usable: 10 * time.Second, lost: 10 * time.Second, poll: 50 * time.Millisecond,
	settle: 15 * time.Second, again: time.Minute, mostAgain: 32 * time.Minute,
}

// NewRoute makes a route that starts at the configured broker. Nothing is published before Run has learned, from a peers
// that also has the method Started, whether an operator has named another one.
func NewRoute(config Config, log *slog.Logger, peers Peers) *Route {
	r := &Route{
		config: config, log: log, peers: peers, pace: defaultPace, turn: make(chan struct{}, 1), moves: newMoves(),
		changed: make(chan struct{}),
	}
	r.active = r.newSite(config, active)
	r.sites = []*site{r.active}
	if peers == nil {
		r.publishing = r.active
	}
	return r
}

// FixedRoute is a route that nobody moves: it needs no Run.
func FixedRoute(config Config, log *slog.Logger) *Route { return NewRoute(config, log, nil) }

// Follow moves the process to the broker of that URL, or to the configured one if it is empty. It returns nil as soon as
// all that the process does can be done there: messages still go to the old one until all others are at the new one, too.
// If that is not so within 10 s, or ctx ends, it says why without repeating the URL, and nothing has changed. An error
// whose method Final says true is of a value that can never work.
func (r *Route) Follow(ctx context.Context, _, url string, revision int64) error {
	config, err := r.config.At(url)
	if err != nil {
		r.moves.WithLabelValues("refused").Inc()
		return finalError{err}
	}
	defer r.follows()()
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	s := r.want(config)
	limited, cancel := context.WithTimeout(ctx, r.pace.usable)
	defer cancel()
	err = r.until(limited, func() bool { return r.usableAt(s) })
	return r.decide(ctx, s, revision, err)
}

func (r *Route) follows() (done func()) {
	count := func(n int) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.following += n
		r.announce()
	}
	count(1)
	return func() { count(-1) }
}

// want opens a site that may become active, or takes one that is open already.
func (r *Route) want(config Config) *site {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.open(config, coming)
	s.wanted = true
	return s
}

// decide makes a wanted site the active one, or gives it up.
func (r *Route) decide(ctx context.Context, s *site, revision int64, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.announce()
	s.wanted = false
	switch {
	case ctx.Err() != nil: // there is a newer edit, or the process stops
		err = ctx.Err()
	case err == nil && s == r.active: // it is there already
		s.revision = revision
		return nil
	case err == nil:
		r.promote(s, revision)
		r.moves.WithLabelValues("applied").Inc()
		return nil
	default:
		err = r.unusable(s)
		r.moves.WithLabelValues("failed").Inc()
	}
	switch {
	case s.standing != coming:
	case s == r.publishing: // a new process found nothing better meanwhile
		s.standing = draining
		r.returnTo(s.URL)
		r.depart(s.Config)
	default:
		r.drop(s)
	}
	return err
}

// unusable says what does not work at a site.
func (r *Route) unusable(s *site) error {
	var reasons []string
	for _, p := range r.parts {
		switch l := p.links[s]; {
		case l == nil:
			reasons = append(reasons, p.name+": does not run yet")
		case l.up.Load():
		case l.why.Load() == nil:
			reasons = append(reasons, p.name+": the broker does not answer")
		default:
			reasons = append(reasons, p.name+": "+*l.why.Load())
		}
	}
	return fmt.Errorf("not usable within %s: %s", r.pace.usable, strings.Join(reasons, "; "))
}

// promote makes a site the active one, and leaves the one before.
func (r *Route) promote(s *site, revision int64) {
	old := r.active
	r.active, s.standing, s.revision = s, active, revision
	for _, d := range r.left {
		d.circle = false
	}
	r.returnTo(s.URL)
	r.depart(old.Config)
	old.standing = draining
	r.log.Info("moving to another broker", "from", old.name, "to", s.name, "revision", revision)
}

// open is the open site of that address; it opens one if there is none.
func (r *Route) open(config Config, as standing) *site {
	if i := slices.IndexFunc(r.sites, func(s *site) bool { return s.URL == config.URL }); i >= 0 {
		return r.sites[i]
	}
	s := r.newSite(config, as)
	r.sites = append(r.sites, s)
	r.announce()
	return s
}

// drop lets go of a site: its consumers finish what they have begun.
func (r *Route) drop(s *site) {
	r.sites = slices.DeleteFunc(r.sites, func(other *site) bool { return other == s })
	s.close()
	r.announce()
}

// announce wakes those who wait for a change. The mutex is held.
func (r *Route) announce() {
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *Route) touch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.announce()
}

// until returns when ok does, which is called with the mutex held at every change, or with ctx's error.
func (r *Route) until(ctx context.Context, ok func() bool) error {
	for {
		r.mu.Lock()
		fine, changed := ok(), r.changed
		r.mu.Unlock()
		if fine {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// destination is where messages go now; nil if that is not known yet.
func (r *Route) destination() *site {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.publishing
}
