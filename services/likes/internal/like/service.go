package like

import (
	"context"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
)

// Service is what callers can do with likes.
type Service struct {
	store  Store
	pizzas Pizzas
}

// NewService makes the service of a store and of what knows the pizzas.
func NewService(store Store, pizzas Pizzas) *Service { return &Service{store: store, pizzas: pizzas} }

// Create likes a pizza. It returns Invalid for a pizza that does not exist.
func (s *Service) Create(ctx context.Context, caller identity.Caller, draft Draft) (Like, error) {
	l, err := s.complete(ctx, caller, draft)
	if err != nil {
		return Like{}, err
	}
	return s.store.Add(ctx, l)
}

// Put creates a like at an id of the caller's choice, or replaces the one there.
func (s *Service) Put(ctx context.Context, caller identity.Caller, id int64, draft Draft) (Like, bool, error) {
	l, err := s.complete(ctx, caller, draft)
	if err != nil {
		return Like{}, false, err
	}
	l.ID = id
	return s.store.Put(ctx, l, func(old Like) error { return permit(caller, old) })
}

// Change merges the draft into a like.
func (s *Service) Change(ctx context.Context, caller identity.Caller, id int64, draft Draft) (Like, error) {
	if draft.Pizza != nil {
		if err := s.mustExist(ctx, *draft.Pizza); err != nil {
			return Like{}, err
		}
	}
	return s.store.Change(ctx, id, func(l *Like) error {
		if err := permit(caller, *l); err != nil {
			return err
		}
		if draft.User != nil {
			user, err := author(caller, draft.User)
			if err != nil {
				return err
			}
			l.User = user
		}
		if draft.Pizza != nil {
			l.Pizza = *draft.Pizza
		}
		return nil
	})
}

// Get reads a like.
func (s *Service) Get(ctx context.Context, caller identity.Caller, id int64) (Like, error) {
	l, err := s.store.Get(ctx, id)
	if err != nil {
		return Like{}, err
	}
	return l, permit(caller, l)
}

// List reads a window of the likes that the caller may see, and their number in all.
func (s *Service) List(ctx context.Context, caller identity.Caller, filter Filter, limit, offset int) ([]Like, int64, error) {
	filter, err := narrow(caller, filter)
	if err != nil {
		return nil, 0, err
	}
	return s.store.List(ctx, filter, limit, offset)
}

// Remove takes a like back.
func (s *Service) Remove(ctx context.Context, caller identity.Caller, id int64) error {
	return s.store.Remove(ctx, id, func(l Like) error { return permit(caller, l) })
}

// Counts returns how many like each of the pizzas that anyone likes.
func (s *Service) Counts(ctx context.Context, pizzas []int64) (map[int64]int64, error) {
	return s.store.Counts(ctx, pizzas)
}

// Expand returns the pizzas of the likes that still exist.
func (s *Service) Expand(ctx context.Context, likes []Like) (map[int64]Pizza, error) {
	ids := make([]int64, 0, len(likes))
	seen := make(map[int64]bool, len(likes))
	for _, l := range likes {
		if !seen[l.Pizza] {
			seen[l.Pizza] = true
			ids = append(ids, l.Pizza)
		}
	}
	if len(ids) == 0 {
		return map[int64]Pizza{}, nil
	}
	return s.pizzas.Find(ctx, ids)
}

// complete makes a whole like of a draft.
func (s *Service) complete(ctx context.Context, caller identity.Caller, draft Draft) (Like, error) {
	user, err := author(caller, draft.User)
	if err != nil {
		return Like{}, err
	}
	if draft.Pizza == nil {
		return Like{}, fault.Invalid(fault.Field{Field: "pizza", Detail: "is required"})
	}
	if err := s.mustExist(ctx, *draft.Pizza); err != nil {
		return Like{}, err
	}
	return Like{User: user, Pizza: *draft.Pizza}, nil
}

func (s *Service) mustExist(ctx context.Context, pizza int64) error {
	exists, err := s.pizzas.Exists(ctx, pizza)
	if err != nil {
		return err
	}
	if !exists {
		return fault.Invalid(fault.Field{Field: "pizza", Detail: "there is no such pizza"})
	}
	return nil
}
