package erasure

import (
	"context"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/services/auth/internal/user"
)

// Service is what callers can do with erasures.
type Service struct{ store Store }

// NewService makes the service of a store.
func NewService(store Store) *Service { return &Service{store: store} }

// Request forgets a person who asks for it, or for whom staff or a service does. Asked again, it returns the same
// erasure.
func (s *Service) Request(ctx context.Context, caller identity.Caller, person uuid.UUID, condition version.Condition) (Erasure, error) {
	if err := user.Permit(caller, person); err != nil {
		return Erasure{}, err
	}
	return s.store.Begin(ctx, open(person), condition)
}

// Get reads an erasure. Its id is the right to.
func (s *Service) Get(ctx context.Context, id string) (Erasure, error) { return s.store.Get(ctx, id) }

// List reads a window of the erasures.
func (s *Service) List(ctx context.Context, caller identity.Caller, window page.Window) (page.Result[Erasure], error) {
	if err := identity.Require(caller); err != nil {
		return page.Result[Erasure]{}, err
	}
	if !caller.Admin() {
		return page.Result[Erasure]{}, fault.New(fault.Forbidden, "Only staff and services see all erasures.")
	}
	return s.store.List(ctx, window)
}
