// Package card is the domain: every person has a loyalty card, with points on it.
package card

import (
	"context"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/version"
)

// Card is a person's.
type Card struct {
	User    uuid.UUID
	Points  int32
	Version int64 // another one after every write
}

// Store keeps cards. Each method is one transaction.
type Store interface {
	// Get returns NotFound.
	Get(ctx context.Context, user uuid.UUID) (Card, error)
	// Put stores what edit makes of the person's card, or of nil if there is none (created is true), while nobody else can
	// change it. It returns edit's error, and Gone if the person has been erased.
	Put(ctx context.Context, user uuid.UUID, edit func(old *Card) (Card, error)) (stored Card, created bool, err error)
}

// Service is what callers can do with cards: a person reads their own; staff and services do all.
type Service struct{ store Store }

// NewService makes the service of a store.
func NewService(store Store) *Service { return &Service{store: store} }

// Get reads a card.
func (s *Service) Get(ctx context.Context, caller identity.Caller, user uuid.UUID) (Card, error) {
	if !caller.Admin() && !caller.Is(user) {
		return Card{}, fault.New(fault.Forbidden, "This card is somebody else's.")
	}
	return s.store.Get(ctx, user)
}

// Put says how many points a person has.
func (s *Service) Put(ctx context.Context, caller identity.Caller, user uuid.UUID, points int32, condition version.Condition) (Card, bool, error) {
	if !caller.Admin() {
		return Card{}, false, fault.New(fault.Forbidden, "Only staff and services give points.")
	}
	return s.store.Put(ctx, user, func(old *Card) (Card, error) {
		if old == nil {
			return Card{User: user, Points: points}, condition.OnNothing()
		}
		card := *old
		card.Points = points
		return card, condition.On(old.Version)
	})
}
