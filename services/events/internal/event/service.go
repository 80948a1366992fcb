package event

import (
	"context"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
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
	e, err := s.complete(ctx, caller, draft)
	if err != nil {
		return Event{}, err
	}
	return s.store.Add(ctx, e)
}

// Put creates an event at an id of the caller's choice, or replaces the one there.
func (s *Service) Put(ctx context.Context, caller identity.Caller, id int64, draft Draft) (Event, bool, error) {
	e, err := s.complete(ctx, caller, draft)
	if err != nil {
		return Event{}, false, err
	}
	e.ID = id
	return s.store.Put(ctx, e, func(old Event) error { return permit(caller, old) })
}

// Change merges the draft into an event. Whether the caller may is asked before the pizza service is, which may be
// down, and again when nobody else can change the event.
func (s *Service) Change(ctx context.Context, caller identity.Caller, id int64, draft Draft) (Event, error) {
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
		if err := permit(caller, e); err != nil {
			return Event{}, err
		}
		if err := s.mustExist(ctx, draft.Pizza.Value); err != nil {
			return Event{}, err
		}
	}
	return s.store.Change(ctx, id, draft, func(old Event) error { return permit(caller, old) })
}

// Get reads an event.
func (s *Service) Get(ctx context.Context, id int64) (Event, error) { return s.store.Get(ctx, id) }

// List reads a window of the events, and their number in all.
func (s *Service) List(ctx context.Context, filter Filter, limit, offset int) ([]Event, int64, error) {
	return s.store.List(ctx, filter, limit, offset)
}

// Remove cancels an event.
func (s *Service) Remove(ctx context.Context, caller identity.Caller, id int64) error {
	return s.store.Remove(ctx, id, func(e Event) error { return permit(caller, e) })
}

// complete makes a whole event of a draft.
func (s *Service) complete(ctx context.Context, caller identity.Caller, draft Draft) (Event, error) {
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
	if err := s.mustExist(ctx, draft.Pizza.Value); err != nil {
		return Event{}, err
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
