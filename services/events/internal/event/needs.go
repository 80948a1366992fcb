package event

import (
	"context"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
)

// Store keeps events and attendances. Each method is one transaction.
type Store interface {
	// Add returns Gone if the host has been erased.
	Add(context.Context, Event) (Event, error)
	// Put stores what edit makes of the event at the id, or of nil if there is none (created is true), while nobody else
	// can change it. If that is what was there, nothing is written. It returns edit's error, and Gone if the host, which
	// is whose event edit may make it, has been erased.
	Put(ctx context.Context, id int64, host *uuid.UUID, edit func(old *Event) (Event, error)) (stored Event, created bool, err error)
	// Get returns NotFound.
	Get(ctx context.Context, id int64) (Event, error)
	// Version is that of an event. It returns NotFound.
	Version(ctx context.Context, id int64) (int64, error)
	// List returns a window of the events in the order of their ids.
	List(context.Context, Filter, page.Window) (page.Result[Event], error)
	// Remove deletes the event and its attendances if permit allows it. It returns NotFound and permit's error.
	Remove(ctx context.Context, id int64, permit func(Event) error) error

	// Attend keeps what a person says of an event (created is true if they had said nothing before). It returns
	// NotFound if there is no such event, Gone if the person has been erased, and the condition's error if it does not
	// hold for what they had said.
	Attend(ctx context.Context, event int64, user uuid.UUID, status Status, condition version.Condition) (stored Attendance, created bool, err error)
	// Attendance returns NotFound.
	Attendance(ctx context.Context, event int64, user uuid.UUID) (Attendance, error)
	// AttendanceVersion is that of an attendance. It returns NotFound.
	AttendanceVersion(ctx context.Context, event int64, user uuid.UUID) (int64, error)
	// Attendances returns a window of the event's attendances, or of the user's alone, the oldest first.
	Attendances(ctx context.Context, event int64, user *uuid.UUID, window page.Window) (page.Result[Attendance], error)
	// Unattend forgets what a person said of an event. It returns NotFound if that is nothing, and the condition's error
	// if it does not hold for that.
	Unattend(ctx context.Context, event int64, user uuid.UUID, condition version.Condition) error
	// Coming returns the first people who said that they come, or may come. It returns NotFound if there is no such
	// event.
	Coming(ctx context.Context, event int64, most int) ([]uuid.UUID, error)
}

// Pizzas knows which pizzas there are.
type Pizzas interface {
	// Exists returns Unavailable, BadGateway or Timeout if it cannot know.
	Exists(ctx context.Context, id int64) (bool, error)
	// Find returns those of the pizzas that exist. It returns what Exists returns.
	Find(ctx context.Context, ids []int64) (map[int64]Pizza, error)
}

// Likes knows who likes what.
type Likes interface {
	// Of returns the pizzas that each of the people likes, at most 100 of a person's: all of the people's, or what
	// Pizzas.Exists returns.
	Of(ctx context.Context, people []uuid.UUID) (map[uuid.UUID][]int64, error)
}
