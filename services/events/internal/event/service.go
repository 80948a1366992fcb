package event

import (
	"context"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
)

// Service is what callers can do with events and attendances.
type Service struct {
	store  Store
	pizzas Pizzas
	likes  Likes
}

// NewService makes the service of a store and of what knows pizzas and likes.
func NewService(store Store, pizzas Pizzas, likes Likes) *Service {
	return &Service{store: store, pizzas: pizzas, likes: likes}
}

// Create invites to an event. It returns Invalid for a pizza that does not exist.
func (s *Service) Create(ctx context.Context, caller identity.Caller, draft Draft) (Event, error) {
	e, err := complete(caller, draft)
	if err != nil {
		return Event{}, err
	}
	if err := s.mustExist(ctx, e.Pizza); err != nil {
		return Event{}, err
	}
	return s.store.Add(ctx, e)
}

// Put creates an event at an id of the caller's choice, or replaces the one there, whose host stays unless another one
// is said.
func (s *Service) Put(ctx context.Context, caller identity.Caller, id int64, draft Draft, condition version.Condition) (Event, bool, error) {
	e, err := complete(caller, draft)
	if err != nil {
		return Event{}, false, err
	}
	if err := s.mayPut(ctx, caller, id, condition); err != nil {
		return Event{}, false, err
	}
	if err := s.mustExist(ctx, e.Pizza); err != nil {
		return Event{}, false, err
	}
	e.ID = id
	return s.store.Put(ctx, id, e.Host, func(old *Event) (Event, error) {
		if old == nil {
			return e, condition.OnNothing()
		}
		if err := allow(caller, *old, condition); err != nil {
			return Event{}, err
		}
		whole := e
		whole.CreatedAt, whole.UpdatedAt, whole.Version = old.CreatedAt, old.UpdatedAt, old.Version
		if !draft.Host.Said {
			whole.Host = old.Host
		}
		return whole, nil
	})
}

// mayPut asks what is asked under the row's lock again, before the pizza service is, which may be down.
func (s *Service) mayPut(ctx context.Context, caller identity.Caller, id int64, condition version.Condition) error {
	old, err := s.store.Get(ctx, id)
	switch {
	case err == nil:
		return allow(caller, old, condition)
	case fault.Is(err, fault.KindNotFound):
		return condition.OnNothing()
	}
	return err
}

// Change merges the draft into an event. Whether the caller may is asked before the pizza service is, which may be
// down, and again when nobody else can change the event.
func (s *Service) Change(ctx context.Context, caller identity.Caller, id int64, draft Draft, condition version.Condition) (Event, error) {
	if draft.Host.Said {
		person, err := host(caller, draft.Host)
		if err != nil {
			return Event{}, err
		}
		draft.Host.Value = person
	}
	if draft.Pizza.Value != nil {
		e, err := s.store.Get(ctx, id)
		if err != nil {
			return Event{}, err
		}
		if err := allow(caller, e, condition); err != nil {
			return Event{}, err
		}
		if err := s.mustExist(ctx, draft.Pizza.Value); err != nil {
			return Event{}, err
		}
	}
	e, _, err := s.store.Put(ctx, id, draft.Host.Value, func(old *Event) (Event, error) {
		if old == nil {
			return Event{}, fault.NotFound()
		}
		if err := allow(caller, *old, condition); err != nil {
			return Event{}, err
		}
		merged := *old
		draft.Apply(&merged)
		return merged, nil
	})
	return e, err
}

// Get reads an event.
func (s *Service) Get(ctx context.Context, id int64) (Event, error) { return s.store.Get(ctx, id) }

// Version is that of the event.
func (s *Service) Version(ctx context.Context, id int64) (int64, error) {
	return s.store.Version(ctx, id)
}

// List reads a window of the events.
func (s *Service) List(ctx context.Context, filter Filter, window page.Window) (page.Result[Event], error) {
	return s.store.List(ctx, filter, window)
}

// Remove cancels an event.
func (s *Service) Remove(ctx context.Context, caller identity.Caller, id int64, condition version.Condition) error {
	return s.store.Remove(ctx, id, func(e Event) error { return allow(caller, e, condition) })
}

// allow says whether the caller may change the event, and then whether it is the one that they have seen.
func allow(caller identity.Caller, e Event, condition version.Condition) error {
	if err := permit(caller, e); err != nil {
		return err
	}
	return condition.On(e.Version)
}

// complete makes a whole event of a draft.
func complete(caller identity.Caller, draft Draft) (Event, error) {
	person, err := host(caller, draft.Host)
	if err != nil {
		return Event{}, err
	}
	var missing []fault.Field
	for _, field := range []struct {
		name string
		said bool
	}{{"title", draft.Title != nil}, {"place", draft.Place != nil}, {"starts_at", draft.StartsAt != nil}} {
		if !field.said {
			missing = append(missing, fault.Field{Field: field.name, Detail: "is required"})
		}
	}
	if missing != nil {
		return Event{}, fault.Invalid(missing...)
	}
	var e Event
	draft.Apply(&e)
	e.Host = person
	return e, nil
}

func (s *Service) mustExist(ctx context.Context, pizza *int64) error {
	if pizza == nil {
		return nil
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
