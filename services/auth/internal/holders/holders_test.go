package holders_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/tizza/tizza/pkg/discovery"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/services/auth/internal/holders"
)

// ledger remembers what it was told, and fails as long as it is told to.
type ledger struct {
	mu      sync.Mutex
	broken  error
	known   []string
	retired []string
}

func (l *ledger) Register(_ context.Context, services []string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, service := range services {
		if l.broken == nil && !slices.Contains(l.known, service) {
			l.known = append(l.known, service)
		}
	}
	return l.broken
}

func (l *ledger) Retire(_ context.Context, services []string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		l.retired = append(l.retired, services...)
	}
	return l.broken
}

func (l *ledger) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = err
}

func (l *ledger) told(known, retired []string) func() bool {
	return func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return slices.Equal(slices.Sorted(slices.Values(l.known)), known) && slices.Equal(l.retired, retired)
	}
}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// script is a registry that tells one change after another.
type script []discovery.Change

func (s script) Members(ctx context.Context, _ string, apply func(context.Context, discovery.Change) error) error {
	for _, change := range s {
		_ = apply(ctx, change)
	}
	return nil
}

func full(present ...string) discovery.Change {
	return discovery.Change{Full: true, Present: present}
}

func TestHoldersAreKnownByListAndOneByOneAndRetiredByDeletionOnly(t *testing.T) {
	l := &ledger{}
	told := script{full("pizza"), {Added: []string{"likes"}}, full(), full("events"), {Removed: []string{"likes"}}}
	require.NoError(t, holders.Follow(told, l, closed)(t.Context()))
	assert.Equal(t, []string{"pizza", "likes", "events"}, l.known)
	assert.Equal(t, []string{"likes"}, l.retired)
}

// failing breaks the ledger for as long as removals come, as a database would that is down.
type failing struct {
	then   script
	ledger *ledger
}

func (f failing) Members(ctx context.Context, prefix string, apply func(context.Context, discovery.Change) error) error {
	f.ledger.fail(errors.New("down"))
	for _, service := range []string{"pizza", "likes"} {
		if apply(ctx, discovery.Change{Removed: []string{service}}) == nil {
			return errors.New("the failure was not passed on")
		}
	}
	f.ledger.fail(nil)
	return f.then.Members(ctx, prefix, apply)
}

func TestADeletionThatTheDatabaseMissedIsNotForgotten(t *testing.T) {
	l := &ledger{}
	require.NoError(t, holders.Follow(failing{script{full("auth", "likes")}, l}, l, closed)(t.Context()))
	assert.Equal(t, []string{"pizza"}, l.retired, "likes came back in the meantime")
}

func TestNothingIsReadBeforeTheDatabaseIsReady(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l := &ledger{}
	require.NoError(t, holders.Follow(script{full("pizza")}, l, nil)(ctx))
	assert.Empty(t, l.known)
}

func TestHoldersInEtcdAreFollowed(t *testing.T) {
	endpoints, prefix := servertest.Etcd(t)
	operator := servertest.EtcdClient(t, endpoints)
	put := func(service string) {
		_, err := operator.Put(t.Context(), prefix+"/personal-data/"+service, "{}")
		require.NoError(t, err)
	}
	put("pizza")
	registry, err := discovery.Connect(discovery.Config{Endpoints: endpoints}, "auth", prefix, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	l := &ledger{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- holders.Follow(registry, l, closed)(ctx) }()
	servertest.Eventually(t, 30*time.Second, "pizza is known", l.told([]string{"pizza"}, nil))
	put("likes")
	servertest.Eventually(t, 30*time.Second, "likes is known", l.told([]string{"likes", "pizza"}, nil))
	_, err = operator.Delete(t.Context(), prefix+"/personal-data/pizza", clientv3.WithPrevKV())
	require.NoError(t, err)
	servertest.Eventually(t, 30*time.Second, "pizza is retired", l.told([]string{"likes", "pizza"}, []string{"pizza"}))

	// All keys at once, the store's id among them, are no holder's decision.
	_, err = operator.Delete(t.Context(), prefix+"/", clientv3.WithPrefix())
	require.NoError(t, err)
	put("pizza")
	put("events")
	servertest.Eventually(t, 30*time.Second, "events is known", l.told([]string{"events", "likes", "pizza"}, []string{"pizza"}))
	cancel()
	require.NoError(t, <-ended)
	require.NoError(t, registry.Close())
}
