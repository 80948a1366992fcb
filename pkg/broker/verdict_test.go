package broker

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestVerdict(t *testing.T) {
	failure := errors.New("no")
	for name, test := range map[string]struct {
		attempt    int
		err        error
		wantFailed int
		least      time.Duration
		most       time.Duration
		dead       bool
	}{
		"the first failure waits a second":     {attempt: 1, err: failure, wantFailed: 1, least: 750 * time.Millisecond, most: time.Second},
		"the fourth failure waits longer":      {attempt: 4, err: failure, wantFailed: 4, least: 6 * time.Second, most: 8 * time.Second},
		"the delay stops growing":              {attempt: 9, err: failure, wantFailed: 9, least: 22 * time.Second, most: 30 * time.Second},
		"the last failure is the end":          {attempt: MaxAttempts, err: failure, wantFailed: MaxAttempts, dead: true},
		"what never works ends at once":        {attempt: 1, err: Permanent(failure), wantFailed: 1, dead: true},
		"wrapping changes nothing":             {attempt: 1, err: fmt.Errorf("read: %w", Permanent(failure)), wantFailed: 1, dead: true},
		"what is not its fault does not count": {attempt: MaxAttempts, err: Later(failure), wantFailed: MaxAttempts - 1, least: time.Second, most: 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			failed, delay, dead := verdict(test.attempt, test.err)
			assert.Equal(t, test.wantFailed, failed)
			assert.Equal(t, test.dead, dead)
			assert.GreaterOrEqual(t, delay, test.least)
			assert.LessOrEqual(t, delay, test.most)
		})
	}
}
