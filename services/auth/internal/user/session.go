package user

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/version"
)

// errLogin is the same for everything that can be wrong with a login: it tells nobody who exists.
var errLogin = fault.New(fault.Unauthenticated, "Wrong username or password.")

// LogIn begins a session. For an unknown user it takes as long, and says the same, as for a wrong password.
func (s *Service) LogIn(ctx context.Context, username, password string) (Session, error) {
	u, err := s.store.ByUsername(ctx, username)
	if err != nil && !fault.Is(err, fault.KindNotFound) {
		return Session{}, err
	}
	if !lengthAllowed(password) { // it is nobody's, and not worth hashing: an empty one costs the same time
		u, password = User{}, ""
	}
	matches, err := s.passwords.Match(ctx, u.PasswordHash, password)
	if err != nil {
		return Session{}, err
	}
	if !matches {
		return Session{}, errLogin
	}
	session := Session{
		ID: uuid.New(), User: u.ID, Staff: u.Staff,
		ExpiresAt: s.now().UTC().Add(s.sessionTTL).Truncate(time.Second),
	}
	session, err = s.store.AddSession(ctx, u, session)
	if fault.Is(err, fault.KindNotFound) || fault.Is(err, fault.Gone) {
		return Session{}, errLogin // they went, or changed the password, while it was being compared
	}
	return session, err
}

// Check is an identity.Check: it returns Unauthenticated for a session that has ended.
func (s *Service) Check(ctx context.Context, sealed identity.Session) error {
	session, err := s.store.Session(ctx, sealed.ID)
	if fault.Is(err, fault.KindNotFound) || err == nil && session.User != sealed.User {
		return fault.New(fault.Unauthenticated, "This session has ended.")
	}
	return err
}

// Current is the session that the caller is in. It returns NotFound for a caller who came without one.
func (s *Service) Current(ctx context.Context, caller identity.Caller) (Session, error) {
	if err := inSession(caller); err != nil {
		return Session{}, err
	}
	return s.store.Session(ctx, caller.Session)
}

// LogOut ends the session that the caller is in. It returns NotFound for a caller who came without one.
func (s *Service) LogOut(ctx context.Context, caller identity.Caller, condition version.Condition) error {
	if err := inSession(caller); err != nil {
		return err
	}
	if err := condition.On(Session{ID: caller.Session}.Version()); err != nil {
		return err
	}
	return s.store.EndSession(ctx, caller.Session)
}

// LogOutEverywhere ends all sessions of a person. All of them together have no version, so the condition is about the
// user's.
func (s *Service) LogOutEverywhere(ctx context.Context, caller identity.Caller, person uuid.UUID, condition version.Condition) error {
	if err := Permit(caller, person); err != nil {
		return err
	}
	return s.store.EndSessions(ctx, person, condition)
}

func inSession(caller identity.Caller) error {
	if caller.Service() {
		return fault.NotFound()
	}
	return identity.Require(caller)
}
