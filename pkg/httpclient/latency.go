package httpclient

import (
	"math"
	"sync"
	"time"
)

// How fast a target's slowness is forgotten, below what differences say nothing,
// and as how slow a failure counts.
const (
	forgetting     = 3 * time.Second
	noise          = float64(time.Millisecond)
	failurePenalty = time.Second
)

// latency is a peak-sensitive moving average: a slow answer counts at once and
// in full, fast ones bring it down slowly, and so does silence, so that a target
// that was slow is tried again. The zero value knows nothing.
type latency struct {
	mu    sync.Mutex
	value float64 // nanoseconds, at the time
	at    time.Time
}

func (l *latency) observe(took time.Duration, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	weight := l.weight(now)
	if float64(took) > l.value*weight {
		l.value = float64(took)
	} else {
		l.value = l.value*weight + float64(took)*(1-weight)
	}
	l.at = now
}

// atLeast hears of a request that took longer than that.
func (l *latency) atLeast(took time.Duration, now time.Time) {
	if float64(took) > l.now(now) {
		l.observe(took, now)
	}
}

func (l *latency) weight(now time.Time) float64 {
	return math.Exp(-max(now.Sub(l.at).Seconds(), 0) / forgetting.Seconds())
}

// now is the average, faded by the time in which nothing was heard.
func (l *latency) now(now time.Time) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.value == 0 {
		return 0
	}
	return l.value * l.weight(now)
}

func (l *latency) set(value float64, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.value, l.at = value, now
}
