package user_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/services/auth/internal/user"
)

// write is one of the ways to change a user, or what hangs on them.
type write struct {
	name string
	do   func(s *user.Service, by identity.Caller, id uuid.UUID, condition version.Condition) error
}

func writes(t *testing.T) []write {
	return []write{
		{"put", func(s *user.Service, by identity.Caller, id uuid.UUID, condition version.Condition) error {
			_, _, err := s.Put(t.Context(), by, id, whole(), condition)
			return err
		}},
		{"change", func(s *user.Service, by identity.Caller, id uuid.UUID, condition version.Condition) error {
			_, err := s.Change(t.Context(), by, id, whole(), condition)
			return err
		}},
		{"log out everywhere", func(s *user.Service, by identity.Caller, id uuid.UUID, condition version.Condition) error {
			return s.LogOutEverywhere(t.Context(), by, id, condition)
		}},
	}
}

func TestAWriteGoesOnOnlyIfItsConditionHolds(t *testing.T) {
	for _, write := range writes(t) {
		u := ada()
		s, m, _ := newService(u)
		before := m.users[u.ID]
		for name, condition := range map[string]version.Condition{
			"another version": {Match: []int64{before.Version + 1}},
			"nobody there":    {Absent: true},
			"not this one":    {NoneMatch: []int64{before.Version}},
		} {
			kind(t, fault.PreconditionFailed, write.do(s, person(u), u.ID, condition))
			assert.Equal(t, before, m.users[u.ID], "%s: %s", write.name, name)
		}
		assert.NoError(t, write.do(s, person(u), u.ID, version.Condition{Match: []int64{before.Version}}), write.name)
	}
}

func TestWhoMayNotIsNotToldOfVersions(t *testing.T) {
	u := ada()
	stale := version.Condition{Match: []int64{17}}
	for _, write := range writes(t) {
		s, _, _ := newService(u)
		kind(t, fault.Forbidden, write.do(s, person(ada()), u.ID, stale))
		kind(t, fault.Unauthenticated, write.do(s, anyone, u.ID, stale))
	}
}

func TestWhereNobodyIsOnlyAPutCanBeConditional(t *testing.T) {
	for name, condition := range map[string]version.Condition{
		"a version": {Match: []int64{17}}, "anybody": {Exist: true}, "nobody": {Absent: true}, "not this one": {NoneMatch: []int64{17}},
	} {
		s, m, _ := newService()
		for _, write := range writes(t)[1:] {
			kind(t, fault.KindNotFound, write.do(s, operator, uuid.New(), condition))
		}
		_, created, err := s.Put(t.Context(), operator, uuid.New(), whole(), condition)
		if condition.OnNothing() != nil {
			kind(t, fault.PreconditionFailed, err)
			assert.Empty(t, m.users, name)
			continue
		}
		require.NoError(t, err, name)
		assert.True(t, created, name)
	}
}

func TestASessionIsItsOwnOnlyVersion(t *testing.T) {
	u := ada()
	s, m, _ := newService(u)
	session, err := s.LogIn(t.Context(), "ada", "old password")
	require.NoError(t, err)
	another, err := s.LogIn(t.Context(), "ada", "old password")
	require.NoError(t, err)
	assert.Positive(t, session.Version())
	assert.NotEqual(t, session.Version(), another.Version())

	caller := identity.Caller{User: u.ID, Session: session.ID}
	kind(t, fault.PreconditionFailed, s.LogOut(t.Context(), caller, version.Condition{Match: []int64{another.Version()}}))
	assert.Contains(t, m.sessions, session.ID)
	require.NoError(t, s.LogOut(t.Context(), caller, version.Condition{Match: []int64{session.Version()}}))
	assert.NotContains(t, m.sessions, session.ID)
}
