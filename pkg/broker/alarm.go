package broker

import "sync"

// alarm is whether the broker blocks publishers at the moment, because its memory or disk runs out.
type alarm struct {
	mu sync.Mutex
	up chan struct{} // closed while it is on
}

func newAlarm() alarm { return alarm{up: make(chan struct{})} }

func (a *alarm) set(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case on && !a.isUp():
		close(a.up)
	case !on && a.isUp():
		a.up = make(chan struct{})
	}
}

func (a *alarm) isUp() bool {
	select {
	case <-a.up:
		return true
	default:
		return false
	}
}

// raised is closed when the alarm is on.
func (a *alarm) raised() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.up
}

func (a *alarm) on() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.isUp()
}
