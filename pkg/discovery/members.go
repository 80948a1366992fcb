package discovery

import (
	"context"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Change is news of the keys under a prefix, without it.
//
// A full change lists all that are present: at the start, and after whatever was
// missed. Compare it with the last one: a key that is not in it was deleted if the
// store is the same and its revision has not gone back; otherwise the store was
// wiped, restored or replaced, and the absence means nothing.
//
// Any other change was seen as it happened: what is in Removed was deleted, by
// somebody, and not together with the store's id.
type Change struct {
	Full    bool
	Present []string

	Added   []string
	Removed []string

	Revision  int64
	ClusterID uint64 // the same after a wipe if etcd is configured the same
	Store     string // another one after a wipe
}

// Members follows the keys under a prefix (below the registry's own, like
// "personal-data/") until ctx ends. An error from apply is answered with a full
// change, after a pause, for ever.
func (r *Registry) Members(ctx context.Context, prefix string, apply func(context.Context, Change) error) error {
	full := r.prefix + strings.TrimSuffix(prefix, "/") + "/"
	return r.follow(ctx, full, true, &members{registry: r, prefix: full, apply: apply})
}

type members struct {
	registry *Registry
	prefix   string
	apply    func(context.Context, Change) error
	last     listing // where changes come from
}

func (*members) heard(bool) {}

func (m *members) list(ctx context.Context, l listing) error {
	m.last = l
	change := Change{Full: true, Present: []string{}, Revision: l.revision, ClusterID: l.cluster, Store: l.store}
	for _, kv := range l.keys {
		change.Present = append(change.Present, strings.TrimPrefix(string(kv.Key), m.prefix))
	}
	return m.apply(ctx, change)
}

func (m *members) change(ctx context.Context, events []*clientv3.Event) error {
	for _, event := range events {
		name := strings.TrimPrefix(string(event.Kv.Key), m.prefix)
		change := Change{Revision: event.Kv.ModRevision, ClusterID: m.last.cluster, Store: m.last.store}
		switch {
		case event.Type == clientv3.EventTypeDelete:
			if err := m.registry.sameStore(ctx, m.last.store); err != nil {
				return err
			}
			change.Removed = []string{name}
		case event.IsCreate():
			change.Added = []string{name}
		default:
			continue // another value, the same member
		}
		if err := m.apply(ctx, change); err != nil {
			return err
		}
	}
	return nil
}
