package discovery_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPut(t *testing.T) {
	t.Parallel()
	const key = "personal-data/pizza"
	t.Run("what an operator deletes stays deleted until the next start", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		stop := w.run(w.registry().Put(key, "{}"))
		w.eventually("the key is there", func() bool { return len(w.keys(key)) == 1 })
		w.delete(key)
		w.eventually("the deletion is seen", w.logs("leaving it so"))
		assert.Empty(t, w.keys(key))
		stop()
		w.run(w.registry().Put(key, "{}"))
		w.eventually("the next start puts it", func() bool { return len(w.keys(key)) == 1 })
	})
	t.Run("what was deleted while etcd could not be reached stays deleted too", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		behind, proxy := w.behind(server)
		behind.run(behind.registry().Put(key, "{}"))
		w.eventually("who put the key knows that it is there", behind.logs("registered"))
		proxy.cut()
		w.delete(key)
		w.compact()
		proxy.mend()
		w.eventually("the deletion is seen", behind.logs("leaving it so"))
		assert.Empty(t, w.keys(key))
	})
	t.Run("what a wipe took comes back", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		w.run(w.registry().Put(key, "{}"))
		w.eventually("the key is there", func() bool { return len(w.keys(key)) == 1 })
		server.Stop()
		server.Wipe()
		server.Start()
		// The new store overtakes the old one's revision before anybody compares.
		for range 20 {
			w.put("unrelated", "x")
		}
		w.eventually("the key is there again", func() bool { return len(w.keys(key)) == 1 })
		assert.NotContains(t, w.logged(), "leaving it so")
	})
	t.Run("what goes together with everything else comes back", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.run(w.registry().Put(key, "{}"))
		for range 5 {
			w.eventually("the key is there", func() bool { return len(w.keys(key)) == 1 && len(w.keys("store")) == 1 })
			w.deleteAll()
		}
		w.eventually("the key is there again", func() bool { return len(w.keys(key)) == 1 })
		assert.NotContains(t, w.logged(), "leaving it so")
	})
	t.Run("another value is replaced", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.put(key, "old")
		w.run(w.registry().Put(key, "new"))
		w.eventually("the new value", func() bool {
			found, err := w.operator.Get(t.Context(), w.prefix+"/"+key)
			return err == nil && string(found.Kvs[0].Value) == "new"
		})
	})
}
