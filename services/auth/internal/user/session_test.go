package user_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
)

func TestALoginBeginsASession(t *testing.T) {
	u := ada()
	u.Staff = true
	s, m, _ := newService(u)
	before := time.Now()
	session, err := s.LogIn(t.Context(), "ada", "old password")
	require.NoError(t, err)
	assert.Equal(t, u.ID, session.User)
	assert.True(t, session.Staff)
	assert.WithinDuration(t, before.Add(ttl), session.ExpiresAt, 2*time.Second)
	assert.Zero(t, session.ExpiresAt.Nanosecond())
	assert.Contains(t, m.sessions, session.ID)
}

func TestAFailedLoginSaysTheSameAndCostsTheSameWhateverIsWrong(t *testing.T) {
	u := ada()
	s, m, passwords := newService(u)
	_, wrong := s.LogIn(t.Context(), "ada", "another password")
	_, unknown := s.LogIn(t.Context(), "nobody", "old password")
	_, short := s.LogIn(t.Context(), "ada", "")
	_, long := s.LogIn(t.Context(), "ada", strings.Repeat("x", 100_000))
	m.refuse = fault.New(fault.Gone, "This person has been erased.")
	_, erased := s.LogIn(t.Context(), "ada", "old password")
	m.refuse, m.meddle = nil, func() { delete(m.users, u.ID) }
	_, gone := s.LogIn(t.Context(), "ada", "old password")
	for _, err := range []error{wrong, unknown, short, long, erased, gone} {
		kind(t, fault.Unauthenticated, err)
		assert.Equal(t, wrong.Error(), err.Error())
	}
	assert.Len(t, passwords.asked, 6, "one hashing each")
	assert.Equal(t, []string{"match  old password", "match  ", "match  "}, passwords.asked[1:4])
	assert.False(t, slices.ContainsFunc(passwords.asked, func(s string) bool { return len(s) > 1000 }))
}

func TestASessionThatHasEndedDoesNotCount(t *testing.T) {
	u := ada()
	s, _, _ := newService(u)
	session, err := s.LogIn(t.Context(), "ada", "old password")
	require.NoError(t, err)
	sealed := identity.Session{ID: session.ID, User: u.ID}
	require.NoError(t, s.Check(t.Context(), sealed))
	kind(t, fault.Unauthenticated, s.Check(t.Context(), identity.Session{ID: session.ID, User: uuid.New()}))

	caller := identity.Caller{User: u.ID, Session: session.ID}
	current, err := s.Current(t.Context(), caller)
	require.NoError(t, err)
	assert.Equal(t, session, current)
	require.NoError(t, s.LogOut(t.Context(), caller, whatever))
	kind(t, fault.Unauthenticated, s.Check(t.Context(), sealed))
}

func TestOnlyAPersonIsInASession(t *testing.T) {
	s, _, _ := newService()
	_, err := s.Current(t.Context(), operator)
	kind(t, fault.KindNotFound, err)
	kind(t, fault.KindNotFound, s.LogOut(t.Context(), operator, whatever))
	_, err = s.Current(t.Context(), anyone)
	kind(t, fault.Unauthenticated, err)
	kind(t, fault.Unauthenticated, s.LogOut(t.Context(), anyone, whatever))
}
