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
// somebody.
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
	return r.follow(ctx, full, true, &members{prefix: full, apply: apply})
}

type members struct {
	prefix string
	apply  func(context.Context, Change) error
	last   listing // where changes come from
}

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

// Put returns a component that keeps a key present without a lease: it puts it at
// the start, and again when the store was wiped, restored or replaced. It does not
// put it again after somebody deleted it: that is an operator's decision, until
// the process starts again.
func (r *Registry) Put(key, value string) func(context.Context) error {
	return func(ctx context.Context) error {
		full := r.prefix + key
		return r.follow(ctx, full, false, &keeper{registry: r, key: full, value: value})
	}
}

type keeper struct {
	registry *Registry
	key      string
	value    string
	store    string // of the last list
	revision int64  // the last that was seen of that store
	deleted  bool   // by somebody, as far as we know
}

func (k *keeper) list(ctx context.Context, l listing) error {
	if present := len(l.keys) == 1; present {
		k.deleted = false
	} else if k.store == l.store && k.revision <= l.revision && !k.deleted {
		k.leave(ctx)
	}
	put := !k.deleted && (len(l.keys) == 0 || string(l.keys[0].Value) != k.value)
	if put {
		bounded, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		if _, err := k.registry.client.Put(bounded, k.key, k.value); err != nil {
			return err
		}
	}
	k.store, k.revision = l.store, l.revision
	if put {
		k.registry.log.InfoContext(ctx, "registered", "key", k.key)
	}
	return nil
}

func (k *keeper) change(ctx context.Context, events []*clientv3.Event) error {
	for _, event := range events {
		k.revision = max(k.revision, event.Kv.ModRevision)
		if event.Type == clientv3.EventTypeDelete {
			k.leave(ctx)
		} else {
			k.deleted = false
		}
	}
	return nil
}

func (k *keeper) leave(ctx context.Context) {
	k.deleted = true
	k.registry.log.InfoContext(ctx, "key was deleted, leaving it so until the next start", "key", k.key)
}
