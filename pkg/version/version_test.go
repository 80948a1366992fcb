package version_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/version"
)

func TestCondition(t *testing.T) {
	t.Parallel()
	const yes, no = true, false
	for _, test := range []struct {
		name                string
		condition           version.Condition
		this, other, absent bool // does it hold on version 7, on another one, where nothing is
	}{
		{"nothing said holds everywhere", version.Condition{}, yes, yes, yes},
		{"a version holds on itself", version.Condition{Match: []int64{7}}, yes, no, no},
		{"one of many will do", version.Condition{Match: []int64{5, 6, 7}}, yes, no, no},
		{"tags that name no version hold nowhere", version.Condition{Match: []int64{}}, no, no, no},
		{"existence holds on any version", version.Condition{Exist: true}, yes, yes, no},
		{"absence holds where nothing is", version.Condition{Absent: true}, no, no, yes},
		{"no match holds on other versions and on nothing", version.Condition{NoneMatch: []int64{7, 9}}, no, yes, yes},
		{"no match with tags that name no version holds", version.Condition{NoneMatch: []int64{}}, yes, yes, yes},
		{"all that is said has to hold", version.Condition{Match: []int64{7, 8}, NoneMatch: []int64{7}}, no, yes, no},
		{"a contradiction holds nowhere", version.Condition{Match: []int64{7}, Absent: true}, no, no, no},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			holds := func(want bool, err error) {
				t.Helper()
				if want {
					assert.NoError(t, err)
				} else {
					assert.True(t, fault.Is(err, fault.PreconditionFailed), "%v", err)
				}
			}
			holds(test.this, test.condition.On(7))
			holds(test.other, test.condition.On(8))
			holds(test.absent, test.condition.OnNothing())
		})
	}
}
