package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/tizza/tizza/pkg/setting"
)

// Config says where etcd is and which addresses its values may name.
type Config struct {
	Endpoints []string       `env:"ETCD_ENDPOINTS"`
	Username  string         `env:"ETCD_USERNAME"`
	Password  setting.Secret `env:"ETCD_PASSWORD"`
	// AllowedHosts are the hosts that values may name: names, addresses, CIDRs, or
	// ".domain" for all under it. Empty allows every host but link-local ones.
	AllowedHosts []string `env:"DISCOVERY_ALLOWED_HOSTS"`
}

// Validate checks the settings without a connection.
func (c Config) Validate() error {
	var errs []error
	if len(c.Endpoints) == 0 {
		errs = append(errs, errors.New("ETCD_ENDPOINTS: is required"))
	}
	for _, endpoint := range c.Endpoints {
		if !strings.Contains(endpoint, "://") {
			endpoint = "http://" + endpoint // as etcd's own tools take it
		}
		if _, err := usable(endpoint); err != nil {
			errs = append(errs, fmt.Errorf("ETCD_ENDPOINTS: one is not a URL to use: %w", err))
			break
		}
	}
	if _, err := newPolicy(c.AllowedHosts); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Registry is this process's view of etcd. It is safe for concurrent use.
type Registry struct {
	client   *clientv3.Client
	prefix   string // ends with a slash
	log      *slog.Logger
	policy   policy
	fallback atomic.Pointer[map[string]*url.URL]
	current  atomic.Pointer[snapshot]
	turn     atomic.Uint64 // whose turn it is among instances
	id       string        // of this process
}

const (
	callTimeout = 5 * time.Second
	dialTimeout = 5 * time.Second
)

// Connect prepares a client and dials nothing. The prefix, like
// "shop/development", is that of all keys. An error is about the settings.
func Connect(cfg Config, prefix string, log *slog.Logger) (*Registry, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("connect to etcd: %w", err)
	}
	policy, err := newPolicy(cfg.AllowedHosts)
	if err != nil {
		return nil, fmt.Errorf("connect to etcd: %w", err)
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints:            cfg.Endpoints,
		Username:             cfg.Username,
		Password:             cfg.Password.Reveal(),
		DialTimeout:          dialTimeout,
		DialKeepAliveTime:    10 * time.Second, // finds connections that only look alive
		DialKeepAliveTimeout: 3 * time.Second,
		Logger:               zap.NewNop(), // this package logs changes of state itself
		DialOptions: []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: dialTimeout,
		})},
	})
	if err != nil {
		return nil, errors.New("connect to etcd: the settings do not make a client") // the cause may carry the password
	}
	r := &Registry{
		client: client, prefix: strings.TrimSuffix(prefix, "/") + "/",
		log: log.With("component", "discovery"), policy: policy, id: instanceID(),
	}
	r.current.Store(&snapshot{})
	r.fallback.Store(&map[string]*url.URL{})
	return r, nil
}

// Run follows etcd until ctx ends, and then closes the client: components that use
// the registry start after it and so stop before.
func (r *Registry) Run(ctx context.Context) error {
	v := &view{registry: r, entries: map[string]entry{}}
	err := r.follow(ctx, r.prefix, true, v)
	return errors.Join(err, r.Close())
}

// Close ends the client; Run does so by itself.
func (r *Registry) Close() error {
	if err := r.client.Close(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("close the etcd client: %w", err)
	}
	return nil
}

// Fallback sets where services are while etcd says nothing of them.
func (r *Registry) Fallback(addresses map[string]string) {
	parsed := make(map[string]*url.URL, len(addresses))
	for service, address := range addresses {
		// The operator's own setting may name any host.
		u, err := usable(address)
		if err != nil {
			r.log.Error("fallback address is not usable", "service", service, "reason", err)
			continue
		}
		parsed[service] = u
	}
	r.fallback.Store(&parsed)
}

// Resolve returns where the service is now. Before the first list, and when etcd
// says nothing of it, that is the fallback; without one it is an error.
func (r *Registry) Resolve(service string) (*url.URL, error) {
	found := (*r.fallback.Load())[service]
	if t, ok := r.current.Load().targets[service]; ok {
		switch {
		case t.override != nil:
			found = t.override
		case len(t.instances) > 0:
			found = t.instances[r.turn.Add(1)%uint64(len(t.instances))]
		}
	}
	if found == nil {
		return nil, fmt.Errorf("no address is known for service %q", service)
	}
	copied := *found // callers may add a path to theirs
	return &copied, nil
}

// Services is where each service is now that etcd or Fallback tells of.
func (r *Registry) Services() map[string]*url.URL {
	found := map[string]*url.URL{}
	for service := range *r.fallback.Load() {
		found[service] = nil
	}
	for service := range r.current.Load().targets {
		found[service] = nil
	}
	for service := range found {
		if u, err := r.Resolve(service); err == nil {
			found[service] = u
		} else {
			delete(found, service)
		}
	}
	return found
}

// Ready returns nil when etcd answers. Its errors are fit for a health page.
func (r *Registry) Ready(ctx context.Context) error {
	if _, err := r.client.Get(ctx, r.prefix+storeKey, clientv3.WithCountOnly()); err != nil {
		return errors.New("etcd does not answer")
	}
	return nil
}
