package event

import (
	"context"

	"github.com/google/uuid"
)

// Store keeps events and attendances. Each method is one transaction.
type Store interface {
	// Add returns Gone if the host has been erased.
	Add(context.Context, Event) (Event, error)
	// Put creates the event at its id (created is true) or replaces the one there, if permit allows that. It returns
	// what Add returns, and permit's error.
	Put(ctx context.Context, event Event, permit func(old Event) error) (stored Event, created bool, err error)
	// Change applies the draft to an event, if permit allows that. It returns NotFound, permit's error, and what Add
	// returns.
	Change(ctx context.Context, id int64, draft Draft, permit func(old Event) error) (Event, error)
	// Get returns NotFound.
	Get(ctx context.Context, id int64) (Event, error)
	// List returns a window of the events in the order of their ids, and how many there are in all.
	List(ctx context.Context, filter Filter, limit, offset int) ([]Event, int64, error)
	// Remove deletes the event and its attendances if permit allows it. It returns NotFound and permit's error.
	Remove(ctx context.Context, id int64, permit func(Event) error) error

	// Attend keeps what a person says of an event (created is true if they had said nothing before). It returns
	// NotFound if there is no such event, and Gone if the person has been erased.
	Attend(ctx context.Context, event int64, user uuid.UUID, status Status) (stored Attendance, created bool, err error)
	// Attendance returns NotFound.
	Attendance(ctx context.Context, event int64, user uuid.UUID) (Attendance, error)
	// Attendances returns a window of the event's attendances, or of the user's alone, the oldest first, and how many
	// there are in all.
	Attendances(ctx context.Context, event int64, user *uuid.UUID, limit, offset int) ([]Attendance, int64, error)
	// Unattend forgets what a person said of an event. It returns NotFound if that is nothing.
	Unattend(ctx context.Context, event int64, user uuid.UUID) error
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
	// Of returns the pizzas that a person likes, at most 100 of them. It returns what Pizzas.Exists returns.
	Of(ctx context.Context, user uuid.UUID) ([]int64, error)
}
