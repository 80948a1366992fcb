// Package pizza is the domain: the pizzas that people upload and swipe.
package pizza

import (
	"context"
	"time"

	"github.com/google/uuid"
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
}

// Nullable is what a caller says of something that can be null: nothing, null or a value.
type Nullable[T any] struct {
	Said  bool
	Value *T
}

// Draft is what a caller says of a pizza; nil is left unsaid.
type Draft struct {
	Title       *string
	Description *string
	ImageURL    *string
	Creator     Nullable[uuid.UUID]
}

// Apply writes what the draft says over the pizza.
func (d Draft) Apply(p *Pizza) {
	if d.Title != nil {
		p.Title = *d.Title
	}
	if d.Description != nil {
		p.Description = *d.Description
	}
	if d.ImageURL != nil {
		p.ImageURL = *d.ImageURL
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
	// Put creates the pizza at its id (created is true) or replaces the one there, if permit allows that. It returns
	// what Add returns, and permit's error.
	Put(ctx context.Context, pizza Pizza, permit func(old Pizza) error) (stored Pizza, created bool, err error)
	// Change applies the draft to a pizza, if permit allows that. It returns NotFound, permit's error, and what Add
	// returns.
	Change(ctx context.Context, id int64, draft Draft, permit func(old Pizza) error) (Pizza, error)
	// Get returns NotFound.
	Get(ctx context.Context, id int64) (Pizza, error)
	// List returns a window of the pizzas in the order of their ids, and how many there are in all.
	List(ctx context.Context, filter Filter, limit, offset int) ([]Pizza, int64, error)
	// Remove deletes the pizza if permit allows it. It returns NotFound and permit's error.
	Remove(ctx context.Context, id int64, permit func(Pizza) error) error
}
