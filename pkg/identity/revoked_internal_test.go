package identity

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
)

func TestRevocationsAreForgottenWhenTheirCookiesHaveEnded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a := &Authenticator{now: func() time.Time { return now }}
	for range sweepEvery / 2 {
		a.Revoke(uuid.New(), now.Add(time.Minute))
	}
	old := uuid.New()
	a.Revoke(old, now)
	assert.False(t, a.revoked.has(old), "it has ended by itself")
	now = now.Add(time.Hour)
	for range sweepEvery / 2 {
		a.Revoke(uuid.New(), now.Add(time.Minute))
	}
	assert.Len(t, a.revoked.until, sweepEvery/2)
}
