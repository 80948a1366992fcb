package discovery

import (
	"context"
	"slices"
	"sync"
	"time"
)

// view is what this process knows of all keys. Run's goroutine tells it what etcd
// says; each lever's verdicts have a goroutine of their own.
type view struct {
	registry *Registry
	prober   *prober
	judging  sync.WaitGroup
	handlers map[string]Apply // by key, or by folder with its slash
	news     chan struct{}    // something that the status key says may have changed
	started  chan struct{}    // closed when a first list is in use, or when that takes too long
	start    func()

	mu       sync.Mutex
	ctx      context.Context // Run's
	levers   map[string]*lever
	counts   map[group]int
	full     map[group]bool // bounds that were reached, logged once
	services map[string]*rungs
	others   others
	store    string // of the last list, or of what is remembered
	seen     int64  // everything up to this revision is known, once listed
	listed   bool
	listedAt int64           // revision of the last list
	waiting  map[*lever]bool // of the first list, without a verdict yet
	heardAt  time.Time
	follows  bool
}

func newView(r *Registry, p policy) *view {
	v := &view{
		registry: r, handlers: map[string]Apply{}, news: make(chan struct{}, 1), started: make(chan struct{}),
		ctx: context.Background(), levers: map[string]*lever{}, counts: map[group]int{}, full: map[group]bool{},
		services: map[string]*rungs{}, others: newOthers(), waiting: map[*lever]bool{}, heardAt: time.Now(),
	}
	v.start = sync.OnceFunc(func() { close(v.started) })
	v.prober = &prober{
		policy: p, client: newProbeClient(), seconds: r.metrics.probes,
		edits: make(lane, probeLane), instances: make(lane, probeLane),
	}
	v.store, v.seen = r.memory.store, r.memory.revision
	v.recallURLs()
	return v
}

// lever is the lever of a key, made when it is the first time; nil: the key steers
// nothing, or there are too many. The caller holds v.mu.
func (v *view) lever(key string) *lever {
	if l := v.levers[key]; l != nil {
		return l
	}
	handler := v.handler(key)
	g, ok := classify(key, handler != nil)
	if !ok {
		return nil
	}
	counted := g
	if g.kind == kindURL {
		counted.service = "" // one each: all together
	}
	if v.counts[counted] >= maxGroup {
		if !v.full[counted] {
			v.full[counted] = true
			v.registry.log.Warn("too many keys, the rest is ignored", "kind", g.kind, "service", g.service)
		}
		return nil
	}
	v.counts[counted]++
	l := &lever{group: g, key: key, apply: handler}
	switch g.kind {
	case kindURL:
		l.apply = v.applyURL(l)
	case kindInstance:
		l.apply = v.applyInstance(l)
	}
	v.levers[key] = l
	return l
}

// remove is lever's opposite. The caller holds v.mu.
func (v *view) remove(l *lever) {
	counted := l.group
	if l.kind == kindURL {
		counted.service = ""
	}
	v.counts[counted]--
	delete(v.levers, l.key)
}

// maxTombstones is how many deleted keys are still reported.
const maxTombstones = 64

// forget drops a lever whose key is gone: an instance's at once, of an operator's
// the oldest when there are too many. The caller holds v.mu.
func (v *view) forget(l *lever) {
	if !l.operators() {
		v.remove(l)
		return
	}
	var gone []*lever
	for _, l := range v.levers {
		if l.operators() && !l.named && !l.pending && l.latest.gone {
			gone = append(gone, l)
		}
	}
	if len(gone) > maxTombstones {
		v.remove(slices.MinFunc(gone, func(a, b *lever) int { return int(a.judged - b.judged) }))
	}
}

// heard notes that etcd spoke, or that it is not followed any more.
func (v *view) heard(follows bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.follows = follows
	if follows {
		v.heardAt = time.Now()
	}
}

// firstList begins to wait for the verdicts of the first list. The caller holds v.mu.
func (v *view) firstList() {
	if v.listed {
		return
	}
	v.listed = true
	for _, l := range v.levers {
		if l.pending {
			v.waiting[l] = true
		}
	}
	if len(v.waiting) == 0 {
		v.start()
	}
}

// first notes a lever's verdict. The caller holds v.mu.
func (v *view) first(l *lever) {
	if !v.waiting[l] {
		return
	}
	delete(v.waiting, l)
	if len(v.waiting) == 0 {
		v.start()
	}
}

// changed wakes who writes the status key.
func (v *view) changed() {
	select {
	case v.news <- struct{}{}:
	default:
	}
}
