package postgres_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/services/auth/internal/user"
)

func stale(t *testing.T, err error) {
	t.Helper()
	require.True(t, fault.Is(err, fault.PreconditionFailed), "%v", err)
}

// atOnce runs so many at the same time, and returns how many of them were not too late.
func atOnce(t *testing.T, writers int, write func(i int) error) int {
	t.Helper()
	var won atomic.Int32
	var wait sync.WaitGroup
	start := make(chan struct{})
	for i := range writers {
		wait.Go(func() {
			<-start
			if err := write(i); err != nil {
				assert.True(t, fault.Is(err, fault.PreconditionFailed), "%v", err)
				return
			}
			won.Add(1)
		})
	}
	close(start)
	wait.Wait()
	return int(won.Load())
}

// email is an edit of the version that the condition wants.
func email(u user.User, address string, condition version.Condition) (user.Edit, error) {
	u.Email = address
	return user.Edit{User: u}, condition.On(u.Version)
}

func TestOneOfFiftyWithTheSameVersionWins(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	for name, write := range map[string]func(version.Condition) error{
		"put": func(condition version.Condition) error {
			_, _, err := w.users.Put(w.ctx(), ada.ID, func(old *user.User) (user.Edit, error) {
				return email(*old, uuid.NewString(), condition)
			})
			return err
		},
		"change": func(condition version.Condition) error {
			_, err := w.users.Change(w.ctx(), ada.ID, func(old user.User) (user.Edit, error) {
				return email(old, uuid.NewString(), condition)
			})
			return err
		},
	} {
		seen, err := w.users.Version(w.ctx(), ada.ID)
		require.NoError(t, err)
		won := atOnce(t, 50, func(int) error { return write(version.Condition{Match: []int64{seen}}) })
		assert.Equal(t, 1, won, name)
	}
}

func TestOneOfFiftyWhoWantNobodyThereCreates(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	absent := version.Condition{Absent: true}
	won := atOnce(t, 50, func(int) error {
		_, _, err := w.users.Put(w.ctx(), id, func(old *user.User) (user.Edit, error) {
			if old != nil {
				return user.Edit{}, absent.On(old.Version)
			}
			return user.Edit{User: user.User{ID: id, Username: "ada"}}, absent.OnNothing()
		})
		return err
	})
	assert.Equal(t, 1, won)
}

func TestAVersionNeverComesBack(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	seen := map[int64]bool{}
	for range 3 {
		u, created, err := w.users.Put(w.ctx(), id, func(*user.User) (user.Edit, error) {
			return user.Edit{User: user.User{ID: id, Username: "ada"}}, nil
		})
		require.NoError(t, err)
		require.True(t, created)
		changed, err := w.users.Change(w.ctx(), id, func(u user.User) (user.Edit, error) {
			return email(u, "ada@example.org", whatever)
		})
		require.NoError(t, err)
		for _, version := range []int64{u.Version, changed.Version} {
			assert.Positive(t, version)
			assert.False(t, seen[version])
			seen[version] = true
		}
		w.exec("DELETE FROM users") // as no erasure does: whom it erases never comes back
	}
}

func TestWhatIsThereAlreadyIsNotWritten(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	same := func(u user.User) (user.Edit, error) { return email(u, ada.Email, whatever) }

	put, created, err := w.users.Put(w.ctx(), ada.ID, func(old *user.User) (user.Edit, error) { return same(*old) })
	require.NoError(t, err)
	assert.False(t, created)
	assert.Equal(t, ada, put)
	changed, err := w.users.Change(w.ctx(), ada.ID, same)
	require.NoError(t, err)
	assert.Equal(t, ada, changed)
	found, err := w.users.Get(w.ctx(), ada.ID)
	require.NoError(t, err)
	assert.Equal(t, ada, found, "its version and the time of its last change too")
}

func TestAnErasureWhoseConditionDoesNotHoldChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.register("auth", "pizza")
	ada := w.person("ada")
	session := w.session(ada)
	for _, condition := range []version.Condition{{Match: []int64{ada.Version + 1}}, {Absent: true}, {NoneMatch: []int64{ada.Version}}} {
		_, err := w.ledger.Begin(w.ctx(), newErasure(ada.ID), condition)
		stale(t, err)
	}
	found, err := w.users.Get(w.ctx(), ada.ID)
	require.NoError(t, err)
	assert.Equal(t, ada, found)
	assert.True(t, w.running(session))
	for _, table := range []string{"erasures", "erasure_holders", "tombstones", "receipts"} {
		assert.Zero(t, w.count(table), table)
	}
	assert.Empty(t, w.outbox())
	assert.Zero(t, w.erasures(window(1)).Count)

	begun, err := w.ledger.Begin(w.ctx(), newErasure(ada.ID), version.Condition{Match: []int64{ada.Version}})
	require.NoError(t, err)
	assert.Equal(t, ada.ID, begun.Person)
}

func TestTheSameErasureAgainAsksForNoVersion(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	first := w.erasure(ada.ID)
	for _, condition := range []version.Condition{
		{Match: []int64{ada.Version}}, {Match: []int64{ada.Version + 1}}, {Exist: true}, {Absent: true}, {NoneMatch: []int64{ada.Version}},
	} {
		again, err := w.ledger.Begin(w.ctx(), newErasure(ada.ID), condition)
		require.NoError(t, err)
		assert.Equal(t, first, again)
	}
	assert.Len(t, w.outbox(), 2)
}

// Somebody changes the user whom somebody else forgets, and both have seen the same version: one of them is late.
func TestAnErasureAndAChangeOfTheSameVersionDoNotBothSucceed(t *testing.T) {
	w := newWorld(t)
	for range 20 {
		ada := w.person(uuid.NewString())
		seen := version.Condition{Match: []int64{ada.Version}}
		var erased, changed error
		var wait sync.WaitGroup
		wait.Go(func() { _, erased = w.ledger.Begin(w.ctx(), newErasure(ada.ID), seen) })
		wait.Go(func() {
			_, changed = w.users.Change(w.ctx(), ada.ID, func(u user.User) (user.Edit, error) { return email(u, "x", seen) })
		})
		wait.Wait()
		if erased == nil {
			assert.True(t, fault.Is(changed, fault.Gone), "%v", changed)
			continue
		}
		stale(t, erased)
		assert.NoError(t, changed)
	}
}
