package httpclient

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	budgetWindow = 10 // seconds that count
	budgetFloor  = 3  // retries per window that even a quiet client may make
)

// budget keeps retries from multiplying what a failing service has to bear: in
// every window they are at most a share of the calls, plus budgetFloor. Calls
// are counted without a lock; retries are rare and are decided one at a time.
type budget struct {
	mu      sync.Mutex
	seconds [budgetWindow]second
}

type second struct {
	at      atomic.Int64 // Unix seconds
	calls   atomic.Int64
	retries atomic.Int64
}

// call counts a first attempt.
func (b *budget) call(now time.Time) { b.now(now).calls.Add(1) }

// retry counts a further attempt, or says that there is no budget for it.
func (b *budget) retry(now time.Time, share float64) bool {
	this := b.now(now)
	b.mu.Lock()
	defer b.mu.Unlock()
	var calls, retries int64
	for i := range b.seconds {
		if s := &b.seconds[i]; now.Unix()-s.at.Load() < budgetWindow {
			calls += s.calls.Load()
			retries += s.retries.Load()
		}
	}
	if float64(retries+1) > share*float64(calls)+budgetFloor {
		return false
	}
	this.retries.Add(1)
	return true
}

// now is the second's own counters, emptied of what they held a window ago.
func (b *budget) now(now time.Time) *second {
	at := now.Unix()
	s := &b.seconds[at%budgetWindow]
	if s.at.Load() >= at {
		return s
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.at.Load() < at {
		s.calls.Store(0)
		s.retries.Store(0)
		s.at.Store(at)
	}
	return s
}
