package like

import (
	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
)

// The rights: a person has all verbs on their own likes; staff and services on all. Counts are for anyone.

// permit says whether the caller may see and change the like.
func permit(caller identity.Caller, l Like) error {
	if caller.Admin() || caller.Is(l.User) {
		return nil
	}
	return fault.New(fault.Forbidden, "This like is somebody else's.")
}

// author says whose like a caller makes who asks for user's.
func author(caller identity.Caller, user *uuid.UUID) (uuid.UUID, error) {
	switch {
	case user == nil && caller.Person():
		return caller.User, nil
	case user == nil:
		return uuid.Nil, fault.Invalid(fault.Field{Field: "user", Detail: "is required from a service"})
	case caller.Admin() || caller.Is(*user):
		return *user, nil
	}
	return uuid.Nil, fault.New(fault.Forbidden, "A person can like for nobody else.")
}

// narrow limits a list to what the caller may see.
func narrow(caller identity.Caller, filter Filter) (Filter, error) {
	if caller.Admin() {
		return filter, nil
	}
	if filter.User != nil && !caller.Is(*filter.User) {
		return Filter{}, fault.New(fault.Forbidden, "A person sees nobody else's likes.")
	}
	filter.User = &caller.User
	return filter, nil
}
