package event_test

import (
	"context"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/services/events/internal/event"
)

// diary is a store in memory. It remembers what it was asked: whose attendances, and whom to admit.
type diary struct {
	events   map[int64]event.Event
	coming   []uuid.UUID
	asked    *uuid.UUID
	admitted *uuid.UUID
	demanded version.Condition
}

func (d *diary) Add(_ context.Context, e event.Event) (event.Event, error) { return e, nil }

func (d *diary) Put(_ context.Context, id int64, host *uuid.UUID, edit func(*event.Event) (event.Event, error)) (event.Event, bool, error) {
	d.admitted = host
	var before *event.Event
	if old, exists := d.events[id]; exists {
		before = &old
	}
	e, err := edit(before)
	if err == nil {
		d.events[id] = e
	}
	return e, before == nil, err
}

func (d *diary) Get(_ context.Context, id int64) (event.Event, error) {
	e, exists := d.events[id]
	if !exists {
		return event.Event{}, fault.NotFound()
	}
	return e, nil
}

func (d *diary) Version(ctx context.Context, id int64) (int64, error) {
	e, err := d.Get(ctx, id)
	return e.Version, err
}

func (d *diary) List(context.Context, event.Filter, page.Window) (page.Result[event.Event], error) {
	return page.Result[event.Event]{}, nil
}

func (d *diary) Remove(ctx context.Context, id int64, permit func(event.Event) error) error {
	e, err := d.Get(ctx, id)
	if err != nil {
		return err
	}
	return permit(e)
}

func (d *diary) Attend(_ context.Context, id int64, user uuid.UUID, status event.Status, condition version.Condition) (event.Attendance, bool, error) {
	d.demanded = condition
	return event.Attendance{Event: id, User: user, Status: status}, true, nil
}

func (d *diary) Attendance(_ context.Context, id int64, user uuid.UUID) (event.Attendance, error) {
	return event.Attendance{Event: id, User: user}, nil
}

func (d *diary) AttendanceVersion(context.Context, int64, uuid.UUID) (int64, error) { return 1, nil }

func (d *diary) Attendances(_ context.Context, _ int64, user *uuid.UUID, _ page.Window) (page.Result[event.Attendance], error) {
	d.asked = user
	return page.Result[event.Attendance]{}, nil
}

func (d *diary) Unattend(_ context.Context, _ int64, _ uuid.UUID, condition version.Condition) error {
	d.demanded = condition
	return nil
}

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

func (t taste) Of(_ context.Context, people []uuid.UUID) (map[uuid.UUID][]int64, error) {
	liked := map[uuid.UUID][]int64{}
	for _, person := range people {
		liked[person] = t[person]
	}
	return liked, nil
}

// closed is another service that is down.
type closed struct{}

func (closed) Exists(context.Context, int64) (bool, error)                  { return false, errDown }
func (closed) Find(context.Context, []int64) (map[int64]event.Pizza, error) { return nil, errDown }
func (closed) Of(context.Context, []uuid.UUID) (map[uuid.UUID][]int64, error) {
	return nil, errDown
}
