// Package event is the domain: people meet over pizza, and say whether they come.
package event

import (
	"time"

	"github.com/google/uuid"
)

// Event is one meeting. An event of the house has no host; one about no pizza in particular has no pizza.
type Event struct {
	ID          int64
	Title       string
	Description string
	Place       string
	StartsAt    time.Time
	Pizza       *int64
	Host        *uuid.UUID
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64 // another one after every write
}

// Nullable is what a caller says of something that can be null: nothing, null or a value.
type Nullable[T any] struct {
	Said  bool
	Value *T
}

// Or is the value, or the fallback if there is none.
func (n Nullable[T]) Or(fallback T) T {
	if n.Value == nil {
		return fallback
	}
	return *n.Value
}

// Draft is what a caller says of an event; nil is left unsaid. Null is "" where there is always a text.
type Draft struct {
	Title       *string
	Description Nullable[string]
	Place       *string
	StartsAt    *time.Time
	Pizza       Nullable[int64]
	Host        Nullable[uuid.UUID]
}

// Apply writes what the draft says over the event. Times are kept in UTC and to the microsecond, as databases have them.
func (d Draft) Apply(e *Event) {
	if d.Title != nil {
		e.Title = *d.Title
	}
	if d.Description.Said {
		e.Description = d.Description.Or("")
	}
	if d.Place != nil {
		e.Place = *d.Place
	}
	if d.StartsAt != nil {
		e.StartsAt = d.StartsAt.UTC().Truncate(time.Microsecond)
	}
	if d.Pizza.Said {
		e.Pizza = d.Pizza.Value
	}
	if d.Host.Said {
		e.Host = d.Host.Value
	}
}

// Filter narrows a list down; nil leaves it wide.
type Filter struct {
	Host *uuid.UUID
	From *time.Time // that start at this time or later
	To   *time.Time // that start before this time
}

// Status is what a person says of an event.
type Status string

// What there is to say.
const (
	Going    Status = "going"
	Maybe    Status = "maybe"
	Declined Status = "declined"
)

// Attendance says whether a person comes to an event.
type Attendance struct {
	Event     int64
	User      uuid.UUID
	Status    Status
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int64 // another one after every write
}

// Pizza is one of the pizza service's.
type Pizza struct {
	ID          int64
	Title       string
	Description string
	ImageURL    string
	Creator     *uuid.UUID
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Suggestion is a pizza and how many of those who come like it.
type Suggestion struct {
	Pizza Pizza
	Likes int64
}
