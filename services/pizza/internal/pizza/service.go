package pizza

import (
	"context"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
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

// Put creates a pizza at an id of the caller's choice, or replaces the one there.
func (s *Service) Put(ctx context.Context, caller identity.Caller, id int64, draft Draft) (Pizza, bool, error) {
	p, err := complete(caller, draft)
	if err != nil {
		return Pizza{}, false, err
	}
	p.ID = id
	return s.store.Put(ctx, p, func(old Pizza) error { return permit(caller, old) })
}

// Change merges the draft into a pizza.
func (s *Service) Change(ctx context.Context, caller identity.Caller, id int64, draft Draft) (Pizza, error) {
	if draft.Creator.Said {
		person, err := creator(caller, draft.Creator)
		if err != nil {
			return Pizza{}, err
		}
		draft.Creator.Value = person
	}
	return s.store.Change(ctx, id, draft, func(old Pizza) error { return permit(caller, old) })
}

// Get reads a pizza.
func (s *Service) Get(ctx context.Context, id int64) (Pizza, error) { return s.store.Get(ctx, id) }

// List reads a window of the pizzas, and their number in all.
func (s *Service) List(ctx context.Context, filter Filter, limit, offset int) ([]Pizza, int64, error) {
	return s.store.List(ctx, filter, limit, offset)
}

// Remove deletes a pizza. Whoever keeps something by its id hears of it.
func (s *Service) Remove(ctx context.Context, caller identity.Caller, id int64) error {
	return s.store.Remove(ctx, id, func(p Pizza) error { return permit(caller, p) })
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
