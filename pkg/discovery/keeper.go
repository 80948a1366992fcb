package discovery

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Put returns a component that keeps a key present without a lease: it puts it at
// the start, and again when the store was wiped, restored or replaced, or all of its
// keys were deleted. It does not
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

func (*keeper) heard(bool) {}

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
		if event.Type != clientv3.EventTypeDelete {
			k.deleted = false
			continue
		}
		if err := k.registry.sameStore(ctx, k.store); err != nil {
			return err // a new list, in which nothing is known to be deleted
		}
		k.leave(ctx)
	}
	return nil
}

func (k *keeper) leave(ctx context.Context) {
	k.deleted = true
	k.registry.log.InfoContext(ctx, "key was deleted, leaving it so until the next start", "key", k.key)
}
