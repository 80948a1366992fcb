package like

import (
	"context"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
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

// Put creates a like at an id of the caller's choice, or replaces the one there, whose person stays unless another one
// is said.
func (s *Service) Put(ctx context.Context, caller identity.Caller, id int64, draft Draft, condition version.Condition) (Like, bool, error) {
	var person *uuid.UUID
	user, nobody := author(caller, draft.User)
	switch {
	case nobody == nil:
		person = &user
	case draft.User != nil:
		return Like{}, false, nobody
	}
	if err := s.mayPut(ctx, caller, id, condition); err != nil {
		return Like{}, false, err
	}
	if err := s.mustExist(ctx, draft.Pizza); err != nil {
		return Like{}, false, err
	}
	return s.store.Put(ctx, id, person, func(old *Like) (Like, error) {
		switch {
		case old == nil && nobody != nil:
			return Like{}, nobody
		case old == nil:
			return Like{ID: id, User: user, Pizza: *draft.Pizza}, condition.OnNothing()
		}
		whole := *old
		whole.Pizza = *draft.Pizza
		if draft.User != nil {
			whole.User = user
		}
		return whole, allow(caller, *old, condition)
	})
}

// mayPut asks what is asked under the row's lock again, before the pizza service is, which may be down.
func (s *Service) mayPut(ctx context.Context, caller identity.Caller, id int64, condition version.Condition) error {
	old, err := s.store.Head(ctx, id)
	switch {
	case err == nil:
		return allow(caller, old, condition)
	case fault.Is(err, fault.KindNotFound):
		return condition.OnNothing()
	}
	return err
}

// Change merges the draft into a like.
func (s *Service) Change(ctx context.Context, caller identity.Caller, id int64, draft Draft, condition version.Condition) (Like, error) {
	if draft.User != nil {
		if _, err := author(caller, draft.User); err != nil {
			return Like{}, err
		}
	}
	if draft.Pizza != nil {
		old, err := s.store.Head(ctx, id)
		if err != nil {
			return Like{}, err
		}
		if err := allow(caller, old, condition); err != nil {
			return Like{}, err
		}
		if err := s.mustExist(ctx, draft.Pizza); err != nil {
			return Like{}, err
		}
	}
	l, _, err := s.store.Put(ctx, id, draft.User, func(old *Like) (Like, error) {
		if old == nil {
			return Like{}, fault.NotFound()
		}
		merged := *old
		if draft.User != nil {
			merged.User = *draft.User
		}
		if draft.Pizza != nil {
			merged.Pizza = *draft.Pizza
		}
		return merged, allow(caller, *old, condition)
	})
	return l, err
}

// Get reads a like.
func (s *Service) Get(ctx context.Context, caller identity.Caller, id int64) (Like, error) {
	l, err := s.store.Get(ctx, id)
	if err != nil {
		return Like{}, err
	}
	return l, permit(caller, l)
}

// Version is that of the like.
func (s *Service) Version(ctx context.Context, caller identity.Caller, id int64) (int64, error) {
	l, err := s.store.Head(ctx, id)
	if err != nil {
		return 0, err
	}
	return l.Version, permit(caller, l)
}

// List reads a window of the likes that the caller may see.
func (s *Service) List(ctx context.Context, caller identity.Caller, filter Filter, window page.Window) (page.Result[Like], error) {
	filter, err := narrow(caller, filter)
	if err != nil {
		return page.Result[Like]{}, err
	}
	return s.store.List(ctx, filter, window)
}

// Remove takes a like back.
func (s *Service) Remove(ctx context.Context, caller identity.Caller, id int64, condition version.Condition) error {
	return s.store.Remove(ctx, id, func(l Like) error { return allow(caller, l, condition) })
}

// allow says whether the caller may change the like, and then whether it is the one that they have seen.
func allow(caller identity.Caller, l Like, condition version.Condition) error {
	if err := permit(caller, l); err != nil {
		return err
	}
	return condition.On(l.Version)
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
	if err := s.mustExist(ctx, draft.Pizza); err != nil {
		return Like{}, err
	}
	return Like{User: user, Pizza: *draft.Pizza}, nil
}

func (s *Service) mustExist(ctx context.Context, pizza *int64) error {
	if pizza == nil {
		return fault.Invalid(fault.Field{Field: "pizza", Detail: "is required"})
	}
	exists, err := s.pizzas.Exists(ctx, *pizza)
	if err != nil {
		return err
	}
	if !exists {
		return fault.Invalid(fault.Field{Field: "pizza", Detail: "there is no such pizza"})
	}
	return nil
}
