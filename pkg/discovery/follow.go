package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// checkEvery is how often the store's identity is compared, and the watch asked for a sign of life.
	checkEvery = 3 * time.Second
	// silence is how long a watch may say nothing, though asked.
	silence = 10 * time.Second
)

// listing is everything under a prefix at one revision of one store.
type listing struct {
	keys     []*mvccpb.KeyValue
	revision int64
	cluster  uint64
	store    string
}

// follower is told of everything, in order. After an error it gets a new list.
type follower interface {
	list(ctx context.Context, l listing) error
	change(ctx context.Context, events []*clientv3.Event) error
	heard(follows bool) // etcd spoke, or is not followed any more
}

var (
	errOtherStore = errors.New("the store was wiped, restored or replaced")
	errSilent     = errors.New("the watch is silent")
)

// follow lists and watches a key, or all keys that begin with it, until ctx ends.
func (r *Registry) follow(ctx context.Context, key string, prefix bool, f follower) error {
	var options []clientv3.OpOption
	if prefix {
		options = append(options, clientv3.WithPrefix())
	}
	for broken, try := false, 0; ; {
		err := r.followOnce(ctx, key, options, f, func() {
			if broken {
				r.log.InfoContext(ctx, "following etcd again", "key", key)
			}
			broken, try = false, 0
		})
		f.heard(false)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // to stop is what was asked for
		}
		if !broken {
			r.log.WarnContext(ctx, "not following etcd, trying again", "key", key, "cause", err)
			broken = true
		}
		sleep(ctx, pauseAfter(try))
		try++
	}
}

// followOnce lists once, then watches until something is wrong.
func (r *Registry) followOnce(ctx context.Context, key string, options []clientv3.OpOption, f follower, listed func()) error {
	l, err := r.listAll(ctx, key, options)
	if err != nil {
		return err
	}
	f.heard(true)
	if err := f.list(ctx, l); err != nil {
		return fmt.Errorf("apply a list: %w", err)
	}
	listed()

	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel() // releases the watch
	// From the list's own revision, whose changes are left out below: as long as a watch is of a revision that does not exist
	// yet, etcd answers no request for progress, of no watch of this client, and they would all be taken for dead.
	changes := r.client.Watch(ctx, key, append(options, clientv3.WithRev(l.revision), clientv3.WithProgressNotify())...)
	g := r.guard(ctx, l)
	defer g.end(cancel)
	for {
		select {
		case response, open := <-changes:
			if !open {
				return errors.New("the watch ended")
			}
			if err := response.Err(); err != nil {
				return fmt.Errorf("watch: %w", err)
			}
			g.heard(response.Header.GetRevision())
			f.heard(true)
			events := slices.DeleteFunc(response.Events, func(e *clientv3.Event) bool { return e.Kv.ModRevision <= l.revision })
			if r.storeChanged(events, l.store) {
				return errOtherStore // before anything is concluded from what else went
			}
			if err := f.change(ctx, events); err != nil {
				return fmt.Errorf("apply a change: %w", err)
			}
		case err := <-g.alarm:
			return err
		}
	}
}

// storeChanged says whether the store's id was deleted or written over.
func (r *Registry) storeChanged(events []*clientv3.Event, store string) bool {
	for _, event := range events {
		if string(event.Kv.Key) == r.prefix+storeKey && (event.Type == clientv3.EventTypeDelete || string(event.Kv.Value) != store) {
			return true
		}
	}
	return false
}

// listAll reads the keys and the store's id in one transaction, and gives a new
// store its id.
func (r *Registry) listAll(ctx context.Context, key string, options []clientv3.OpOption) (listing, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	id := r.prefix + storeKey
	read := []clientv3.Op{clientv3.OpGet(id), clientv3.OpGet(key, options...)}
	for {
		answer, err := r.client.Txn(ctx).
			If(clientv3.Compare(clientv3.CreateRevision(id), ">", 0)).
			Then(read...).
			Else(clientv3.OpPut(id, uuid.NewString())).
			Commit()
		if err != nil {
			return listing{}, fmt.Errorf("list: %w", err)
		}
		if !answer.Succeeded {
			continue
		}
		l := listing{
			keys:     answer.Responses[1].GetResponseRange().Kvs,
			revision: answer.Header.Revision,
			cluster:  answer.Header.ClusterId,
		}
		for _, kv := range answer.Responses[0].GetResponseRange().Kvs {
			l.store = string(kv.Value)
		}
		return l, nil
	}
}
