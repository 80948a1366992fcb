package discovery

import (
	"context"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// list reconciles what is known with all that is there.
func (v *view) list(_ context.Context, l listing) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	moved := v.store != "" && (v.store != l.store || l.revision < v.seen)
	if moved {
		v.moved()
	}
	v.store, v.seen, v.listedAt = l.store, l.revision, l.revision
	v.others = newOthers()
	there := map[string]bool{}
	for _, kv := range l.keys {
		there[v.below(kv)] = true
		v.put(kv)
	}
	for key, l := range v.levers {
		if !there[key] && l.offers > 0 && (!l.latest.gone || moved) {
			v.offer(l, missed(l, moved))
		}
	}
	v.registry.memory.retain(l.store, l.revision, func(key string) bool { return there[key] && v.levers[key] != nil })
	v.firstList()
	v.changed()
	return nil
}

// grace is how long instances stay that another store does not know yet: they are
// about to register there.
const grace = leaseTTL * time.Second

// missed is the deletion of a key that a list does not have. Its true revision is
// unknown: the lowest possible one makes nobody wait for those who saw it happen.
func missed(l *lever, moved bool) edit {
	e := edit{gone: true, revision: l.latest.revision + 1}
	if moved {
		e.revision = 1
		if l.kind == kindInstance {
			e.after = grace
		}
	}
	return e
}

// moved begins another store, in which revisions count anew. The caller holds v.mu.
func (v *view) moved() {
	v.registry.log.Warn("etcd has another store now: it was wiped, restored or replaced")
	v.registry.session.look()
	for _, l := range v.levers {
		l.judged, l.latest.revision = 0, -1 // whatever is there is news
		if l.inUse != nil {
			l.inUse.revision = 0
		}
		if l.latest.gone && !l.pending && !l.named {
			v.remove(l)
		}
	}
}

func (v *view) change(_ context.Context, events []*clientv3.Event) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, event := range events {
		v.seen = max(v.seen, event.Kv.ModRevision)
		if event.Type != clientv3.EventTypeDelete {
			v.put(event.Kv)
			continue
		}
		key := v.below(event.Kv)
		v.others.remove(key)
		if l := v.levers[key]; l != nil {
			v.offer(l, edit{gone: true, revision: event.Kv.ModRevision})
		}
	}
	return nil
}

// put tells whom a key concerns. The caller holds v.mu.
func (v *view) put(kv *mvccpb.KeyValue) {
	key := v.below(kv)
	v.others.add(key, kv.Value)
	if l := v.lever(key); l != nil {
		v.offer(l, edit{revision: kv.ModRevision, value: string(kv.Value)})
	}
}

func (v *view) below(kv *mvccpb.KeyValue) string {
	return strings.TrimPrefix(string(kv.Key), v.registry.prefix)
}
