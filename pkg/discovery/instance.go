package discovery

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/naming/endpoints"
)

// leaseTTL is how long a dead instance is still found, in seconds.
const leaseTTL = 10

// instanceID tells processes apart, also those on one host and those that restart.
func instanceID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	random := make([]byte, 6)
	_, _ = rand.Read(random) // never fails
	return host + "-" + hex.EncodeToString(random)
}

// Instance returns a component that keeps this process registered as an instance
// of the service at that address. A lost lease, a wiped store and a cut network
// are answered with a new registration, for ever; when ctx ends it is taken back.
func (r *Registry) Instance(service, address string) func(context.Context) error {
	return func(ctx context.Context) error {
		if _, err := usable(address); err != nil {
			return fmt.Errorf("register instance: ADVERTISE_URL: %w", err)
		}
		value, err := json.Marshal(endpoints.Endpoint{Addr: address})
		if err != nil {
			return fmt.Errorf("register instance: %w", err)
		}
		r.keep(ctx, r.prefix+service+"/instances/"+r.id, string(value))
		return nil
	}
}

// keep keeps a key present under a lease until ctx ends.
func (r *Registry) keep(ctx context.Context, key, value string) {
	for lost, try := false, 0; ; {
		err := r.keepOnce(ctx, key, value, func() {
			r.log.InfoContext(ctx, "registered", "key", key)
			lost, try = false, 0
		})
		if ctx.Err() != nil {
			return
		}
		if !lost {
			r.log.WarnContext(ctx, "registration lost, trying again", "key", key, "cause", err)
			lost = true
		}
		pause(ctx, try)
		try++
	}
}

// keepOnce takes a lease, puts the key, and keeps both alive until that fails.
func (r *Registry) keepOnce(ctx context.Context, key, value string, registered func()) error {
	lease, err := r.grantAndPut(ctx, key, value)
	if lease != clientv3.NoLease {
		defer r.revoke(ctx, lease)
	}
	if err != nil {
		return err
	}
	alive, cancel := context.WithCancel(ctx)
	defer cancel() // ends the keep-alive before the lease is revoked
	// Leader loss ends the keep-alive too, and so does a lease that etcd lost.
	beats, err := r.client.KeepAlive(clientv3.WithRequireLeader(alive), lease)
	if err != nil {
		return fmt.Errorf("keep the lease alive: %w", err)
	}
	registered()
	// A key under a living lease that is deleted or written over is put again at the next look.
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	for {
		select {
		case _, open := <-beats:
			if !open {
				return errors.New("the lease is lost")
			}
		case <-ticker.C:
			if r.missing(ctx, key, value) {
				return errors.New("the key is gone, or somebody wrote over it")
			}
		}
	}
}

func (r *Registry) grantAndPut(ctx context.Context, key, value string) (clientv3.LeaseID, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	lease, err := r.client.Grant(ctx, leaseTTL)
	if err != nil {
		return clientv3.NoLease, fmt.Errorf("grant a lease: %w", err)
	}
	if _, err := r.client.Put(ctx, key, value, clientv3.WithLease(lease.ID)); err != nil {
		return lease.ID, fmt.Errorf("put the key: %w", err)
	}
	return lease.ID, nil
}

// missing reports only what etcd said: one that does not answer proves nothing.
func (r *Registry) missing(ctx context.Context, key, value string) bool {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	found, err := r.client.Get(ctx, key)
	return err == nil && (len(found.Kvs) == 0 || string(found.Kvs[0].Value) != value)
}

// revoke takes the key back at once; the lease's end would, some seconds later.
func (r *Registry) revoke(ctx context.Context, lease clientv3.LeaseID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_, _ = r.client.Revoke(ctx, lease) // it ends by itself
}
