package discovery_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func contextWithin(t *testing.T, bound string) (context.Context, context.CancelFunc) {
	t.Helper()
	duration, err := time.ParseDuration(bound)
	require.NoError(t, err)
	return context.WithTimeout(t.Context(), duration)
}

// guarded is a world whose etcd asks for a password, and forgets who has logged in
// after a second without a call.
func guarded(t *testing.T) *world {
	w, _ := ownServer(t, "--auth-token=simple", "--auth-token-ttl=1")
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { _, err := w.operator.RoleAdd(ctx, "root"); return err },
		func(ctx context.Context) error { _, err := w.operator.UserAdd(ctx, "root", "secret"); return err },
		func(ctx context.Context) error { _, err := w.operator.UserGrantRole(ctx, "root", "root"); return err },
		func(ctx context.Context) error { _, err := w.operator.AuthEnable(ctx); return err },
	} {
		require.NoError(t, step(t.Context()))
	}
	operator, err := clientv3.New(clientv3.Config{Endpoints: w.config.Endpoints, Username: "root", Password: "secret", DialTimeout: time.Minute})
	require.NoError(t, err)
	t.Cleanup(func() { _ = operator.Close() })
	w.operator = operator
	w.config.Username, w.config.Password = "root", "secret"
	return w
}

func TestLogin(t *testing.T) {
	t.Parallel()
	t.Run("a login that has expired holds up neither edits nor the registration", func(t *testing.T) {
		t.Parallel()
		w := guarded(t)
		r := w.registry()
		w.run(r.Run, r.Instance("likes", "http://me"), r.Put("personal-data/likes", "{}"))
		for range 3 {
			good := newPlace(t, "pizza").URL
			w.put("pizza/url", good)
			w.resolvesTo(r, good)
			w.eventually("logins have expired meanwhile", expired(t))
			assert.Len(t, w.keys("likes/instances/"), 1)
			require.NoError(t, r.Ready(t.Context()))
		}
		assert.Equal(t, 1, len(w.keys("personal-data/likes")))
		w.eventually("it is reported", func() bool { _, ok := w.status("pizza/url"); return ok })
	})
	t.Run("passwords that change while it runs end nothing for good", func(t *testing.T) {
		t.Parallel()
		w := guarded(t)
		r := w.running()
		one, two := newPlace(t, "pizza").URL, newPlace(t, "pizza").URL
		w.put("pizza/url", one)
		w.resolvesTo(r, one)
		_, err := w.operator.UserAdd(t.Context(), "somebody", "else") // makes all logins old
		require.NoError(t, err)
		w.put("pizza/url", two)
		w.resolvesTo(r, two)
	})
	t.Run("who may not report is registered all the same", func(t *testing.T) {
		t.Parallel()
		w := guarded(t)
		end := clientv3.GetPrefixRangeEnd
		for _, step := range []func(context.Context) error{
			func(ctx context.Context) error { _, err := w.operator.RoleAdd(ctx, "pizza"); return err },
			func(ctx context.Context) error {
				_, err := w.operator.RoleGrantPermission(ctx, "pizza", "test/", end("test/"), clientv3.PermissionType(clientv3.PermRead))
				return err
			},
			func(ctx context.Context) error {
				_, err := w.operator.RoleGrantPermission(ctx, "pizza", "test/pizza/", end("test/pizza/"), clientv3.PermissionType(clientv3.PermReadWrite))
				return err
			},
			func(ctx context.Context) error {
				_, err := w.operator.RoleGrantPermission(ctx, "pizza", "test/store", "", clientv3.PermissionType(clientv3.PermReadWrite))
				return err
			},
			func(ctx context.Context) error { _, err := w.operator.UserAdd(ctx, "pizza", "secret"); return err },
			func(ctx context.Context) error { _, err := w.operator.UserGrantRole(ctx, "pizza", "pizza"); return err },
		} {
			require.NoError(t, step(t.Context()))
		}
		w.config.Username = "pizza"
		r := w.registry()
		good := newPlace(t, "pizza").URL
		w.put("pizza/url", good)
		w.run(r.Run, r.Instance("pizza", good))
		w.resolvesTo(r, good)
		w.eventually("the status is denied", w.logs("could not be put"))
		w.eventually("the journal is denied", w.logs("could not be written into the journal"))
		w.eventually("it is registered", func() bool { return len(w.keys(instances)) == 1 })
		assert.NotContains(t, w.logged(), "registration lost")
		assert.Empty(t, w.keys("status/"))
	})
	t.Run("a wrong password is waited out", func(t *testing.T) {
		t.Parallel()
		w := guarded(t)
		w.config.Password = "wrong"
		r := w.running()
		w.eventually("trouble is logged", w.logs("not following etcd"))
		assert.NotContains(t, w.logged(), "wrong")
		good := newPlace(t, "pizza").URL
		w.put("pizza/url", good)
		_, err := w.operator.UserChangePassword(t.Context(), "root", "wrong")
		require.NoError(t, err)
		w.resolvesTo(r, good)
	})
	t.Run("a name and a password do not make etcd needed at the start", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		server.Stop()
		w.config.Username, w.config.Password = "root", "secret"
		r := w.registry()
		w.run(r.Run)
		assert.Equal(t, fallback, at(r))
		server.Start()
		good := newPlace(t, "pizza").URL
		w.put("pizza/url", good)
		w.resolvesTo(r, good)
	})
}

// expired is true after two seconds.
func expired(t *testing.T) func() bool {
	t.Helper()
	began := time.Now()
	return func() bool { return time.Since(began) > 2*time.Second }
}
