package postgres_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/services/auth/internal/erasure"
	store "github.com/tizza/tizza/services/auth/internal/postgres"
	"github.com/tizza/tizza/services/auth/internal/user"
)

func TestDeletingAUserForgetsThemHereAndTellsTheHolders(t *testing.T) {
	w := newWorld(t)
	w.register("auth", "pizza", "likes")
	ada, bob := w.person("ada"), w.person("bob")
	w.session(ada)
	other := w.session(bob)

	e := w.erasure(ada.ID)

	assert.Equal(t, 0, w.count("users WHERE uuid = ?", ada.ID))
	assert.Equal(t, 0, w.count("sessions WHERE user_uuid = ?", ada.ID))
	assert.True(t, w.running(other), "somebody else's session")
	assert.Equal(t, 1, w.count("tombstones"))

	assert.Equal(t, ada.ID, e.Person)
	assert.Equal(t, erasure.Pending, e.State(time.Now()))
	assert.Equal(t, erasure.Deadline, e.DueAt.Sub(e.RequestedAt))
	require.Equal(t, map[string]erasure.HolderState{"auth": "erased", "likes": "pending", "pizza": "pending"}, states(e))
	assert.Equal(t, map[string]int32{"users": 1, "sessions": 1}, e.Holders[0].Deleted)
	assert.Equal(t, new(int32(0)), e.Holders[0].Left)
	assert.NotNil(t, e.Holders[0].ErasedAt)
	assert.Equal(t, map[string]int32{}, e.Holders[1].Deleted)
	assert.Nil(t, e.Holders[1].Left)
	assert.Nil(t, e.Holders[1].ErasedAt)
	assert.Equal(t, e, w.get(e.ID))
}

func TestOneDeletionIsOneEventInTwoVersions(t *testing.T) {
	w := newWorld(t)
	w.person("somebody before")
	ada := w.person("ada")
	e := w.erasure(ada.ID)
	letters := w.outbox()
	require.Len(t, letters, 2)
	var body struct {
		UserUUID  uuid.UUID `json:"user_uuid"`
		ErasureID string    `json:"erasure_id"`
		DeletedAt time.Time `json:"deleted_at"`
	}
	require.NoError(t, json.Unmarshal([]byte(letters[1].Body), &body))
	assert.Equal(t, ada.ID, body.UserUUID)
	assert.Equal(t, e.ID, body.ErasureID)
	assert.Equal(t, e.RequestedAt, body.DeletedAt)
	letters[1].Body = ""
	assert.Equal(t, []letter{
		{e.Message, "users", "user.deleted.1.0.0", "application/json", `{"user_id":2}`, true},
		{e.Message, "users", "user.deleted.2.0.0", "application/json", "", false},
	}, letters)
}

func TestTheDeprecatedVersionCanBeSwitchedOff(t *testing.T) {
	w := newWorldWith(t, store.Announcement{Format: message.Protobuf})
	w.erasure(w.person("ada").ID)
	var keys []string
	require.NoError(t, w.database.DB().Raw("SELECT key || ' ' || content_type FROM outbox").Scan(&keys).Error)
	assert.Equal(t, []string{"user.deleted.2.0.0 application/x-protobuf"}, keys)
}

func TestTheSameDeletionAgainIsTheSameErasure(t *testing.T) {
	w := newWorld(t)
	w.register("pizza")
	ada := w.person("ada")
	first := w.erasure(ada.ID)
	sent := w.outbox()
	assert.Equal(t, first, w.erasure(ada.ID))
	assert.Equal(t, sent, w.outbox())
	assert.Equal(t, 1, w.count("receipts"))
}

func TestNobodyWhoNeverWasIsErased(t *testing.T) {
	w := newWorld(t)
	_, err := w.ledger.Begin(w.ctx(), newErasure(uuid.New()), whatever)
	require.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
	assert.Equal(t, 0, w.count("erasures"))
	assert.Equal(t, 0, w.count("tombstones"))
	assert.Empty(t, w.outbox())
}

func TestDeletionsAtOnceAreOneErasure(t *testing.T) {
	w := newWorld(t)
	w.register("pizza", "likes")
	ada := w.person("ada")
	ids := make([]string, 8)
	var wait sync.WaitGroup
	for i := range ids {
		wait.Go(func() {
			e, err := w.ledger.Begin(w.ctx(), newErasure(ada.ID), whatever)
			assert.NoError(t, err)
			assert.Len(t, e.Holders, 3)
			ids[i] = e.ID
		})
	}
	wait.Wait()
	for _, id := range ids {
		assert.Equal(t, ids[0], id)
	}
	assert.Equal(t, 1, w.count("erasures"))
	assert.Len(t, w.outbox(), 2)
}

// Everything that locks a person runs at once: whatever wins, nothing is left of them, and nobody waits for ever.
func TestNothingIsWrittenForSomebodyWhoIsBeingErased(t *testing.T) {
	w := newWorld(t)
	w.register("pizza")
	for range 5 {
		ada := w.person("ada")
		session := w.session(ada)
		var wait sync.WaitGroup
		allowed := func(err error) {
			assert.True(t, err == nil || fault.Is(err, fault.Gone) || fault.Is(err, fault.KindNotFound), "%v", err)
		}
		wait.Go(func() { _, err := w.ledger.Begin(w.ctx(), newErasure(ada.ID), whatever); assert.NoError(t, err) })
		wait.Go(func() {
			_, err := w.users.AddSession(w.ctx(), ada, user.Session{ID: uuid.New(), ExpiresAt: time.Now().Add(time.Hour)})
			allowed(err)
		})
		wait.Go(func() {
			_, err := w.users.Change(w.ctx(), ada.ID, func(u user.User) (user.Edit, error) {
				return user.Edit{User: u, EndSessions: true}, nil
			})
			allowed(err)
		})
		wait.Go(func() {
			_, _, err := w.users.Put(w.ctx(), ada.ID, func(old *user.User) (user.Edit, error) { return user.Edit{User: ada}, nil })
			allowed(err)
		})
		wait.Go(func() { allowed(w.users.EndSessions(w.ctx(), ada.ID, whatever)) })
		wait.Go(func() { allowed(w.users.EndSession(w.ctx(), session.ID)) })
		wait.Wait()
		assert.Equal(t, 0, w.count("users"))
		assert.Equal(t, 0, w.count("sessions"))
	}
}

func TestErasuresAreListedTheNewestFirst(t *testing.T) {
	w := newWorld(t)
	w.register("pizza")
	var ids []string
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		ids = append(ids, w.erasure(w.person(name).ID).ID)
	}
	some := w.erasures(page.Window{Limit: 2, Offset: 1})
	assert.EqualValues(t, 5, some.Count)
	assert.Equal(t, []erasure.Erasure{w.get(ids[3]), w.get(ids[2])}, some.Items)
	assert.True(t, some.Before)
	assert.True(t, some.After)
	count := w.erasures(window(0))
	assert.EqualValues(t, 5, count.Count)
	assert.Empty(t, count.Items)
	assert.Empty(t, w.erasures(behind(2, w.erasures(window(5)))).Items)
}

func TestErasuresAreWalkedBothWaysWhileMoreBegin(t *testing.T) {
	w := newWorld(t)
	w.register("pizza")
	begin := func(name string) erasure.Erasure { return w.erasure(w.person(name).ID) }
	a, b, c := begin("a"), begin("b"), begin("c")

	first := w.erasures(window(2))
	assert.Equal(t, []erasure.Erasure{c, b}, first.Items)
	assert.False(t, first.Before)
	d := begin("d")
	second := w.erasures(behind(2, first))
	assert.Equal(t, []erasure.Erasure{a}, second.Items, "nothing twice")
	assert.False(t, second.After)
	assert.Equal(t, []erasure.Erasure{c, b}, w.erasures(ahead(2, second)).Items, "the nearest before it")
	assert.Equal(t, []erasure.Erasure{d}, w.erasures(ahead(2, first)).Items)
}

func TestAnUnknownErasureIsNotFound(t *testing.T) {
	w := newWorld(t)
	_, err := w.ledger.Get(w.ctx(), "nothing")
	assert.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
}
