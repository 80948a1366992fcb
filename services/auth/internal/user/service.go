package user

import (
	"cmp"
	"context"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
)

// Service is what callers can do with users and sessions.
type Service struct {
	store      Store
	passwords  Passwords
	sessionTTL time.Duration
	now        func() time.Time
}

// NewService makes the service of a store and of what knows passwords. Sessions last for sessionTTL.
func NewService(store Store, passwords Passwords, sessionTTL time.Duration) *Service {
	return &Service{store: store, passwords: passwords, sessionTTL: sessionTTL, now: time.Now}
}

// SignUp makes a user. It returns Conflict if the username is taken.
func (s *Service) SignUp(ctx context.Context, caller identity.Caller, draft Draft) (User, error) {
	if err := draft.whole(true); err != nil {
		return User{}, err
	}
	hash, err := s.hash(ctx, draft.Password)
	if err != nil {
		return User{}, err
	}
	u := User{ID: uuid.New(), Username: *draft.Username, Email: *draft.Email, PasswordHash: hash}
	u.Staff = standing(caller, draft.Staff, false)
	return s.store.Add(ctx, u)
}

// Put replaces a user; where there is none, staff and services create one with this id. Without a password the old
// one stays.
func (s *Service) Put(ctx context.Context, caller identity.Caller, id uuid.UUID, draft Draft, condition version.Condition) (User, bool, error) {
	if err := Permit(caller, id); err != nil {
		return User{}, false, err
	}
	if id == uuid.Nil {
		return User{}, false, fault.Invalid(fault.Field{Field: "uuid", Detail: "must not be zero"})
	}
	if err := draft.whole(false); err != nil {
		return User{}, false, err
	}
	hash, err := s.rehash(ctx, id, draft.Password)
	if err != nil {
		return User{}, false, err
	}
	if draft.Staff == nil {
		draft.Staff = new(false) // a whole user who does not say so is no staff
	}
	return s.store.Put(ctx, id, func(old *User) (Edit, error) {
		switch {
		case old != nil:
			return edit(caller, *old, draft, hash), condition.On(old.Version)
		case !caller.Admin():
			return Edit{}, fault.NotFound()
		case hash == "":
			return Edit{}, cmp.Or(condition.OnNothing(), error(errPasswordMissing))
		}
		return edit(caller, User{ID: id}, draft, hash), condition.OnNothing()
	})
}

// Change merges the draft into a user.
func (s *Service) Change(ctx context.Context, caller identity.Caller, id uuid.UUID, draft Draft, condition version.Condition) (User, error) {
	if err := Permit(caller, id); err != nil {
		return User{}, err
	}
	hash, err := s.rehash(ctx, id, draft.Password)
	if err != nil {
		return User{}, err
	}
	return s.store.Change(ctx, id, func(old User) (Edit, error) { return edit(caller, old, draft, hash), condition.On(old.Version) })
}

// edit merges the draft and the hash of its password, if it has one, into the user. A new password ends the sessions
// that the old one may have begun, but for the caller's; another standing ends all, as each carries the old one.
func edit(caller identity.Caller, old User, draft Draft, hash string) Edit {
	e := Edit{User: old}
	if draft.Username != nil {
		e.User.Username = *draft.Username
	}
	if draft.Email != nil {
		e.User.Email = *draft.Email
	}
	if hash != "" && hash != old.PasswordHash {
		e.User.PasswordHash, e.EndSessions, e.Keep = hash, true, caller.Session
	}
	if e.User.Staff = standing(caller, draft.Staff, old.Staff); e.User.Staff != old.Staff {
		e.EndSessions, e.Keep = true, uuid.Nil
	}
	return e
}

// Get reads a user.
func (s *Service) Get(ctx context.Context, caller identity.Caller, id uuid.UUID) (User, error) {
	if err := Permit(caller, id); err != nil {
		return User{}, err
	}
	return s.store.Get(ctx, id)
}

// Version is that of the user.
func (s *Service) Version(ctx context.Context, caller identity.Caller, id uuid.UUID) (int64, error) {
	if err := Permit(caller, id); err != nil {
		return 0, err
	}
	return s.store.Version(ctx, id)
}

// List reads a window of the users.
func (s *Service) List(ctx context.Context, caller identity.Caller, window page.Window) (page.Result[User], error) {
	if err := permitAll(caller); err != nil {
		return page.Result[User]{}, err
	}
	return s.store.List(ctx, window)
}

// The length of a password in characters. The upper bound keeps hashing from being given more to chew than a person
// would type.
const (
	minPassword = 8
	maxPassword = 128
)

var errPasswordMissing = fault.Invalid(fault.Field{Field: "password", Detail: "is required"})

// hash is "" for no password. Its length is looked at before anything costly is done with it.
func (s *Service) hash(ctx context.Context, password *string) (string, error) {
	if password == nil {
		return "", nil
	}
	if !lengthAllowed(*password) {
		return "", fault.Invalid(fault.Field{Field: "password", Detail: "must have 8 to 128 characters"})
	}
	return s.passwords.Hash(ctx, *password)
}

// rehash is the hash that the user has, if the password is theirs already: the same twice leaves one state, and ends no
// session.
func (s *Service) rehash(ctx context.Context, id uuid.UUID, password *string) (string, error) {
	if password != nil && lengthAllowed(*password) {
		u, err := s.store.Get(ctx, id)
		if err != nil && !fault.Is(err, fault.KindNotFound) {
			return "", err
		}
		if err == nil {
			same, err := s.passwords.Match(ctx, u.PasswordHash, *password)
			if err != nil || same {
				return u.PasswordHash, err
			}
		}
	}
	return s.hash(ctx, password)
}

func lengthAllowed(password string) bool {
	length := utf8.RuneCountInString(password)
	return length >= minPassword && length <= maxPassword
}

// whole says what is missing from a draft that has to say everything.
func (d Draft) whole(withPassword bool) error {
	var missing []fault.Field
	for _, required := range []struct {
		name  string
		value *string
		asked bool
	}{{"username", d.Username, true}, {"email", d.Email, true}, {"password", d.Password, withPassword}} {
		if required.asked && required.value == nil {
			missing = append(missing, fault.Field{Field: required.name, Detail: "is required"})
		}
	}
	if len(missing) > 0 {
		return fault.Invalid(missing...)
	}
	return nil
}
