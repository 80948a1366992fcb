package postgres_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/services/auth/internal/user"
)

func TestAUserComesBackAsStored(t *testing.T) {
	w := newWorld(t)
	ada := w.person("Ada")
	assert.False(t, ada.CreatedAt.IsZero())
	assert.Equal(t, ada.CreatedAt, ada.UpdatedAt)
	now, err := w.users.Version(w.ctx(), ada.ID)
	require.NoError(t, err)
	assert.Equal(t, ada.Version, now)
	for name, read := range map[string]func() (user.User, error){
		"by id":               func() (user.User, error) { return w.users.Get(w.ctx(), ada.ID) },
		"by name in any case": func() (user.User, error) { return w.users.ByUsername(w.ctx(), "aDA") },
	} {
		found, err := read()
		require.NoError(t, err, name)
		assert.Equal(t, ada, found, name)
	}
}

func TestAUsernameIsTakenWhateverItsCase(t *testing.T) {
	w := newWorld(t)
	w.person("ada")
	bob := w.person("bob")
	_, err := w.users.Add(w.ctx(), user.User{ID: uuid.New(), Username: "ADA"})
	taken(t, err, `"ADA"`)
	_, _, err = w.users.Put(w.ctx(), uuid.New(), func(*user.User) (user.Edit, error) {
		return user.Edit{User: user.User{ID: uuid.New(), Username: "Ada"}}, nil
	})
	taken(t, err, `"Ada"`)
	_, err = w.users.Change(w.ctx(), bob.ID, func(u user.User) (user.Edit, error) {
		u.Username = "aDa"
		return user.Edit{User: u}, nil
	})
	taken(t, err, `"aDa"`)
}

func taken(t *testing.T, err error, name string) {
	t.Helper()
	require.True(t, fault.Is(err, fault.Conflict), "%v", err)
	assert.Contains(t, fault.From(err).Detail, name)
}

func TestPutCreatesAndThenReplaces(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	first, created, err := w.users.Put(w.ctx(), id, func(old *user.User) (user.Edit, error) {
		assert.Nil(t, old)
		return user.Edit{User: user.User{ID: id, Username: "ada", Email: "a@example.org", PasswordHash: "h"}}, nil
	})
	require.NoError(t, err)
	assert.True(t, created)
	second, created, err := w.users.Put(w.ctx(), id, func(old *user.User) (user.Edit, error) {
		assert.Equal(t, first, *old)
		changed := *old
		changed.Username, changed.Staff = "lovelace", true
		return user.Edit{User: changed}, nil
	})
	require.NoError(t, err)
	assert.False(t, created)
	assert.True(t, second.UpdatedAt.After(first.UpdatedAt))
	assert.Equal(t, first.CreatedAt, second.CreatedAt)
	assert.Greater(t, second.Version, first.Version)
	found, err := w.users.Get(w.ctx(), id)
	require.NoError(t, err)
	assert.Equal(t, second, found)
	assert.True(t, found.Staff)
}

func TestPutsOfOneNewIDAtOnceCreateItOnce(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	var mu sync.Mutex
	var wait sync.WaitGroup
	creations := 0
	for range 8 {
		wait.Go(func() {
			_, created, err := w.users.Put(w.ctx(), id, func(*user.User) (user.Edit, error) {
				return user.Edit{User: user.User{ID: id, Username: "ada"}}, nil
			})
			assert.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			if created {
				creations++
			}
		})
	}
	wait.Wait()
	assert.Equal(t, 1, creations)
}

func TestAnEditThatFailsChangesNothing(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	no := errors.New("no")
	_, err := w.users.Change(w.ctx(), ada.ID, func(u user.User) (user.Edit, error) {
		u.Username = "bob"
		return user.Edit{User: u, EndSessions: true}, no
	})
	require.ErrorIs(t, err, no)
	found, err := w.users.Get(w.ctx(), ada.ID)
	require.NoError(t, err)
	assert.Equal(t, ada, found)
}

func TestAnErasedPersonIsGoneAndAStrangerIsNotFound(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	w.erasure(ada.ID)
	for _, test := range []struct {
		id   uuid.UUID
		kind fault.Kind
	}{{ada.ID, fault.Gone}, {uuid.New(), fault.KindNotFound}} {
		_, err := w.users.Get(w.ctx(), test.id)
		assert.True(t, fault.Is(err, test.kind), "get: %v", err)
		_, err = w.users.Change(w.ctx(), test.id, func(u user.User) (user.Edit, error) { return user.Edit{User: u}, nil })
		assert.True(t, fault.Is(err, test.kind), "change: %v", err)
		_, err = w.users.Version(w.ctx(), test.id)
		assert.True(t, fault.Is(err, test.kind), "version: %v", err)
		err = w.users.EndSessions(w.ctx(), test.id, whatever)
		assert.True(t, fault.Is(err, test.kind), "end sessions: %v", err)
		_, err = w.users.AddSession(w.ctx(), user.User{ID: test.id}, user.Session{ID: uuid.New()})
		assert.True(t, fault.Is(err, test.kind), "log in: %v", err)
	}
	_, _, err := w.users.Put(w.ctx(), ada.ID, func(*user.User) (user.Edit, error) { return user.Edit{User: ada}, nil })
	assert.True(t, fault.Is(err, fault.Gone), "put: %v", err)
	_, err = w.users.Add(w.ctx(), ada)
	assert.True(t, fault.Is(err, fault.Gone), "add: %v", err)
}
