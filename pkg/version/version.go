// Package version is what a write expects of the version that stands: conditional requests (RFC 9110 section 13)
// without a word about HTTP.
//
// A version is a number that a database gives to a row with every write, and never twice. A condition that is checked
// while nobody else can change the row, in the transaction that does, makes one of many writers of the same version
// win, and the others learn that they were late.
package version

import (
	"slices"

	"github.com/tizza/tizza/pkg/fault"
)

// Condition is what has to hold for a write. All that it says has to; the zero value says nothing.
type Condition struct {
	Match     []int64 // it is there, in one of these versions; nil: any, empty: none will do
	Exist     bool    // it is there, whatever its version
	Absent    bool    // it is not there
	NoneMatch []int64 // it is not there, or in another version than these
}

// On returns nil if a write may go on where something is, in this version, and else PreconditionFailed.
func (c Condition) On(version int64) error {
	switch {
	case c.Absent:
		return fault.New(fault.PreconditionFailed, "There is one already.")
	case c.Match != nil && !slices.Contains(c.Match, version), slices.Contains(c.NoneMatch, version):
		return fault.New(fault.PreconditionFailed, "It has changed since.")
	}
	return nil
}

// OnNothing returns nil if a write may go on where nothing is, and else PreconditionFailed.
func (c Condition) OnNothing() error {
	if c.Exist || c.Match != nil {
		return fault.New(fault.PreconditionFailed, "There is nothing here that could have this version.")
	}
	return nil
}
