// Package pizza is the domain: the pizzas that people upload and swipe.
package pizza

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/page"
)

// Pizza is one pizza. A pizza of the house has no creator.
type Pizza struct {
	ID          int64
	Title       string
	Description string
	ImageURL    string
	Creator     *uuid.UUID
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

// Draft is what a caller says of a pizza; nil is left unsaid. Null is "" where there is always a text.
type Draft struct {
	Title       *string
	Description Nullable[string]
	ImageURL    Nullable[string]
	Creator     Nullable[uuid.UUID]
}

// Apply writes what the draft says over the pizza.
func (d Draft) Apply(p *Pizza) {
	if d.Title != nil {
		p.Title = *d.Title
	}
	if d.Description.Said {
		p.Description = d.Description.Or("")
	}
	if d.ImageURL.Said {
		p.ImageURL = d.ImageURL.Or("")
	}
	if d.Creator.Said {
		p.Creator = d.Creator.Value
	}
}

// Filter narrows a list down; nil and "" leave it wide.
type Filter struct {
	IDs     []int64 // none at all, if empty but not nil
	Creator *uuid.UUID
	Text    string // somewhere in the title or the description, whatever its case
}

// Store keeps pizzas and tells others of those that go. Each method is one transaction.
type Store interface {
	// Add returns Gone if the creator has been erased.
	Add(context.Context, Pizza) (Pizza, error)
	// Put stores what edit makes of the pizza at the id, or of nil if there is none (created is true), while nobody else
	// can change it. If that is what was there, nothing is written. It returns edit's error, and Gone if the creator,
	// which is whose pizza edit may make it, has been erased.
	Put(ctx context.Context, id int64, creator *uuid.UUID, edit func(old *Pizza) (Pizza, error)) (stored Pizza, created bool, err error)
	// Get returns NotFound.
	Get(ctx context.Context, id int64) (Pizza, error)
	// Version is that of a pizza. It returns NotFound.
	Version(ctx context.Context, id int64) (int64, error)
	// List returns a window of the pizzas in the order of their ids.
	List(context.Context, Filter, page.Window) (page.Result[Pizza], error)
	// Remove deletes the pizza if permit allows it. It returns NotFound and permit's error.
	Remove(ctx context.Context, id int64, permit func(Pizza) error) error
}
