package discovery

import (
	"context"
	"encoding/json"
	"path"
	"strings"

	"go.etcd.io/etcd/client/v3/naming/endpoints"
)

func (v *view) handle(key string, apply Apply) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.handlers[key] = apply
	if !strings.HasSuffix(key, "/") {
		if l := v.lever(key); l != nil {
			l.named, l.state = true, applied
		}
	}
}

// handler is whose key this is; nil: nobody's.
func (v *view) handler(key string) Apply {
	if strings.HasSuffix(key, "/") { // a folder itself is no key
		return nil
	}
	if apply := v.handlers[key]; apply != nil {
		return apply
	}
	return v.handlers[path.Dir(key)+"/"]
}

// recallURLs takes what is remembered of operators' urls into use: they have
// answered once. What the policy refuses by now waits for etcd.
func (v *view) recallURLs() {
	for key, e := range v.registry.memory.all() {
		if g, ok := classify(key, false); !ok || g.kind != kindURL {
			continue
		}
		address, err := v.prober.policy.check(e.value)
		if err != nil {
			v.registry.log.Warn("remembered value refused", "key", key, "revision", e.revision, "reason", err.Error())
			continue
		}
		l := v.lever(key)
		l.latest, l.offers, l.inUse = e, 1, &e
		l.state, l.judged = applied, e.revision
		v.place(l, address)
	}
}

// begin offers what else is remembered: handlers get it as if it came from etcd,
// instances have to answer first.
func (v *view) begin(ctx context.Context) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ctx = ctx
	recalled := v.registry.memory.beginning()
	if len(recalled) > 0 {
		v.registry.log.InfoContext(ctx, "beginning with what is remembered", "keys", len(recalled))
	}
	for key, e := range recalled {
		if l := v.lever(key); l != nil {
			v.offer(l, e) // a url that is in use is the same, and nothing happens
		}
	}
}

// applyURL sends callers to an address that answers as the service, or, when the
// key is gone, to the next rung.
func (v *view) applyURL(l *lever) Apply {
	return func(ctx context.Context, _, value string, _ int64) error { return v.reroute(ctx, l, value) }
}

// applyInstance does the same for the address in an instance's JSON.
func (v *view) applyInstance(l *lever) Apply {
	return func(ctx context.Context, _, value string, _ int64) error {
		var endpoint endpoints.Endpoint
		if value != "" && json.Unmarshal([]byte(value), &endpoint) != nil {
			return Final(errNotEndpoint)
		}
		if value != "" && endpoint.Addr == "" {
			return Final(errNoAddress)
		}
		return v.reroute(ctx, l, endpoint.Addr)
	}
}

func (v *view) reroute(ctx context.Context, l *lever, address string) error {
	if address == "" {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.place(l, nil)
		return nil
	}
	u, err := v.prober.probe(ctx, l.group, address)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.place(l, u)
	return nil
}
