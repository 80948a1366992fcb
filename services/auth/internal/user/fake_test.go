package user_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/services/auth/internal/user"
)

// memory is a user.Store for one test at a time. A version is the number of the write.
type memory struct {
	writes   int64
	users    map[uuid.UUID]user.User
	sessions map[uuid.UUID]user.Session
	edit     user.Edit // the last one
	meddle   func()    // runs before a session is added
	refuse   error     // to add a session
}

func (m *memory) Add(_ context.Context, u user.User) (user.User, error) {
	return m.write(u), nil
}

func (m *memory) write(u user.User) user.User {
	m.writes++
	u.Version = m.writes
	m.users[u.ID] = u
	return u
}

func (m *memory) Put(_ context.Context, id uuid.UUID, edit func(*user.User) (user.Edit, error)) (user.User, bool, error) {
	var old *user.User
	if u, exists := m.users[id]; exists {
		old = &u
	}
	e, err := edit(old)
	if err != nil {
		return e.User, false, err
	}
	m.edit = e
	return m.write(e.User), old == nil, nil
}

func (m *memory) Change(ctx context.Context, id uuid.UUID, edit func(user.User) (user.Edit, error)) (user.User, error) {
	if _, exists := m.users[id]; !exists {
		return user.User{}, fault.NotFound()
	}
	u, _, err := m.Put(ctx, id, func(old *user.User) (user.Edit, error) { return edit(*old) })
	return u, err
}

func (m *memory) Get(_ context.Context, id uuid.UUID) (user.User, error) {
	if u, exists := m.users[id]; exists {
		return u, nil
	}
	return user.User{}, fault.NotFound()
}

func (m *memory) Version(ctx context.Context, id uuid.UUID) (int64, error) {
	u, err := m.Get(ctx, id)
	return u.Version, err
}

func (m *memory) ByUsername(_ context.Context, username string) (user.User, error) {
	for _, u := range m.users {
		if u.Username == username {
			return u, nil
		}
	}
	return user.User{}, fault.NotFound()
}

func (m *memory) List(context.Context, page.Window) (page.Result[user.User], error) {
	return page.Result[user.User]{Count: int64(len(m.users))}, nil
}

func (m *memory) AddSession(_ context.Context, u user.User, s user.Session) (user.Session, error) {
	if m.meddle != nil {
		m.meddle()
	}
	if m.refuse != nil {
		return user.Session{}, m.refuse
	}
	if m.users[u.ID].PasswordHash != u.PasswordHash {
		return user.Session{}, fault.NotFound()
	}
	m.sessions[s.ID] = s
	return s, nil
}

func (m *memory) Session(_ context.Context, id uuid.UUID) (user.Session, error) {
	if s, exists := m.sessions[id]; exists {
		return s, nil
	}
	return user.Session{}, fault.NotFound()
}

func (m *memory) EndSession(_ context.Context, id uuid.UUID) error {
	delete(m.sessions, id)
	return nil
}

func (m *memory) EndSessions(ctx context.Context, person uuid.UUID, condition version.Condition) error {
	u, err := m.Get(ctx, person)
	if err != nil {
		return err
	}
	if err := condition.On(u.Version); err != nil {
		return err
	}
	for id, s := range m.sessions {
		if s.User == person {
			delete(m.sessions, id)
		}
	}
	return nil
}

// plain is a user.Passwords that remembers what it was asked.
type plain struct{ asked []string }

func (p *plain) Hash(_ context.Context, password string) (string, error) {
	p.asked = append(p.asked, "hash "+password)
	return "#" + password, nil
}

func (p *plain) Match(_ context.Context, hash, password string) (bool, error) {
	p.asked = append(p.asked, "match "+hash+" "+password)
	return hash == "#"+password, nil
}

const ttl = time.Hour

var (
	whatever = version.Condition{}
	anyone   = identity.Caller{}
	operator = identity.Caller{Client: "operator"}
)

func newService(users ...user.User) (*user.Service, *memory, *plain) {
	m := &memory{users: map[uuid.UUID]user.User{}, sessions: map[uuid.UUID]user.Session{}}
	for _, u := range users {
		m.write(u)
	}
	p := &plain{}
	return user.NewService(m, p, ttl), m, p
}

func ada() user.User {
	return user.User{ID: uuid.New(), Username: "ada", Email: "ada@example.org", PasswordHash: "#old password"}
}

func person(u user.User) identity.Caller {
	return identity.Caller{User: u.ID, Staff: u.Staff, Session: uuid.New()}
}

func whole() user.Draft {
	return user.Draft{Username: new("lovelace"), Email: new("l@example.org"), Password: new("new password")}
}

func kind(t *testing.T, want fault.Kind, err error) {
	t.Helper()
	assert.True(t, fault.Is(err, want), "want %v, got %v", want, err)
}
