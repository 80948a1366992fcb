// Package holders tells the ledger of erasures which services hold personal data, as etcd knows them.
package holders

import (
	"context"
	"maps"
	"slices"

	"github.com/tizza/tizza/pkg/discovery"
)

// Prefix is where every holder of personal data has a key of its name.
const Prefix = "personal-data/"

// Ledger is what has to know.
type Ledger interface {
	Register(ctx context.Context, services []string) error
	Retire(ctx context.Context, services []string) error
}

// Registry follows keys; see discovery.Registry.
type Registry interface {
	Members(ctx context.Context, prefix string, apply func(context.Context, discovery.Change) error) error
}

// Follow returns a component that keeps the ledger told. It begins when ready is closed.
func Follow(registry Registry, ledger Ledger, ready <-chan struct{}) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return nil
		case <-ready:
		}
		f := &follower{ledger: ledger, removed: map[string]bool{}}
		return registry.Members(ctx, Prefix, f.apply)
	}
}

type follower struct {
	ledger Ledger
	// removed are deletions that were seen and that the ledger has not taken yet: after an error comes a full list,
	// which does not repeat them, and from which nothing can be concluded: a wiped etcd misses everybody.
	removed map[string]bool
}

func (f *follower) apply(ctx context.Context, change discovery.Change) error {
	for _, service := range change.Removed {
		f.removed[service] = true
	}
	here := slices.Concat(change.Present, change.Added)
	for _, service := range here {
		delete(f.removed, service) // it came back
	}
	if len(here) > 0 {
		if err := f.ledger.Register(ctx, here); err != nil {
			return err
		}
	}
	if len(f.removed) == 0 {
		return nil
	}
	if err := f.ledger.Retire(ctx, slices.Sorted(maps.Keys(f.removed))); err != nil {
		return err
	}
	clear(f.removed)
	return nil
}
