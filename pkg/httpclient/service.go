package httpclient

import (
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// service is what the client knows about one name.
type service struct {
	name    string
	places  *gate
	budget  budget
	metrics serviceMetrics
	mu      sync.Mutex // held while the pool is rebuilt
	current atomic.Pointer[pool]
}

// pool is the instances that the resolver gave, in one go.
type pool struct {
	urls    []*url.URL
	targets []*target
	origin  *origin
}

// origin stands for pools that follow each other and share a target: only among
// those does a tag name the same body. An override may lead to other data, where
// the same row version is something else.
type origin struct{ _ byte }

// service finds what is known about a name; nothing, at first.
func (t *transport) service(name string) *service {
	if s, ok := t.services.Load(name); ok {
		return s.(*service)
	}
	s, _ := t.services.LoadOrStore(name, &service{name: name, places: newGate(), metrics: t.metrics.of(name)})
	return s.(*service)
}

// pool is where the service is now.
func (t *transport) pool(s *service) (*pool, error) {
	urls, err := t.resolver.Targets(s.name)
	if err != nil {
		return nil, nowhere(err)
	}
	if p := s.current.Load(); p != nil && same(p.urls, urls) {
		return p, nil
	}
	return t.rebuild(s)
}

func nowhere(err error) error {
	if err == nil {
		return fail(noAddress, ErrNoAddress)
	}
	return fail(noAddress, fmt.Errorf("%w: %w", ErrNoAddress, err))
}

func same(a, b []*url.URL) bool { return len(a) == len(b) && &a[0] == &b[0] }

// rebuild keeps what is known of the targets that stay, and lets the others go. It
// asks again where they are, so that a call that was slow to come here brings back
// no older list.
func (t *transport) rebuild(s *service) (*pool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	urls, err := t.resolver.Targets(s.name)
	if err != nil || len(urls) == 0 {
		return nil, nowhere(err)
	}
	before := s.current.Load()
	if before != nil && same(before.urls, urls) {
		return before, nil
	}
	known := map[string]*target{}
	if before != nil {
		for _, to := range before.targets {
			known[to.url.String()] = to
		}
	}
	mean := s.meanLatency()
	after := &pool{urls: urls}
	added := map[string]bool{}
	for _, u := range urls {
		name := u.String()
		if added[name] {
			continue
		}
		added[name] = true
		to := known[name]
		if to != nil {
			after.origin = before.origin
		} else {
			to = t.newTarget(s, u)
			to.latency.set(mean, time.Now()) // an unknown instance must not attract everything
		}
		after.targets = append(after.targets, to)
	}
	if after.origin == nil {
		after.origin = &origin{}
	}
	s.current.Store(after)
	for name, to := range known {
		if !added[name] {
			to.retire()
		}
	}
	return after, nil
}

// meanLatency is that of the targets whose circuit is closed; 0 if nothing is known.
func (s *service) meanLatency() float64 {
	p := s.current.Load()
	if p == nil {
		return 0
	}
	var sum, n float64
	for _, to := range p.targets {
		if value := to.latency.now(time.Now()); value > 0 && to.closed() {
			sum, n = sum+value, n+1
		}
	}
	if n == 0 {
		return 0
	}
	return sum / n
}
