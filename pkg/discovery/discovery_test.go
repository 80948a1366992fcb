package discovery_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/goleak"

	"github.com/tizza/tizza/pkg/discovery"
	"github.com/tizza/tizza/pkg/servertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is one prefix in etcd, an operator's client, and what was logged.
type world struct {
	*testing.T
	endpoints []string
	prefix    string
	operator  *clientv3.Client
	mu        sync.Mutex
	log       strings.Builder
}

func newWorld(t *testing.T) *world {
	t.Helper()
	endpoints, prefix := servertest.Etcd(t)
	return &world{T: t, endpoints: endpoints, prefix: prefix, operator: servertest.EtcdClient(t, endpoints)}
}

// ownServer is a world on an etcd that the test may stop and wipe.
func ownServer(t *testing.T) (*world, *servertest.EtcdServer) {
	t.Helper()
	server := servertest.NewEtcdServer(t)
	return &world{T: t, endpoints: server.Endpoints(), prefix: "test", operator: servertest.EtcdClient(t, server.Endpoints())}, server
}

func (w *world) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(line)
}

func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

// registry is connected but not run.
func (w *world) registry(allowed ...string) *discovery.Registry {
	w.Helper()
	r, err := discovery.Connect(discovery.Config{Endpoints: w.endpoints, AllowedHosts: allowed}, w.prefix, slog.New(slog.NewTextHandler(w, nil)))
	require.NoError(w, err)
	r.Fallback(map[string]string{"pizza": "http://fallback"})
	w.Cleanup(func() { _ = r.Close() })
	return r
}

func (w *world) running(allowed ...string) *discovery.Registry {
	w.Helper()
	r := w.registry(allowed...)
	w.run(r.Run)
	return r
}

// run runs a component until the function is called or the test ends.
func (w *world) run(component func(context.Context) error) (stop func()) {
	w.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- component(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(w, <-done)
	})
	w.Cleanup(stop)
	return stop
}

func (w *world) put(key, value string) {
	w.Helper()
	_, err := w.operator.Put(w.Context(), w.prefix+"/"+key, value)
	require.NoError(w, err)
}

func (w *world) delete(key string) {
	w.Helper()
	_, err := w.operator.Delete(w.Context(), w.prefix+"/"+key)
	require.NoError(w, err)
}

func (w *world) keys(prefix string) []string {
	w.Helper()
	found, err := w.operator.Get(w.Context(), w.prefix+"/"+prefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return nil
	}
	var keys []string
	for _, kv := range found.Kvs {
		keys = append(keys, string(kv.Key))
	}
	return keys
}

func (w *world) eventually(what string, ok func() bool) {
	w.Helper()
	servertest.Eventually(w, 30*time.Second, what, ok)
}

func (w *world) resolvesTo(r *discovery.Registry, address string) {
	w.Helper()
	w.eventually("pizza is at "+address, func() bool { return at(r) == address })
}

func at(r *discovery.Registry) string {
	u, err := r.Resolve("pizza")
	if err != nil {
		return err.Error()
	}
	return u.String()
}

func TestResolve(t *testing.T) {
	t.Parallel()
	t.Run("it goes down the ladder: url key, instances in turn, fallback", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		r := w.registry()
		assert.Equal(t, "http://fallback", at(r), "before the first list")
		w.put("pizza/url", "http://operator:1")
		w.put("pizza/instances/a", `{"Op":0,"Addr":"http://a","Metadata":null}`)
		w.put("pizza/instances/b", `{"Addr":"http://b"}`)
		w.put("pizza2/url", "http://other")
		w.run(r.Run)
		w.resolvesTo(r, "http://operator:1")

		w.delete("pizza/url")
		w.eventually("both instances in turn", func() bool {
			first, second := at(r), at(r)
			return first != second && first+second != "http://operator:1" &&
				strings.Contains("http://ahttp://bhttp://a", first+second)
		})
		w.delete("pizza/instances/a")
		w.resolvesTo(r, "http://b")
		w.eventually("only b is left", func() bool {
			first, second := at(r), at(r) // two, as an instance that is gone may only be passed over every other time
			return first == "http://b" && second == "http://b"
		})
		w.delete("pizza/instances/b")
		w.resolvesTo(r, "http://fallback")
		_, err := r.Resolve("unknown")
		require.ErrorContains(t, err, `"unknown"`)
	})
	t.Run("an edit reaches callers", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		r := w.running()
		w.put("pizza/url", "http://one")
		w.resolvesTo(r, "http://one")
		w.put("pizza/url", "http://two")
		w.resolvesTo(r, "http://two")
	})
	t.Run("what a caller does to its address changes nobody else's", func(t *testing.T) {
		t.Parallel()
		r := newWorld(t).registry()
		u, err := r.Resolve("pizza")
		require.NoError(t, err)
		u.Host = "changed"
		assert.Equal(t, "http://fallback", at(r))
	})
	t.Run("a value that is not usable leaves the last good one, and is logged without its text", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		r := w.running(".example", "10.0.0.0/8")
		w.put("pizza/url", "http://good.example")
		w.resolvesTo(r, "http://good.example")
		for _, bad := range []string{
			"", "nonsense", "/path", "ftp://x.example", "http://user:hunter2@x.example", "http://169.254.169.254",
			"http://evil.test", "http://2852039166", "http://[fe80::1]", "http://%zz", "http://0.0.0.0",
		} {
			w.put("pizza/url", bad)
		}
		w.put("likes/url", "http://10.1.2.3")
		w.eventually("the watch has come this far", func() bool { _, err := r.Resolve("likes"); return err == nil })
		assert.Equal(t, "http://good.example", at(r))
		assert.Equal(t, 11, strings.Count(w.logged(), "refused"))
		assert.NotContains(t, w.logged(), "hunter2")
		w.delete("pizza/url")
		w.resolvesTo(r, "http://fallback")
	})
	t.Run("one malformed instance hides no other", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.put("pizza/instances/a", `{"Addr":`)
		w.put("pizza/instances/b", `{"Addr":"http://b"}`)
		w.put("pizza/instances/c", `{"Addr":""}`)
		w.put("pizza/instances/d", `[]`)
		r := w.running()
		w.resolvesTo(r, "http://b")
		assert.Equal(t, "http://b", at(r))
		assert.Equal(t, 3, strings.Count(w.logged(), "refused"))
	})
}

func TestRun(t *testing.T) {
	t.Parallel()
	t.Run("without etcd callers use the fallback, and follow it when it comes", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		w.put("pizza/url", "http://operator")
		server.Stop()
		r := w.running()
		w.eventually("trouble is logged", func() bool { return strings.Contains(w.logged(), "not following etcd") })
		assert.Equal(t, "http://fallback", at(r))
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		require.EqualError(t, r.Ready(ctx), "etcd does not answer")
		server.Start()
		w.resolvesTo(r, "http://operator")
		require.NoError(t, r.Ready(t.Context()))
		assert.Equal(t, 1, strings.Count(w.logged(), "not following etcd"))
	})
	t.Run("while etcd is away the last known stays, and edits are seen when it is back", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		r := w.running()
		w.put("pizza/url", "http://operator")
		w.resolvesTo(r, "http://operator")
		server.Stop()
		assert.Equal(t, "http://operator", at(r))
		server.Start()
		w.put("pizza/url", "http://second")
		w.resolvesTo(r, "http://second")
	})
	t.Run("edits and deletions in a part of history that was compacted away are healed by a list", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		proxy := newProxy(t, server.Endpoints()[0])
		behind := &world{T: t, endpoints: []string{proxy.address()}, prefix: w.prefix, operator: w.operator}
		r := behind.running()
		w.put("pizza/url", "http://operator")
		w.put("pizza/instances/a", `{"Addr":"http://a"}`)
		w.resolvesTo(r, "http://operator")

		proxy.cut()
		w.delete("pizza/url")
		w.delete("pizza/instances/a")
		w.put("pizza/instances/b", `{"Addr":"http://b"}`)
		w.put("unrelated", "x")
		revision, err := w.operator.Get(t.Context(), "x")
		require.NoError(t, err)
		_, err = w.operator.Compact(t.Context(), revision.Header.Revision)
		require.NoError(t, err)
		proxy.mend()
		w.resolvesTo(r, "http://b")
		w.put("pizza/url", "http://after")
		w.resolvesTo(r, "http://after")
	})
	t.Run("a wiped store is noticed although its watch stays silent", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		for range 20 { // the new store is far behind
			w.put("unrelated", "x")
		}
		r := w.running()
		w.put("pizza/url", "http://operator")
		w.resolvesTo(r, "http://operator")
		server.Stop()
		server.Wipe()
		server.Start()
		w.resolvesTo(r, "http://fallback")
		w.put("pizza/url", "http://new")
		w.resolvesTo(r, "http://new")
	})
}

func TestInstance(t *testing.T) {
	t.Parallel()
	const address = "http://me:8001"
	t.Run("it is found while it runs and gone at once when it stops", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		r := w.running()
		stop := w.run(w.registry().Instance("pizza", address))
		w.resolvesTo(r, address)
		stop()
		assert.Empty(t, w.keys("pizza/instances/"))
		servertest.Eventually(t, 8*time.Second, "callers no longer find it, long before its lease ends", func() bool { return at(r) == "http://fallback" })
	})
	t.Run("two processes are two instances", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.run(w.registry().Instance("pizza", address))
		w.run(w.registry().Instance("pizza", address))
		w.eventually("two keys", func() bool { return len(w.keys("pizza/instances/")) == 2 })
	})
	t.Run("it comes back after its lease was revoked", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.run(w.registry().Instance("pizza", address))
		w.eventually("registered", func() bool { return len(w.keys("pizza/instances/")) == 1 })
		found, err := w.operator.Get(t.Context(), w.prefix+"/pizza/instances/", clientv3.WithPrefix())
		require.NoError(t, err)
		lease := clientv3.LeaseID(found.Kvs[0].Lease)
		require.NotZero(t, lease)
		_, err = w.operator.Revoke(t.Context(), lease)
		require.NoError(t, err)
		w.eventually("registered again", func() bool { return len(w.keys("pizza/instances/")) == 1 })
		assert.Equal(t, 1, strings.Count(w.logged(), "registration lost"))
	})
	t.Run("it comes back after a wipe", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		w.run(w.registry().Instance("pizza", address))
		w.eventually("registered", func() bool { return len(w.keys("pizza/instances/")) == 1 })
		server.Stop()
		server.Wipe()
		server.Start()
		w.eventually("registered again", func() bool { return len(w.keys("pizza/instances/")) == 1 })
	})
	t.Run("an address that nobody could call is an error", func(t *testing.T) {
		t.Parallel()
		require.ErrorContains(t, newWorld(t).registry().Instance("pizza", "me:8001")(t.Context()), "ADVERTISE_URL")
	})
}

func TestPut(t *testing.T) {
	t.Parallel()
	const key = "personal-data/pizza"
	t.Run("what an operator deletes stays deleted until the next start", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		stop := w.run(w.registry().Put(key, "{}"))
		w.eventually("the key is there", func() bool { return len(w.keys(key)) == 1 })
		w.delete(key)
		w.eventually("the deletion is seen", func() bool { return strings.Contains(w.logged(), "leaving it so") })
		assert.Empty(t, w.keys(key))
		stop()
		w.run(w.registry().Put(key, "{}"))
		w.eventually("the next start puts it", func() bool { return len(w.keys(key)) == 1 })
	})
	t.Run("what was deleted while etcd could not be reached stays deleted too", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		proxy := newProxy(t, server.Endpoints()[0])
		behind := &world{T: t, endpoints: []string{proxy.address()}, prefix: w.prefix, operator: w.operator}
		behind.run(behind.registry().Put(key, "{}"))
		w.eventually("who put the key knows that it is there", func() bool { return strings.Contains(behind.logged(), "registered") })
		proxy.cut()
		w.delete(key)
		now, err := w.operator.Get(t.Context(), "x")
		require.NoError(t, err)
		_, err = w.operator.Compact(t.Context(), now.Header.Revision)
		require.NoError(t, err)
		proxy.mend()
		w.eventually("the deletion is seen", func() bool { return strings.Contains(behind.logged(), "leaving it so") })
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

func TestMembers(t *testing.T) {
	t.Parallel()
	// follow runs Members and gives its changes; failures many are refused first.
	follow := func(w *world, failures int) <-chan discovery.Change {
		changes := make(chan discovery.Change, 100)
		r := w.registry()
		w.run(func(ctx context.Context) error {
			return r.Members(ctx, "personal-data", func(_ context.Context, c discovery.Change) error {
				if failures > 0 {
					failures--
					return errors.New("the database is down")
				}
				changes <- c
				return nil
			})
		})
		return changes
	}
	next := func(t *testing.T, changes <-chan discovery.Change) discovery.Change {
		t.Helper()
		select {
		case c := <-changes:
			return c
		case <-time.After(30 * time.Second):
			t.Fatal("no change came")
			return discovery.Change{}
		}
	}
	t.Run("all that are present come first, then each that comes and goes", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.put("personal-data/pizza", "{}")
		w.put("personal-data2/other", "{}")
		changes := follow(w, 0)
		first := next(t, changes)
		assert.True(t, first.Full)
		assert.Equal(t, []string{"pizza"}, first.Present)
		assert.NotZero(t, first.Revision)
		assert.NotZero(t, first.ClusterID)
		assert.NotEmpty(t, first.Store)

		w.put("personal-data/likes", "{}")
		w.put("personal-data/likes", "changed")
		w.delete("personal-data/pizza")
		added, removed := next(t, changes), next(t, changes)
		assert.Equal(t, []string{"likes"}, added.Added)
		assert.Equal(t, []string{"pizza"}, removed.Removed)
		assert.Greater(t, removed.Revision, added.Revision)
		assert.False(t, removed.Full)
		assert.Equal(t, first.Store, removed.Store)
	})
	t.Run("a change that could not be applied comes again as a full one", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.put("personal-data/pizza", "{}")
		change := next(t, follow(w, 2))
		assert.True(t, change.Full)
		assert.Equal(t, []string{"pizza"}, change.Present)
	})
	t.Run("a wiped store is another store, and its absences are no deletions", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		w.put("personal-data/pizza", "{}")
		changes := follow(w, 0)
		before := next(t, changes)
		server.Stop()
		server.Wipe()
		server.Start()
		after := next(t, changes)
		assert.True(t, after.Full)
		assert.Empty(t, after.Present)
		assert.Empty(t, after.Removed)
		assert.NotEqual(t, before.Store, after.Store)
	})
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, cfg := range []discovery.Config{
		{}, {Endpoints: []string{"http://user:hunter2@host"}}, {Endpoints: []string{"http://ok", "%zz"}},
		{Endpoints: []string{"http://ok"}, AllowedHosts: []string{"http://x"}},
	} {
		err := cfg.Validate()
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "hunter2")
	}
	require.NoError(t, discovery.Config{Endpoints: []string{"http://ok:2379", "127.0.0.1:2379"}, AllowedHosts: []string{"a", ".b", "10.0.0.0/8", "::1"}}.Validate())
}

// proxy stands between a registry and etcd: a network that can be cut.
type proxy struct {
	t        *testing.T
	target   string
	at       string
	mu       sync.Mutex
	listener net.Listener
	open     []net.Conn
	copying  sync.WaitGroup
}

func newProxy(t *testing.T, endpoint string) *proxy {
	t.Helper()
	target, err := url.Parse(endpoint)
	require.NoError(t, err)
	p := &proxy{t: t, target: target.Host, at: "127.0.0.1:0"}
	p.mend()
	t.Cleanup(func() {
		p.cut()
		p.copying.Wait()
	})
	return p
}

func (p *proxy) address() string { return "http://" + p.at }

func (p *proxy) mend() {
	p.t.Helper()
	listener, err := net.Listen("tcp", p.at)
	require.NoError(p.t, err)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener, p.at = listener, listener.Addr().String()
	p.copying.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", p.target)
			if err != nil {
				_ = from.Close()
				continue
			}
			p.mu.Lock()
			p.open = append(p.open, from, to)
			p.mu.Unlock()
			p.copying.Go(func() { pipe(from, to) })
			p.copying.Go(func() { pipe(to, from) })
		}
	})
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.listener.Close()
	for _, conn := range p.open {
		_ = conn.Close()
	}
	p.open = nil
}

func pipe(from, to net.Conn) {
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			_ = to.Close()
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			_ = from.Close()
			return
		}
	}
}
