// Package like is the domain: people like pizzas, each pizza once.
package like

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Like says that a person likes a pizza.
type Like struct {
	ID        int64
	User      uuid.UUID
	Pizza     int64
	CreatedAt time.Time
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
	// Put creates the like at its id (created is true) or replaces the one there, if permit allows that. It returns
	// what Add returns, and permit's error.
	Put(ctx context.Context, like Like, permit func(old Like) error) (stored Like, created bool, err error)
	// Change replaces a like with what change makes of it, while nobody else can change it. It returns NotFound,
	// change's error, and what Add returns.
	Change(ctx context.Context, id int64, change func(*Like) error) (Like, error)
	// Get returns NotFound.
	Get(ctx context.Context, id int64) (Like, error)
	// List returns a window of the likes in the order of their ids, and how many there are in all.
	List(ctx context.Context, filter Filter, limit, offset int) ([]Like, int64, error)
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
