package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Registry is this process's view of etcd. It is safe for concurrent use.
type Registry struct {
	client  *clientv3.Client
	service string // this process's
	id      string // of this process
	prefix  string // ends with a slash
	log     *slog.Logger

	current atomic.Pointer[snapshot]
	turn    atomic.Uint64 // whose turn it is among instances

	view    *view
	memory  *memory
	session *session
	journal *journal
	metrics *metrics
	wait    sync.WaitGroup
}

// firstList is how long Started waits for etcd.
const firstList = 2 * time.Second

// Connect prepares a client and dials nothing. The service is this process's own,
// the prefix, like "shop/development", is that of all keys. What was remembered of
// urls is in use at once. An error is about the settings.
func Connect(cfg Config, service, prefix string, log *slog.Logger) (*Registry, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("connect to etcd: %w", err)
	}
	policy, err := newPolicy(cfg.AllowedHosts)
	if err != nil {
		return nil, fmt.Errorf("connect to etcd: %w", err)
	}
	client, err := newClient(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to etcd: %w", err)
	}
	r := &Registry{
		client: client, service: service, id: instanceID(), prefix: strings.TrimSuffix(prefix, "/") + "/",
		log: log.With("component", "discovery"), metrics: newMetrics(),
	}
	r.current.Store(&snapshot{})
	r.memory = newMemory(cfg.StateDir, service, r.prefix, r.log)
	r.session = newSession(client, r.prefix+statusFolder, r.log)
	r.journal = newJournal(client, r.prefix, r.log)
	r.view = newView(r, policy)
	return r, nil
}

// Run follows etcd until ctx ends, and then closes the client: components that use
// the registry start after it and so stop before.
func (r *Registry) Run(ctx context.Context) error {
	late := time.AfterFunc(firstList, r.view.start)
	defer late.Stop()
	r.view.begin(ctx)
	r.wait.Go(func() { r.session.run(ctx) })
	r.wait.Go(func() { r.journal.run(ctx) })
	r.wait.Go(func() { r.memory.run(ctx) })
	r.wait.Go(func() { r.reportStatus(ctx) })
	err := r.follow(ctx, r.prefix, true, r.view)
	r.view.judging.Wait()
	r.wait.Wait()
	r.memory.save(ctx) // what the last verdicts have changed
	return errors.Join(err, r.Close())
}

// Close ends the client; Run does so by itself.
func (r *Registry) Close() error {
	if err := r.client.Close(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("close the etcd client: %w", err)
	}
	return nil
}

// Started returns nil as soon as a first list is in use: each of its keys has been
// taken or refused. If that takes longer than 2 s from when Run began, it returns
// nil all the same: what is remembered and the fallback are in use then.
func (r *Registry) Started(ctx context.Context) error {
	select {
	case <-r.view.started:
		return nil
	case <-ctx.Done():
		return errors.New("etcd has not been read yet")
	}
}

// Ready returns nil when etcd answers. Its errors are fit for a health page.
func (r *Registry) Ready(ctx context.Context) error {
	if _, err := r.client.Get(ctx, r.prefix+storeKey, clientv3.WithCountOnly()); err != nil {
		return errors.New("etcd does not answer")
	}
	return nil
}

// Handle has apply called with a key's values: a key like "broker/url", or all keys
// directly below one that ends with a slash, like "shop/config/". Before Run.
func (r *Registry) Handle(key string, apply Apply) { r.view.handle(key, apply) }

// Fallback sets where services are while etcd says nothing of them. The operator's
// own setting may name any host.
func (r *Registry) Fallback(addresses map[string]string) {
	parsed := make(map[string]*url.URL, len(addresses))
	for service, address := range addresses {
		u, err := usable(address)
		if err != nil {
			r.log.Error("fallback address is not usable", "service", service, "reason", err)
			continue
		}
		parsed[service] = u
	}
	r.view.fallBack(parsed)
}
