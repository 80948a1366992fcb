// Package like is the domain: people like pizzas, each pizza once.
package like

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/page"
)

// Like says that a person likes a pizza.
type Like struct {
	ID        int64
	User      uuid.UUID
	Pizza     int64
	CreatedAt time.Time
	Version   int64 // another one after every write
}

// Draft is what a caller says of a like; nil is left unsaid.
type Draft struct {
	User  *uuid.UUID
	Pizza *int64
}

// Filter narrows a list down; nil leaves it wide.
type Filter struct {
	User  *uuid.UUID
	Pizza *int64
}

// Pizza is one of the pizza service's.
type Pizza struct {
	ID          int64      `json:"id"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	ImageURL    string     `json:"image_url"`
	Creator     *uuid.UUID `json:"creator"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
}

// Store keeps likes. Each method is one transaction.
type Store interface {
	// Add returns Conflict if the person already likes the pizza, Gone if the person has been erased.
	Add(context.Context, Like) (Like, error)
	// Put stores what edit makes of the like at the id, or of nil if there is none (created is true), while nobody else
	// can change it. If that is what was there, nothing is written. It returns edit's error, and what Add returns for the
	// person, whose like edit may make it.
	Put(ctx context.Context, id int64, person *uuid.UUID, edit func(old *Like) (Like, error)) (stored Like, created bool, err error)
	// Get returns NotFound.
	Get(ctx context.Context, id int64) (Like, error)
	// Head reads nothing of a like but whose it is and its version. It returns NotFound.
	Head(ctx context.Context, id int64) (Like, error)
	// List returns a window of the likes in the order of their ids.
	List(context.Context, Filter, page.Window) (page.Result[Like], error)
	// Remove deletes the like if permit allows it. It returns NotFound and permit's error.
	Remove(ctx context.Context, id int64, permit func(Like) error) error
	// Counts returns the likes of each pizza that has any.
	Counts(ctx context.Context, pizzas []int64) (map[int64]int64, error)
}

// Pizzas knows which pizzas there are.
type Pizzas interface {
	// Exists returns Unavailable, BadGateway or Timeout if it cannot know.
	Exists(ctx context.Context, id int64) (bool, error)
	// Find returns those of the pizzas that exist. It returns what Exists returns.
	Find(ctx context.Context, ids []int64) (map[int64]Pizza, error)
}
