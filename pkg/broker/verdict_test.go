package broker

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestVerdict(t *testing.T) {
	failure := errors.New("no")
	for name, test := range map[string]struct {
		attempt, waits int
		err            error
		want           verdict
	}{
		"the first failure waits a second":       {1, 0, failure, verdict{failed: 1, step: steps[0]}},
		"so does the third":                      {3, 0, failure, verdict{failed: 3, step: steps[0]}},
		"the fourth failure waits longer":        {4, 0, failure, verdict{failed: 4, step: steps[1]}},
		"the delay stops growing":                {9, 0, failure, verdict{failed: 9, step: steps[2]}},
		"the last failure is the end":            {MaxAttempts, 0, failure, verdict{failed: MaxAttempts, dead: true}},
		"what never works ends at once":          {1, 0, Permanent(failure), verdict{failed: 1, dead: true}},
		"wrapping changes nothing":               {1, 0, fmt.Errorf("read: %w", Permanent(failure)), verdict{failed: 1, dead: true}},
		"what is not its fault does not count":   {MaxAttempts, 0, Later(failure), verdict{failed: MaxAttempts - 1, waits: 1, step: steps[0]}},
		"what waits long comes back less often":  {1, 5, Later(failure), verdict{waits: 6, step: steps[1]}},
		"but never seldom, and never for ever":   {1, 999, Later(failure), verdict{waits: 1000, step: steps[1]}},
		"having waited says nothing of failures": {1, 999, failure, verdict{failed: 1, waits: 999, step: steps[0]}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, judge(Delivery{Attempt: test.attempt, waits: test.waits}, test.err))
		})
	}
}
