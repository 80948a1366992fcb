package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// leaseTTL is how long a dead process is still found, in seconds.
const leaseTTL = 10

// session keeps this process's keys present under one lease. A lost lease, a
// wiped store and a cut network are answered with a new one, for ever.
type session struct {
	client *clientv3.Client
	log    *slog.Logger
	aside  string        // keys that begin so are of no consequence to the others
	denied bool          // one of those could not be put, which is logged once
	news   chan struct{} // wanted has changed
	looks  chan struct{} // something may have gone

	mu     sync.Mutex
	wanted map[string]string
	there  map[string]string // what is there under the living lease; nil: there is none
	busy   bool              // there is being changed
	turned chan struct{}     // closed, and replaced, when there or busy has changed
}

func newSession(client *clientv3.Client, aside string, log *slog.Logger) *session {
	return &session{
		client: client, aside: aside, log: log, wanted: map[string]string{},
		news: make(chan struct{}, 1), looks: make(chan struct{}, 1), turned: make(chan struct{}),
	}
}

// set wants a key to be there.
func (s *session) set(key, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted[key] != value {
		s.wanted[key] = value
		notify(s.news)
	}
}

// remove takes a key away and waits until it is gone, or ctx ends. Without a lease
// there is nothing to take.
func (s *session) remove(ctx context.Context, key string) {
	s.mu.Lock()
	delete(s.wanted, key)
	notify(s.news)
	for s.busy || s.there[key] != "" {
		turned := s.turned
		s.mu.Unlock()
		select {
		case <-turned:
		case <-ctx.Done():
			return
		}
		s.mu.Lock()
	}
	s.mu.Unlock()
}

// look asks for a comparison with what is there.
func (s *session) look() { notify(s.looks) }

func notify(news chan struct{}) {
	select {
	case news <- struct{}{}:
	default:
	}
}

func (s *session) run(ctx context.Context) {
	for lost, try := false, 0; ; {
		err := s.hold(ctx, func() { lost, try = false, 0 })
		if ctx.Err() != nil {
			return
		}
		if !lost {
			s.log.WarnContext(ctx, "registration lost, trying again", "cause", err)
			lost = true
		}
		sleep(ctx, pauseAfter(try))
		try++
	}
}

// hold takes a lease, puts the keys, and keeps all alive until that fails.
func (s *session) hold(ctx context.Context, held func()) error {
	lease, err := s.grant(ctx)
	if err != nil {
		return err
	}
	s.turn(func() { s.there = map[string]string{} })
	defer s.revoke(ctx, lease)
	defer s.turn(func() { s.there = nil })
	alive, cancel := context.WithCancel(ctx)
	defer cancel() // ends the keep-alive before the lease is revoked
	// Leader loss ends the keep-alive too, and so does a lease that etcd lost.
	beats, err := s.client.KeepAlive(clientv3.WithRequireLeader(alive), lease)
	if err != nil {
		return fmt.Errorf("keep the lease alive: %w", err)
	}
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	for {
		if err := s.sync(ctx, lease); err != nil {
			return err
		}
		held()
		select {
		case _, open := <-beats:
			if !open {
				return errors.New("the lease is lost")
			}
		case <-s.news:
		case <-s.looks:
			s.compare(ctx, lease)
		case <-ticker.C: // a key under a living lease may have been deleted or written over
			s.compare(ctx, lease)
		}
	}
}

func (s *session) turn(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.turned)
	s.turned = make(chan struct{})
}

func (s *session) grant(ctx context.Context) (clientv3.LeaseID, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	lease, err := s.client.Grant(ctx, leaseTTL)
	if err != nil {
		return clientv3.NoLease, fmt.Errorf("grant a lease: %w", err)
	}
	return lease.ID, nil
}

// sync makes what is there what is wanted.
func (s *session) sync(ctx context.Context, lease clientv3.LeaseID) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var wanted, there map[string]string
	s.turn(func() { s.busy, wanted, there = true, maps.Clone(s.wanted), maps.Clone(s.there) })
	defer s.turn(func() { s.busy, s.there = false, there })
	for key := range there {
		if _, ok := wanted[key]; ok {
			continue
		}
		if _, err := s.client.Delete(ctx, key); err != nil {
			return fmt.Errorf("delete the key: %w", err)
		}
		delete(there, key)
	}
	for key, value := range wanted {
		if old, ok := there[key]; ok && old == value {
			continue
		}
		_, err := s.client.Put(ctx, key, value, clientv3.WithLease(lease))
		aside := strings.HasPrefix(key, s.aside)
		switch {
		case err == nil && !aside:
			s.log.InfoContext(ctx, "registered", "key", key)
		case err != nil && !aside:
			return fmt.Errorf("put the key: %w", err)
		case err != nil && !s.denied:
			s.log.WarnContext(ctx, "a key could not be put, trying again", "key", key, "cause", err)
		}
		if aside {
			s.denied = err != nil
		}
		if err == nil {
			there[key] = value
		}
	}
	return nil
}

// compare forgets what is not there any more, so that sync puts it again. Only
// what etcd says counts: one that does not answer proves nothing.
func (s *session) compare(ctx context.Context, lease clientv3.LeaseID) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s.mu.Lock()
	there := maps.Clone(s.there)
	s.mu.Unlock()
	for key, value := range there {
		found, err := s.client.Get(ctx, key)
		if err != nil {
			return
		}
		if len(found.Kvs) == 0 || string(found.Kvs[0].Value) != value || found.Kvs[0].Lease != int64(lease) {
			s.turn(func() { delete(s.there, key) })
			s.log.WarnContext(ctx, "a key of this process was gone or written over, putting it again", "key", key)
		}
	}
}

// revoke takes the keys back at once; the lease's end would, some seconds later.
func (s *session) revoke(ctx context.Context, lease clientv3.LeaseID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	_, _ = s.client.Revoke(ctx, lease) // it ends by itself
}
