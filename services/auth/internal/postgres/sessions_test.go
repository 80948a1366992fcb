package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/services/auth/internal/user"
)

func (w *world) running(s user.Session) bool {
	w.Helper()
	found, err := w.users.Session(w.ctx(), s.ID)
	if fault.Is(err, fault.KindNotFound) {
		return false
	}
	require.NoError(w, err)
	assert.Equal(w, s, found)
	return true
}

func TestASessionRunsUntilItIsEnded(t *testing.T) {
	w := newWorld(t)
	s := w.session(w.person("ada"))
	assert.False(t, s.CreatedAt.IsZero())
	require.True(t, w.running(s))
	require.NoError(t, w.users.EndSession(w.ctx(), s.ID))
	assert.False(t, w.running(s))
	require.NoError(t, w.users.EndSession(w.ctx(), s.ID), "a second time")
}

func TestASessionThatHasExpiredIsOverAndIsClearedAwayByTheNext(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	old, err := w.users.AddSession(w.ctx(), ada, user.Session{ID: uuid.New(), User: ada.ID, ExpiresAt: time.Now().Add(-time.Minute)})
	require.NoError(t, err)
	assert.False(t, w.running(old))
	w.session(ada)
	assert.Equal(t, 1, w.count("sessions"))
}

func TestEndingAllSessionsEndsThePersonsOnly(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	first, second, other := w.session(ada), w.session(ada), w.session(bob)
	stale(t, w.users.EndSessions(w.ctx(), ada.ID, version.Condition{Match: []int64{bob.Version}}))
	require.True(t, w.running(first))
	require.NoError(t, w.users.EndSessions(w.ctx(), ada.ID, whatever))
	assert.False(t, w.running(first))
	assert.False(t, w.running(second))
	assert.True(t, w.running(other))
}

func TestAnEditCanEndAllSessionsButOne(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	kept, ended, other := w.session(ada), w.session(ada), w.session(bob)
	_, err := w.users.Change(w.ctx(), ada.ID, func(u user.User) (user.Edit, error) {
		u.PasswordHash = "new"
		return user.Edit{User: u, EndSessions: true, Keep: kept.ID}, nil
	})
	require.NoError(t, err)
	assert.True(t, w.running(kept))
	assert.False(t, w.running(ended))
	assert.True(t, w.running(other))
}

func TestAPasswordThatWasChangedMeanwhileBeginsNoSession(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	_, err := w.users.Change(w.ctx(), ada.ID, func(u user.User) (user.Edit, error) {
		u.PasswordHash = "new"
		return user.Edit{User: u, EndSessions: true}, nil
	})
	require.NoError(t, err)
	_, err = w.users.AddSession(w.ctx(), ada, user.Session{ID: uuid.New(), ExpiresAt: time.Now().Add(time.Hour)})
	assert.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
}
