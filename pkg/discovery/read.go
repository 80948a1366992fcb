package discovery

import (
	"context"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Read returns the keys that begin so (which is left out of them) with the values
// that etcd has now, good or not. If etcd does not answer, it returns those that
// are remembered, which were good, and the error. It works without Run.
func (r *Registry) Read(ctx context.Context, below string) (map[string]string, error) {
	bounded, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	found, err := r.client.Get(bounded, r.prefix+below, clientv3.WithPrefix())
	if err != nil {
		return r.memory.below(below), fmt.Errorf("read %s from etcd: %w", below, err)
	}
	values, edits := make(map[string]string, len(found.Kvs)), make(map[string]edit, len(found.Kvs))
	for _, kv := range found.Kvs {
		key, value := strings.TrimPrefix(string(kv.Key), r.prefix), string(kv.Value)
		values[strings.TrimPrefix(key, below)] = value
		edits[key] = edit{revision: kv.ModRevision, value: value, recalled: true}
	}
	r.memory.tell(below, edits)
	return values, nil
}
