package identity

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

// sweepEvery is how many revocations come between two looks for those that nobody has to remember any longer.
const sweepEvery = 1000

// revocations are sessions that have ended before their cookies do.
type revocations struct {
	mu    sync.RWMutex
	until map[uuid.UUID]time.Time
	added int
}

// Revoke ends a session in this process: its cookie opens nothing any more. It is remembered until the cookie would have
// ended by itself, or the process has: who starts anew has to be told again.
func (a *Authenticator) Revoke(session uuid.UUID, expires time.Time) {
	now := a.now()
	if !expires.After(now) {
		return
	}
	r := &a.revoked
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until == nil {
		r.until = map[uuid.UUID]time.Time{}
	}
	r.until[session] = expires
	if r.added++; r.added%sweepEvery == 0 {
		for id, until := range r.until {
			if !until.After(now) {
				delete(r.until, id)
			}
		}
	}
}

func (r *revocations) has(session uuid.UUID) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, revoked := r.until[session]
	return revoked
}
