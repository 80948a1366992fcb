package system

import (
	"context"
	"encoding/json"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// root is where the keys of this system are.
const root = "tizza/development/"

// operator edits keys as somebody with etcdctl does, without the time that a program needs to start.
type operator struct {
	*testing.T
	etcd *clientv3.Client
}

func newOperator(t *testing.T) operator {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{setting["ETCD_ENDPOINTS"]}, DialTimeout: patience})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, client.Close()) })
	return operator{t, client}
}

// put writes a key and returns the edit's revision.
func (o operator) put(key, value string) int64 {
	o.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience) // also while the test cleans up
	defer cancel()
	done, err := o.etcd.Put(ctx, root+key, value)
	require.NoError(o, err)
	return done.Header.Revision
}

func (o operator) del(key string) int64 {
	o.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	done, err := o.etcd.Delete(ctx, root+key)
	require.NoError(o, err)
	return done.Header.Revision
}

// finally deletes a key when the test is over, if it is there, and waits until everybody knows.
func (o operator) finally(key string) {
	o.Cleanup(func() {
		if len(o.below(key)) > 0 {
			o.applied(key, o.del(key))
		}
	})
}

// below are the keys that begin like that, without it, and their values.
func (o operator) below(prefix string) map[string]string {
	o.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	found, err := o.etcd.Get(ctx, root+prefix, clientv3.WithPrefix())
	require.NoError(o, err)
	values := map[string]string{}
	for _, kv := range found.Kvs {
		values[strings.TrimPrefix(string(kv.Key), root+prefix)] = string(kv.Value)
	}
	return values
}

// follows is what the status of one process says of one key.
type follows struct {
	Revision             int64
	Value, State, Reason string
}

// status is what each live process says of a key, by service and id.
func (o operator) status(key string) map[string]follows {
	o.Helper()
	said := map[string]follows{}
	for process, value := range o.below("status/") {
		var status struct{ Keys map[string]follows }
		require.NoError(o, json.Unmarshal([]byte(value), &status), "%s: %s", process, value)
		if entry, there := status.Keys[key]; there {
			said[process] = entry
		}
	}
	return said
}

// applied waits until all four services, and every process that says anything of the key, have applied that edit or a later
// one, and returns how long that took.
func (o operator) applied(key string, revision int64) time.Duration {
	o.Helper()
	return o.settled(key, func(f follows) bool { return f.State == "applied" && f.Revision >= revision })
}

// refused waits until all have refused exactly that edit, and returns what they say of it.
func (o operator) refused(key string, revision int64) map[string]follows {
	o.Helper()
	o.settled(key, func(f follows) bool { return f.State == "rejected" && f.Revision == revision })
	return o.status(key)
}

func (o operator) settled(key string, done func(follows) bool) time.Duration {
	o.Helper()
	began := time.Now()
	var said map[string]follows
	settled := within(o.T, patience, func() bool {
		said = o.status(key)
		of := map[string]bool{}
		for process, f := range said {
			if !done(f) {
				return false
			}
			of[path.Dir(process)] = true
		}
		for _, service := range services {
			if !of[service] {
				return false
			}
		}
		return true
	})
	require.True(o, settled, "what they say of %s: %+v", key, said)
	return time.Since(began)
}

// instances waits until a service has so many.
func (o operator) instances(service string, n int) {
	o.Helper()
	var found map[string]string
	there := within(o.T, 2*patience, func() bool {
		found = o.below(service + "/instances/")
		return len(found) == n
	})
	require.True(o, there, "%d instances of %s: %v", n, service, found)
}
