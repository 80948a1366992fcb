package user_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/services/auth/internal/user"
)

func TestOnlyStaffAndServicesMakeStaff(t *testing.T) {
	boss := ada()
	boss.Staff = true
	for _, test := range []struct {
		name   string
		caller identity.Caller
		staff  bool
	}{{"anyone", anyone, false}, {"a person", person(ada()), false}, {"staff", person(boss), true}, {"a service", operator, true}} {
		s, _, _ := newService()
		draft := whole()
		draft.Staff = new(true)
		u, err := s.SignUp(t.Context(), test.caller, draft)
		require.NoError(t, err)
		assert.Equal(t, test.staff, u.Staff, "%s signs up", test.name)
	}
	u := ada()
	for _, said := range []bool{true, false} {
		u.Staff = !said
		s, _, _ := newService(u)
		self := identity.Caller{User: u.ID}
		draft := whole()
		draft.Staff = &said
		changed, err := s.Change(t.Context(), self, u.ID, draft, whatever)
		require.NoError(t, err)
		assert.Equal(t, u.Staff, changed.Staff, "own change")
		replaced, _, err := s.Put(t.Context(), self, u.ID, draft, whatever)
		require.NoError(t, err)
		assert.Equal(t, u.Staff, replaced.Staff, "own replacement")
		changed, err = s.Change(t.Context(), operator, u.ID, draft, whatever)
		require.NoError(t, err)
		assert.Equal(t, said, changed.Staff, "a service's change")
	}
}

func TestRights(t *testing.T) {
	boss := ada()
	boss.Staff = true
	target, other := ada(), ada()
	const (
		allowed   = fault.Internal
		forbidden = fault.Forbidden
		unknown   = fault.Unauthenticated
	)
	callers := []struct {
		name       string
		caller     identity.Caller
		self, list fault.Kind
	}{
		{"anyone", anyone, unknown, unknown},
		{"the person", person(target), allowed, forbidden},
		{"somebody else", person(other), forbidden, forbidden},
		{"staff", person(boss), allowed, allowed},
		{"a service", operator, allowed, allowed},
	}
	for _, test := range callers {
		s, _, passwords := newService(target)
		check := func(what string, want fault.Kind, err error) {
			t.Helper()
			if want == allowed {
				assert.NoError(t, err, "%s: %s", test.name, what)
			} else {
				assert.True(t, fault.Is(err, want), "%s: %s: %v", test.name, what, err)
			}
		}
		_, err := s.Get(t.Context(), test.caller, target.ID)
		check("get", test.self, err)
		_, err = s.Version(t.Context(), test.caller, target.ID)
		check("version", test.self, err)
		_, err = s.Change(t.Context(), test.caller, target.ID, whole(), whatever)
		check("change", test.self, err)
		_, _, err = s.Put(t.Context(), test.caller, target.ID, whole(), whatever)
		check("put", test.self, err)
		check("log out everywhere", test.self, s.LogOutEverywhere(t.Context(), test.caller, target.ID, whatever))
		_, err = s.List(t.Context(), test.caller, page.Window{Limit: 1})
		check("list", test.list, err)
		if test.self != allowed {
			assert.Empty(t, passwords.asked, "%s: nothing is hashed for who may not", test.name)
		}
	}
}

func TestOnlyStaffAndServicesPutWhereNobodyIs(t *testing.T) {
	s, m, _ := newService()
	id := uuid.New()
	_, _, err := s.Put(t.Context(), identity.Caller{User: id}, id, whole(), whatever)
	kind(t, fault.KindNotFound, err)
	u, created, err := s.Put(t.Context(), operator, id, whole(), whatever)
	require.NoError(t, err)
	assert.True(t, created)
	assert.Equal(t, user.User{ID: id, Username: "lovelace", Email: "l@example.org", PasswordHash: "#new password", Version: 1}, u)
	assert.Equal(t, u, m.users[id])
	_, _, err = s.Put(t.Context(), operator, uuid.Nil, whole(), whatever)
	kind(t, fault.KindInvalid, err)
}

func TestAPasswordIsNeededToCreateAndStaysOtherwise(t *testing.T) {
	u := ada()
	s, m, _ := newService(u)
	draft := whole()
	draft.Password = nil
	for _, create := range []func() error{
		func() error { _, err := s.SignUp(t.Context(), anyone, draft); return err },
		func() error { _, _, err := s.Put(t.Context(), operator, uuid.New(), draft, whatever); return err },
	} {
		err := create()
		kind(t, fault.KindInvalid, err)
		assert.Equal(t, []fault.Field{{Field: "password", Detail: "is required"}}, fault.From(err).Fields)
	}
	replaced, created, err := s.Put(t.Context(), person(u), u.ID, draft, whatever)
	require.NoError(t, err)
	assert.False(t, created)
	assert.Equal(t, u.PasswordHash, replaced.PasswordHash)
	assert.Equal(t, "lovelace", replaced.Username)
	assert.False(t, m.edit.EndSessions)
}

func TestAllThatIsMissingIsNamedAtOnce(t *testing.T) {
	s, _, _ := newService()
	_, err := s.SignUp(t.Context(), anyone, user.Draft{})
	kind(t, fault.KindInvalid, err)
	assert.Len(t, fault.From(err).Fields, 3)
}

func TestALengthThatIsNotAllowedIsNotHashed(t *testing.T) {
	u := ada()
	s, _, passwords := newService(u)
	for _, password := range []string{"", "1234567", strings.Repeat("ä", 129)} {
		_, err := s.Change(t.Context(), person(u), u.ID, user.Draft{Password: &password}, whatever)
		kind(t, fault.KindInvalid, err)
	}
	assert.Empty(t, passwords.asked)
	for _, password := range []string{"12345678", strings.Repeat("ä", 128)} {
		_, err := s.Change(t.Context(), person(u), u.ID, user.Draft{Password: &password}, whatever)
		assert.NoError(t, err)
	}
}

func TestANewPasswordEndsTheOtherSessions(t *testing.T) {
	u := ada()
	s, m, _ := newService(u)
	self := person(u)
	_, err := s.Change(t.Context(), self, u.ID, user.Draft{Password: new("new password")}, whatever)
	require.NoError(t, err)
	assert.True(t, m.edit.EndSessions)
	assert.Equal(t, self.Session, m.edit.Keep)
	_, err = s.Change(t.Context(), self, u.ID, user.Draft{Email: new("other@example.org")}, whatever)
	require.NoError(t, err)
	assert.False(t, m.edit.EndSessions)
}

func TestThePasswordThatOneHasChangesNothing(t *testing.T) {
	u := ada()
	s, m, _ := newService(u)
	draft := user.Draft{Username: &u.Username, Email: &u.Email, Password: new("new password")}
	first, _, err := s.Put(t.Context(), operator, u.ID, draft, whatever)
	require.NoError(t, err)
	require.True(t, m.edit.EndSessions)
	second, _, err := s.Put(t.Context(), operator, u.ID, draft, whatever)
	require.NoError(t, err)
	assert.Equal(t, first.PasswordHash, second.PasswordHash)
	assert.False(t, m.edit.EndSessions)
	_, err = s.Change(t.Context(), person(u), u.ID, user.Draft{Password: new("new password")}, whatever)
	require.NoError(t, err)
	assert.False(t, m.edit.EndSessions)
}

func TestAnotherStandingEndsAllSessions(t *testing.T) {
	u := ada()
	u.Staff = true
	s, m, _ := newService(u)
	_, err := s.Change(t.Context(), person(u), u.ID, user.Draft{Staff: new(false), Password: new("new password")}, whatever)
	require.NoError(t, err)
	assert.True(t, m.edit.EndSessions)
	assert.Equal(t, uuid.Nil, m.edit.Keep)
}
