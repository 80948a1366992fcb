package discovery_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/tizza/tizza/pkg/servertest"
)

const instances = "pizza/instances/"

func TestInstance(t *testing.T) {
	t.Parallel()
	registered := func(w *world) func() bool { return func() bool { return len(w.keys(instances)) == 1 } }
	t.Run("it is found while it runs and gone at once when it stops", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		address := newPlace(t, "pizza").URL
		follower, r := w.running(), w.registry()
		w.run(r.Run)
		stop := w.run(r.Instance("pizza", address))
		w.resolvesTo(follower, address)
		stop()
		assert.Empty(t, w.keys(instances), "before it has returned, while Run goes on")
		w.resolvesTo(follower, fallback)
	})
	t.Run("with Run its status goes too", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		r := w.registry()
		stop := w.run(r.Run, r.Instance("pizza", "http://me"))
		w.eventually("it is there", func() bool { return len(w.keys(instances)) == 1 && len(w.keys("status/")) == 1 })
		stop()
		assert.Empty(t, w.keys(instances))
		assert.Empty(t, w.keys("status/"))
	})
	t.Run("two processes are two instances", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		for range 2 {
			r := w.registry()
			w.run(r.Run, r.Instance("pizza", "http://me"))
		}
		w.eventually("two keys", func() bool { return len(w.keys(instances)) == 2 })
	})
	t.Run("it comes back after its lease was revoked", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		r := w.registry()
		w.run(r.Run, r.Instance("pizza", "http://me"))
		w.eventually("registered", registered(w))
		found, err := w.operator.Get(t.Context(), w.prefix+"/"+instances, clientv3.WithPrefix())
		require.NoError(t, err)
		lease := clientv3.LeaseID(found.Kvs[0].Lease)
		require.NotZero(t, lease)
		_, err = w.operator.Revoke(t.Context(), lease)
		require.NoError(t, err)
		w.eventually("registered again", registered(w))
		assert.Equal(t, 1, strings.Count(w.logged(), "registration lost"))
	})
	t.Run("it comes back after somebody deleted it or wrote over it", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		r := w.registry()
		w.run(r.Run, r.Instance("pizza", "http://me"))
		w.eventually("registered", registered(w))
		key := w.keys(instances)[0]
		w.delete(key)
		w.eventually("registered again", registered(w))
		w.put(key, "nonsense")
		w.eventually("the value is its own again", func() bool {
			found, err := w.operator.Get(t.Context(), w.prefix+"/"+key)
			return err == nil && len(found.Kvs) == 1 && strings.Contains(string(found.Kvs[0].Value), "http://me") && found.Kvs[0].Lease != 0
		})
	})
	t.Run("it comes back after a wipe, with its status", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		r := w.registry()
		w.run(r.Run, r.Instance("pizza", "http://me"))
		w.eventually("registered", registered(w))
		server.Stop()
		server.Wipe()
		server.Start()
		servertest.Eventually(t, 60e9, "registered again", registered(w))
		w.eventually("the status too", func() bool { return len(w.keys("status/")) == 1 })
	})
	t.Run("it comes back after etcd could not be reached for longer than its lease", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		behind, proxy := w.behind(server)
		r := behind.registry()
		w.run(r.Run, r.Instance("pizza", "http://me"))
		w.eventually("registered", registered(w))
		proxy.cut()
		w.eventually("the lease ends", func() bool { return len(w.keys(instances)) == 0 })
		proxy.mend()
		w.eventually("registered again", registered(w))
		w.eventually("the status too", func() bool { return len(w.keys("status/")) == 1 })
	})
	t.Run("an address that nobody could call is an error", func(t *testing.T) {
		t.Parallel()
		require.ErrorContains(t, newWorld(t).registry().Instance("pizza", "me:8001")(t.Context()), "ADVERTISE_URL")
	})
	t.Run("stopping while etcd is away does not wait for it for long", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		r := w.registry()
		stop := w.run(r.Run, r.Instance("pizza", "http://me"))
		w.eventually("registered", registered(w))
		server.Stop()
		stop()
	})
}
