package discovery

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// guard finds out what a watch does not say: that it is dead, or that the store is
// another one, which accepts a watch from a revision that it has not reached and is
// silent then.
type guard struct {
	registry *Registry
	store    string
	revision atomic.Int64 // the last that was heard of
	at       atomic.Int64 // when, in nanoseconds
	alarm    chan error
	running  sync.WaitGroup
}

func (r *Registry) guard(watch context.Context, l listing) *guard {
	g := &guard{registry: r, store: l.store, alarm: make(chan error, 1)}
	g.heard(l.revision)
	g.running.Go(func() {
		for sleep(watch, checkEvery) {
			if err := g.check(watch); err != nil {
				g.alarm <- err
				return
			}
		}
	})
	return g
}

func (g *guard) heard(revision int64) {
	g.revision.Store(max(revision, g.revision.Load()))
	g.at.Store(time.Now().UnixNano())
}

func (g *guard) end(cancel context.CancelFunc) {
	cancel()
	g.running.Wait()
}

// check asks the watch for a sign of life, and the store for its id.
func (g *guard) check(watch context.Context) error {
	if time.Since(time.Unix(0, g.at.Load())) > silence {
		return errSilent
	}
	ctx, cancel := context.WithTimeout(watch, checkEvery)
	defer cancel()
	_ = g.registry.client.RequestProgress(ctx) // of the watch's stream; without an answer it is silent
	last := g.revision.Load()
	found, err := g.registry.client.Get(ctx, g.registry.prefix+storeKey)
	if err != nil {
		return nil // what does not answer is no other store
	}
	if found.Header.Revision < last || !g.registry.is(found, g.store) {
		return errOtherStore
	}
	return nil
}

func (r *Registry) is(found *clientv3.GetResponse, store string) bool {
	return len(found.Kvs) == 1 && string(found.Kvs[0].Value) == store
}

// sameStore returns errOtherStore if the store is not the one of a list any more. It
// asks until etcd answers: a deletion that was seen must not be lost, nor taken for
// somebody's decision when everything was deleted.
func (r *Registry) sameStore(ctx context.Context, store string) error {
	for try := 0; ; try++ {
		bounded, cancel := context.WithTimeout(ctx, callTimeout)
		found, err := r.client.Get(bounded, r.prefix+storeKey)
		cancel()
		switch {
		case err == nil && r.is(found, store):
			return nil
		case err == nil:
			return errOtherStore
		case !sleep(ctx, pauseAfter(try)):
			return ctx.Err()
		}
	}
}
