package pizza

import (
	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
)

// The rights: anyone reads; a person uploads and changes their own; staff and services change all, the house's too.

// permit says whether the caller may change the pizza.
func permit(caller identity.Caller, p Pizza) error {
	if caller.Admin() || p.Creator != nil && caller.Is(*p.Creator) {
		return nil
	}
	return fault.New(fault.Forbidden, "This pizza is somebody else's.")
}

// creator says whose a new pizza is when the caller says this of it. Left unsaid, it is the person's who calls, or the
// house's if a service does; null is the house only to those who may speak for it.
func creator(caller identity.Caller, said Nullable[uuid.UUID]) (*uuid.UUID, error) {
	if err := identity.Require(caller); err != nil {
		return nil, err
	}
	switch {
	case caller.Admin() && said.Said:
		return said.Value, nil
	case said.Value != nil && !caller.Is(*said.Value):
		return nil, fault.New(fault.Forbidden, "A person can upload for nobody else.")
	case caller.Person():
		return &caller.User, nil
	}
	return nil, nil
}
