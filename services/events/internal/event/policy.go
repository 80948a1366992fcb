package event

import (
	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
)

// The rights: anyone reads events; a person creates and changes their own; a person has all verbs on their own
// attendances, and the host reads all of the event's; staff and services have all of it. What is liked most by those
// who come names nobody, so everybody who is known may see it.

// hosts says whether the event is the caller's.
func hosts(caller identity.Caller, e Event) bool { return e.Host != nil && caller.Is(*e.Host) }

// permit says whether the caller may change the event.
func permit(caller identity.Caller, e Event) error {
	if caller.Admin() || hosts(caller, e) {
		return nil
	}
	return fault.New(fault.Forbidden, "This event is somebody else's.")
}

// host says whose a new event is when the caller says this of it. Left unsaid, it is the person's who calls, or the
// house's if a service does; null is the house only to those who may speak for it.
func host(caller identity.Caller, said Nullable[uuid.UUID]) (*uuid.UUID, error) {
	if err := identity.Require(caller); err != nil {
		return nil, err
	}
	switch {
	case caller.Admin() && said.Said:
		return said.Value, nil
	case said.Value != nil && !caller.Is(*said.Value):
		return nil, fault.New(fault.Forbidden, "A person can host for nobody else.")
	case caller.Person():
		return &caller.User, nil
	}
	return nil, nil
}

// answerFor says whether the caller may say whether this person comes.
func answerFor(caller identity.Caller, user uuid.UUID) error {
	if caller.Admin() || caller.Is(user) {
		return nil
	}
	return fault.New(fault.Forbidden, "A person can answer for nobody else.")
}

// readAnswer says whether the caller may see whether this person comes to the event.
func readAnswer(caller identity.Caller, e Event, user uuid.UUID) error {
	if hosts(caller, e) || answerFor(caller, user) == nil {
		return nil
	}
	return fault.New(fault.Forbidden, "Only the host sees who else comes.")
}

// whose limits the event's attendances to those that the caller may see: one person's, or with nil all.
func whose(caller identity.Caller, e Event) (*uuid.UUID, error) {
	if err := identity.Require(caller); err != nil {
		return nil, err
	}
	if caller.Admin() || hosts(caller, e) {
		return nil, nil
	}
	return &caller.User, nil
}
