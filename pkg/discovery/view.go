package discovery

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/naming/endpoints"
)

// snapshot is what Resolve reads. It never changes: a new one takes its place.
type snapshot struct{ targets map[string]target }

type target struct {
	override  *url.URL
	instances []*url.URL
}

// view turns etcd's keys into snapshots. It belongs to Run's goroutine.
type view struct {
	registry *Registry
	entries  map[string]entry // by key
}

type entry struct {
	url     *url.URL // nil: there was never a good value
	refused int64    // revision of the last value that was refused, which is logged once
}

func (v *view) list(_ context.Context, l listing) error {
	entries := make(map[string]entry, len(l.keys))
	for _, kv := range l.keys {
		entries[string(kv.Key)] = v.read(kv)
	}
	v.entries = entries
	v.publish()
	return nil
}

func (v *view) change(_ context.Context, events []*clientv3.Event) error {
	for _, event := range events {
		if event.Type == clientv3.EventTypeDelete {
			delete(v.entries, string(event.Kv.Key))
			continue
		}
		v.entries[string(event.Kv.Key)] = v.read(event.Kv)
	}
	v.publish()
	return nil
}

// read gives the key's entry with its new value, or with its last good one.
func (v *view) read(kv *mvccpb.KeyValue) entry {
	last := v.entries[string(kv.Key)]
	service, kind := classify(v.registry.prefix, string(kv.Key))
	if service == "" {
		return entry{}
	}
	address := string(kv.Value)
	if kind == kindInstance {
		var endpoint endpoints.Endpoint
		if json.Unmarshal(kv.Value, &endpoint) != nil {
			endpoint.Addr = "" // refused below
		}
		address = endpoint.Addr
	}
	u, err := v.registry.policy.check(address)
	if err == nil {
		return entry{url: u}
	}
	if last.refused != kv.ModRevision {
		v.registry.log.Warn("address in etcd refused, the last good one stays", "key", string(kv.Key), "reason", err)
	}
	return entry{url: last.url, refused: kv.ModRevision}
}

func (v *view) publish() {
	next := &snapshot{targets: map[string]target{}}
	for _, key := range slices.Sorted(maps.Keys(v.entries)) {
		address := v.entries[key].url
		service, kind := classify(v.registry.prefix, key)
		if address == nil || service == "" {
			continue
		}
		t := next.targets[service]
		if kind == kindURL {
			t.override = address
		} else {
			t.instances = append(t.instances, address)
		}
		next.targets[service] = t
	}
	v.registry.current.Store(next)
}

type kind int

const (
	kindURL kind = iota
	kindInstance
)

// brokerService is a url key of another kind: an AMQP address.
const brokerService = "rabbitmq"

// classify returns "" for keys that say nothing of where a service is.
func classify(prefix, key string) (service string, _ kind) {
	switch parts := strings.Split(strings.TrimPrefix(key, prefix), "/"); {
	case parts[0] == brokerService:
		return "", kindURL
	case len(parts) == 2 && parts[1] == "url":
		return parts[0], kindURL
	case len(parts) == 3 && parts[1] == "instances":
		return parts[0], kindInstance
	default:
		return "", kindURL
	}
}
