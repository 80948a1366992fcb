package pizza

import (
	"context"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
)

// Service is what callers can do with pizzas.
type Service struct{ store Store }

// NewService makes the service of a store.
func NewService(store Store) *Service { return &Service{store: store} }

// Create uploads a pizza.
func (s *Service) Create(ctx context.Context, caller identity.Caller, draft Draft) (Pizza, error) {
	p, err := complete(caller, draft)
	if err != nil {
		return Pizza{}, err
	}
	return s.store.Add(ctx, p)
}

// Put creates a pizza at an id of the caller's choice, or replaces the one there, whose creator stays unless another
// one is said.
func (s *Service) Put(ctx context.Context, caller identity.Caller, id int64, draft Draft, condition version.Condition) (Pizza, bool, error) {
	p, err := complete(caller, draft)
	if err != nil {
		return Pizza{}, false, err
	}
	p.ID = id
	return s.store.Put(ctx, id, p.Creator, func(old *Pizza) (Pizza, error) {
		if old == nil {
			return p, condition.OnNothing()
		}
		if err := allow(caller, *old, condition); err != nil {
			return Pizza{}, err
		}
		whole := p
		whole.CreatedAt, whole.UpdatedAt, whole.Version = old.CreatedAt, old.UpdatedAt, old.Version
		if !draft.Creator.Said {
			whole.Creator = old.Creator
		}
		return whole, nil
	})
}

// Change merges the draft into a pizza.
func (s *Service) Change(ctx context.Context, caller identity.Caller, id int64, draft Draft, condition version.Condition) (Pizza, error) {
	if draft.Creator.Said {
		person, err := creator(caller, draft.Creator)
		if err != nil {
			return Pizza{}, err
		}
		draft.Creator.Value = person
	}
	p, _, err := s.store.Put(ctx, id, draft.Creator.Value, func(old *Pizza) (Pizza, error) {
		if old == nil {
			return Pizza{}, fault.NotFound()
		}
		if err := allow(caller, *old, condition); err != nil {
			return Pizza{}, err
		}
		merged := *old
		draft.Apply(&merged)
		return merged, nil
	})
	return p, err
}

// Get reads a pizza.
func (s *Service) Get(ctx context.Context, id int64) (Pizza, error) { return s.store.Get(ctx, id) }

// Version is that of the pizza.
func (s *Service) Version(ctx context.Context, id int64) (int64, error) {
	return s.store.Version(ctx, id)
}

// List reads a window of the pizzas.
func (s *Service) List(ctx context.Context, filter Filter, window page.Window) (page.Result[Pizza], error) {
	return s.store.List(ctx, filter, window)
}

// Remove deletes a pizza. Whoever keeps something by its id hears of it.
func (s *Service) Remove(ctx context.Context, caller identity.Caller, id int64, condition version.Condition) error {
	return s.store.Remove(ctx, id, func(p Pizza) error { return allow(caller, p, condition) })
}

// allow says whether the caller may change the pizza, and then whether it is the one that they have seen.
func allow(caller identity.Caller, p Pizza, condition version.Condition) error {
	if err := permit(caller, p); err != nil {
		return err
	}
	return condition.On(p.Version)
}

// complete makes a whole pizza of a draft.
func complete(caller identity.Caller, draft Draft) (Pizza, error) {
	person, err := creator(caller, draft.Creator)
	if err != nil {
		return Pizza{}, err
	}
	if draft.Title == nil {
		return Pizza{}, fault.Invalid(fault.Field{Field: "title", Detail: "is required"})
	}
	var p Pizza
	draft.Apply(&p)
	p.Creator = person
	return p, nil
}
