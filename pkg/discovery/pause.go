package discovery

import (
	"context"
	"math/rand/v2"
	"time"
)

// pauseAfter is the pause after that many failures: at most 5 s, with jitter so that
// processes do not come all at once.
func pauseAfter(try int) time.Duration {
	longest := 5 * time.Second
	if try < 6 {
		longest = 100 * time.Millisecond << try
	}
	return longest/2 + rand.N(longest/2)
}

// sleep returns false when ctx ends first.
func sleep(ctx context.Context, duration time.Duration) bool {
	if duration <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
