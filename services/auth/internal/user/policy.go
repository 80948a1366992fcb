package user

import (
	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
)

// The rights: anyone signs up; a person has all verbs on themselves; staff and services on all. Nobody else makes
// anyone staff.

// Permit says whether the caller may see, change and forget the person. It is asked before the person is looked for,
// so that nobody learns who exists.
func Permit(caller identity.Caller, person uuid.UUID) error {
	if caller.Admin() || caller.Is(person) {
		return nil
	}
	return forbid(caller, "This user is somebody else.")
}

// permitAll says whether the caller may see everybody.
func permitAll(caller identity.Caller) error {
	if caller.Admin() {
		return nil
	}
	return forbid(caller, "Only staff and services see all users.")
}

func forbid(caller identity.Caller, detail string) error {
	if err := identity.Require(caller); err != nil {
		return err
	}
	return fault.New(fault.Forbidden, detail)
}

// standing is whether the user is staff after the caller has said so, or not.
func standing(caller identity.Caller, said *bool, before bool) bool {
	if said == nil || !caller.Admin() {
		return before
	}
	return *said
}
