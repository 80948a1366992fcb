package httpclient

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestInEveryWindowRetriesAreAShareOfTheCalls(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		share := rapid.Float64Range(0, 1).Draw(t, "share")
		now := time.Unix(1_800_000_000, 0)
		var b budget
		calls, retries := map[int64]int{}, map[int64]int{}
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			for range rapid.IntRange(0, 20).Draw(t, "calls") {
				b.call(now)
				calls[now.Unix()]++
			}
			wanted, got := rapid.IntRange(0, 20).Draw(t, "retries"), 0
			for range wanted {
				if b.retry(now, share) {
					retries[now.Unix()]++
					got++
				}
			}
			var windowCalls, windowRetries int
			for second := now.Unix() - budgetWindow + 1; second <= now.Unix(); second++ {
				windowCalls += calls[second]
				windowRetries += retries[second]
			}
			if most := share*float64(windowCalls) + budgetFloor; got > 0 && float64(windowRetries) > most {
				t.Fatalf("%d retries, and at most %.1f were allowed", windowRetries, most)
			} else if got < wanted && float64(windowRetries+1) <= most {
				t.Fatalf("a retry was refused after %d, and %.1f were allowed", windowRetries, most)
			}
		}
	})
}

func TestLatency(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	var l latency
	assert.Zero(t, l.now(now), "nothing is known")

	l.observe(10*time.Millisecond, now)
	assert.InDelta(t, 10e6, l.now(now), 1)
	l.observe(2*time.Second, now)
	assert.InDelta(t, 2e9, l.now(now), 1, "a slow answer counts at once and in full")
	l.observe(10*time.Millisecond, now.Add(time.Millisecond))
	assert.InDelta(t, 2e9, l.now(now.Add(time.Millisecond)), 1e7, "a fast one after it says little")
	assert.Less(t, l.now(now.Add(30*time.Second)), 1e6, "silence forgets")
}
