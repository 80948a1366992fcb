package event_test

import (
	"context"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/services/events/internal/event"
)

// diary is a store in memory. It remembers whose attendances it was asked for.
type diary struct {
	events map[int64]event.Event
	coming []uuid.UUID
	asked  *uuid.UUID
}

func (d *diary) Add(_ context.Context, e event.Event) (event.Event, error) { return e, nil }

func (d *diary) Put(_ context.Context, e event.Event, permit func(event.Event) error) (event.Event, bool, error) {
	old, exists := d.events[e.ID]
	if exists {
		if err := permit(old); err != nil {
			return event.Event{}, false, err
		}
	}
	return e, !exists, nil
}

func (d *diary) Change(ctx context.Context, id int64, draft event.Draft, permit func(event.Event) error) (event.Event, error) {
	e, err := d.Get(ctx, id)
	if err != nil {
		return event.Event{}, err
	}
	draft.Apply(&e)
	return e, permit(d.events[id])
}

func (d *diary) Get(_ context.Context, id int64) (event.Event, error) {
	e, exists := d.events[id]
	if !exists {
		return event.Event{}, fault.NotFound()
	}
	return e, nil
}

func (d *diary) List(context.Context, event.Filter, int, int) ([]event.Event, int64, error) {
	return nil, 0, nil
}

func (d *diary) Remove(ctx context.Context, id int64, permit func(event.Event) error) error {
	e, err := d.Get(ctx, id)
	if err != nil {
		return err
	}
	return permit(e)
}

func (d *diary) Attend(_ context.Context, id int64, user uuid.UUID, status event.Status) (event.Attendance, bool, error) {
	return event.Attendance{Event: id, User: user, Status: status}, true, nil
}

func (d *diary) Attendance(_ context.Context, id int64, user uuid.UUID) (event.Attendance, error) {
	return event.Attendance{Event: id, User: user}, nil
}

func (d *diary) Attendances(_ context.Context, _ int64, user *uuid.UUID, _, _ int) ([]event.Attendance, int64, error) {
	d.asked = user
	return nil, 0, nil
}

func (d *diary) Unattend(context.Context, int64, uuid.UUID) error { return nil }

func (d *diary) Coming(ctx context.Context, id int64, most int) ([]uuid.UUID, error) {
	_, err := d.Get(ctx, id)
	return d.coming[:min(most, len(d.coming))], err
}

// menu is the pizzas that there are, and their titles.
type menu map[int64]string

func (m menu) Exists(_ context.Context, id int64) (bool, error) { return m[id] != "", nil }

func (m menu) Find(_ context.Context, ids []int64) (map[int64]event.Pizza, error) {
	found := map[int64]event.Pizza{}
	for _, id := range ids {
		if m[id] != "" {
			found[id] = event.Pizza{ID: id, Title: m[id]}
		}
	}
	return found, nil
}

// taste is what people like.
type taste map[uuid.UUID][]int64

func (t taste) Of(_ context.Context, user uuid.UUID) ([]int64, error) { return t[user], nil }

// closed is another service that is down.
type closed struct{}

func (closed) Exists(context.Context, int64) (bool, error)                  { return false, errDown }
func (closed) Find(context.Context, []int64) (map[int64]event.Pizza, error) { return nil, errDown }
func (closed) Of(context.Context, uuid.UUID) ([]int64, error)               { return nil, errDown }
