package identity

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/fault"
)

// Caller is who a request comes from. The zero value is anyone.
type Caller struct {
	User    uuid.UUID // the person, if a session came
	Staff   bool      // the person works here
	Session uuid.UUID // which of the person's sessions
	Client  string    // the service or operator, if a service token came
	scopes  []string  // what the token is good for; none listed: everything
}

// Anonymous says that nobody knows who calls.
func (c Caller) Anonymous() bool { return !c.Person() && !c.Service() }

// Person says that someone who is logged in calls.
func (c Caller) Person() bool { return c.User != uuid.Nil }

// Service says that the caller holds a service token.
func (c Caller) Service() bool { return c.Client != "" }

// Admin says that the caller is staff or holds a service token. What the token
// is good for has been checked before: see Middleware.
func (c Caller) Admin() bool { return c.Staff || c.Service() }

// Is says that the caller is this person.
func (c Caller) Is(user uuid.UUID) bool { return c.Person() && c.User == user }

// Allows says that the token covers the scope ("likes:read"). A token without
// scopes covers all; scopes say nothing about people, so anyone else is allowed.
func (c Caller) Allows(scope string) bool {
	return len(c.scopes) == 0 || slices.Contains(c.scopes, scope)
}

// Name is the caller for logs: the client's name, "person", or "". Never an id.
func (c Caller) Name() string {
	if c.Person() {
		return "person"
	}
	return c.Client
}

// Require is Unauthenticated for anyone, and nil for a known caller.
func Require(c Caller) error {
	if c.Anonymous() {
		return fault.New(fault.Unauthenticated, detailMissing)
	}
	return nil
}

type contextKey struct{}

// FromContext is the caller that Middleware found; anyone without one.
func FromContext(ctx context.Context) Caller {
	c, _ := ctx.Value(contextKey{}).(Caller)
	return c
}

// NewContext carries the caller. Middleware does this for requests; tests and
// handlers that act for someone do it themselves.
func NewContext(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, contextKey{}, c)
}
