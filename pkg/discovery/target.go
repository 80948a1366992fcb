package discovery

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
)

// snapshot is where each service is now. It never changes: a new one takes its
// place, with the same slices for services that did not move.
type snapshot map[string][]*url.URL

// Targets is where the service is now: the override alone, or all instances, or
// the fallback. It takes no lock and allocates nothing; the slice is the same until
// that changes, and callers must not write to it or to what it holds.
func (r *Registry) Targets(service string) ([]*url.URL, error) {
	if found := (*r.current.Load())[service]; len(found) > 0 {
		return found, nil
	}
	return nil, fmt.Errorf("no address is known for service %q", service)
}

// Resolve returns one of the targets, in turn, to keep.
func (r *Registry) Resolve(service string) (*url.URL, error) {
	found, err := r.Targets(service)
	if err != nil {
		return nil, err
	}
	copied := *found[r.turn.Add(1)%uint64(len(found))] // callers may add a path to theirs
	return &copied, nil
}

// Services is where each service is now that etcd or Fallback tells of.
func (r *Registry) Services() map[string]*url.URL {
	found := map[string]*url.URL{}
	for service := range *r.current.Load() {
		if u, err := r.Resolve(service); err == nil {
			found[service] = u
		}
	}
	return found
}

// rungs are what is known of one service, best first.
type rungs struct {
	override  *url.URL
	instances map[string]*url.URL // by key
	fallback  *url.URL
}

func (s *rungs) targets() []*url.URL {
	switch {
	case s.override != nil:
		return []*url.URL{s.override}
	case len(s.instances) > 0:
		found := make([]*url.URL, 0, len(s.instances))
		for _, key := range slices.Sorted(maps.Keys(s.instances)) {
			found = append(found, s.instances[key])
		}
		return found
	case s.fallback != nil:
		return []*url.URL{s.fallback}
	}
	return nil
}

// place puts an address, or nil, on the rung of that key. The caller holds v.mu.
func (v *view) place(l *lever, address *url.URL) {
	service := v.service(l.service)
	if l.kind == kindURL {
		service.override = address
	} else if address == nil {
		delete(service.instances, l.key)
	} else {
		service.instances[l.key] = address
	}
	v.publish(l.service)
}

func (v *view) service(name string) *rungs {
	found := v.services[name]
	if found == nil {
		found = &rungs{instances: map[string]*url.URL{}}
		v.services[name] = found
	}
	return found
}

// publish shows callers where the service is now. The caller holds v.mu.
func (v *view) publish(service string) {
	old := *v.registry.current.Load()
	targets := v.services[service].targets()
	if len(targets) == 0 {
		delete(v.services, service)
	}
	if slices.EqualFunc(old[service], targets, func(a, b *url.URL) bool { return a.String() == b.String() }) {
		return
	}
	next := maps.Clone(old)
	if len(targets) > 0 {
		next[service] = targets
	} else {
		delete(next, service)
	}
	v.registry.current.Store(&next)
}

func (v *view) fallBack(addresses map[string]*url.URL) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for name, service := range v.services {
		if addresses[name] == nil && service.fallback != nil {
			service.fallback = nil
			v.publish(name)
		}
	}
	for name, address := range addresses {
		v.service(name).fallback = address
		v.publish(name)
	}
}
