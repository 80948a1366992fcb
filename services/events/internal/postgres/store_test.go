package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/services/events/internal/event"
	store "github.com/tizza/tizza/services/events/internal/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type world struct {
	*store.Store
	database *postgres.Database
	holder   *erasure.Holder
}

func given(t *testing.T) world {
	t.Helper()
	database := servertest.Postgres(t, store.Schemas()...)
	holder := erasure.NewHolder("key", store.Register())
	return world{store.NewStore(database, holder), database, holder}
}

func (w world) erase(t *testing.T, person uuid.UUID) (receipt erasure.Receipt, err error) {
	t.Helper()
	err = w.database.DB().WithContext(t.Context()).Transaction(func(tx *gorm.DB) (err error) {
		receipt, err = w.holder.Erase(tx, erasure.Order{Message: uuid.New(), Erasure: "e", Person: person})
		return err
	})
	return receipt, err
}

// host makes an event of that person, nil for the house.
func (w world) host(t *testing.T, person *uuid.UUID) int64 {
	t.Helper()
	e, err := w.Add(t.Context(), picnic(person))
	require.NoError(t, err)
	return e.ID
}

func (w world) attend(t *testing.T, id int64, people ...uuid.UUID) {
	t.Helper()
	for _, person := range people {
		_, _, err := w.Attend(t.Context(), id, person, event.Going)
		require.NoError(t, err)
	}
}

func (w world) attendances(t *testing.T) (count int) {
	t.Helper()
	require.NoError(t, w.database.DB().Raw("SELECT count(*) FROM attendances").Scan(&count).Error)
	return count
}

func allow(event.Event) error { return nil }
func deny(event.Event) error  { return fault.New(fault.Forbidden, "no") }

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func picnic(host *uuid.UUID) event.Event {
	return event.Event{Title: "Picnic", Description: "bring a blanket", Place: "the park", StartsAt: noon, Pizza: new(int64(7)), Host: host}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	ada := uuid.New()
	t.Run("what is added is read back whole", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		added, err := w.Add(t.Context(), picnic(&ada))
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now(), added.CreatedAt, time.Minute)
		read, err := w.Get(t.Context(), added.ID)
		require.NoError(t, err)
		assert.Equal(t, added, read)
	})
	t.Run("put creates, then replaces everything but its age", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		e := picnic(&ada)
		e.ID = 9
		first, created, err := w.Put(t.Context(), e, deny)
		require.NoError(t, err)
		assert.True(t, created)
		_, created, err = w.Put(t.Context(), event.Event{ID: 9, Title: "Dinner", Place: "home", StartsAt: noon}, allow)
		require.NoError(t, err)
		assert.False(t, created)
		read, err := w.Get(t.Context(), 9)
		require.NoError(t, err)
		assert.Equal(t, event.Event{ID: 9, Title: "Dinner", Place: "home", StartsAt: noon, CreatedAt: first.CreatedAt, UpdatedAt: read.UpdatedAt}, read)
	})
	t.Run("change writes what is said, null too, and nothing else", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		e, err := w.Add(t.Context(), picnic(&ada))
		require.NoError(t, err)
		_, err = w.Change(t.Context(), e.ID, event.Draft{Place: new("the roof"), Pizza: event.Nullable[int64]{Said: true}}, allow)
		require.NoError(t, err)
		read, err := w.Get(t.Context(), e.ID)
		require.NoError(t, err)
		e.Place, e.Pizza, e.UpdatedAt = "the roof", nil, read.UpdatedAt
		assert.Equal(t, e, read)
	})
	t.Run("nothing is replaced, changed or removed without permission", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		e, err := w.Add(t.Context(), picnic(&ada))
		require.NoError(t, err)
		_, _, put := w.Put(t.Context(), event.Event{ID: e.ID}, deny)
		_, change := w.Change(t.Context(), e.ID, event.Draft{Title: new("x")}, deny)
		for _, err := range []error{put, change, w.Remove(t.Context(), e.ID, deny)} {
			assert.True(t, fault.Is(err, fault.Forbidden), "%v", err)
		}
		read, err := w.Get(t.Context(), e.ID)
		require.NoError(t, err)
		assert.Equal(t, e, read)
	})
	t.Run("an event that is removed takes its attendances along", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		gone, stays := w.host(t, &ada), w.host(t, &ada)
		w.attend(t, gone, uuid.New(), uuid.New())
		w.attend(t, stays, uuid.New())
		require.NoError(t, w.Remove(t.Context(), gone, allow))
		assert.Equal(t, 1, w.attendances(t))
	})
}

func TestListEvents(t *testing.T) {
	t.Parallel()
	w := given(t)
	ada := uuid.New()
	for i := range 4 {
		e := picnic(map[bool]*uuid.UUID{true: &ada}[i%2 == 0])
		e.StartsAt = noon.Add(time.Duration(i) * time.Hour)
		_, err := w.Add(t.Context(), e)
		require.NoError(t, err)
	}
	at := func(hour int) *time.Time { return new(noon.Add(time.Duration(hour) * time.Hour)) }
	for _, test := range []struct {
		name   string
		filter event.Filter
		want   []int64
	}{
		{"all", event.Filter{}, []int64{1, 2, 3, 4}},
		{"a host's", event.Filter{Host: &ada}, []int64{1, 3}},
		{"from an hour on, that hour too", event.Filter{From: at(2)}, []int64{3, 4}},
		{"before an hour, without that hour", event.Filter{To: at(2)}, []int64{1, 2}},
		{"between two hours", event.Filter{From: at(1), To: at(3)}, []int64{2, 3}},
		{"between the same hour", event.Filter{From: at(1), To: at(1)}, nil},
		{"a host's between two hours", event.Filter{Host: &ada, From: at(1), To: at(3)}, []int64{3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			events, count, err := w.List(t.Context(), test.filter, 100, 0)
			require.NoError(t, err)
			var ids []int64
			for _, e := range events {
				ids = append(ids, e.ID)
			}
			assert.Equal(t, test.want, ids)
			assert.EqualValues(t, len(test.want), count)
		})
	}
}

func TestAttendances(t *testing.T) {
	t.Parallel()
	ada, bob, cleo := uuid.New(), uuid.New(), uuid.New()
	t.Run("an answer is kept, and changed by the next one", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		id := w.host(t, nil)
		first, created, err := w.Attend(t.Context(), id, ada, event.Going)
		require.NoError(t, err)
		assert.True(t, created)
		second, created, err := w.Attend(t.Context(), id, ada, event.Declined)
		require.NoError(t, err)
		assert.False(t, created)
		read, err := w.Attendance(t.Context(), id, ada)
		require.NoError(t, err)
		assert.Equal(t, second, read)
		assert.Equal(t, event.Attendance{Event: id, User: ada, Status: event.Declined, CreatedAt: first.CreatedAt, UpdatedAt: second.UpdatedAt}, read)
	})
	t.Run("what is not there is not found", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		id := w.host(t, nil)
		_, _, attend := w.Attend(t.Context(), 404, ada, event.Going)
		_, read := w.Attendance(t.Context(), id, ada)
		_, coming := w.Coming(t.Context(), 404, 10)
		for _, err := range []error{attend, read, coming, w.Unattend(t.Context(), id, ada)} {
			assert.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
		}
	})
	t.Run("an answer is taken back", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		id := w.host(t, nil)
		w.attend(t, id, ada, bob)
		require.NoError(t, w.Unattend(t.Context(), id, ada))
		attendances, count, err := w.Attendances(t.Context(), id, nil, 10, 0)
		require.NoError(t, err)
		require.Len(t, attendances, 1)
		assert.EqualValues(t, 1, count)
		assert.Equal(t, bob, attendances[0].User)
	})
	t.Run("a list has the event's answers in their order, or one person's", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		id, other := w.host(t, nil), w.host(t, nil)
		w.attend(t, id, ada, bob, cleo)
		w.attend(t, other, ada)
		attendances, count, err := w.Attendances(t.Context(), id, nil, 2, 1)
		require.NoError(t, err)
		assert.EqualValues(t, 3, count)
		assert.Equal(t, []uuid.UUID{bob, cleo}, []uuid.UUID{attendances[0].User, attendances[1].User})
		attendances, count, err = w.Attendances(t.Context(), id, &bob, 10, 0)
		require.NoError(t, err)
		assert.EqualValues(t, 1, count)
		assert.Equal(t, bob, attendances[0].User)
	})
	t.Run("those come who go or may go, the first ones first", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		id := w.host(t, nil)
		for person, status := range map[uuid.UUID]event.Status{ada: event.Going, cleo: event.Declined} {
			_, _, err := w.Attend(t.Context(), id, person, status)
			require.NoError(t, err)
		}
		_, _, err := w.Attend(t.Context(), id, bob, event.Maybe)
		require.NoError(t, err)
		people, err := w.Coming(t.Context(), id, 10)
		require.NoError(t, err)
		assert.Equal(t, []uuid.UUID{ada, bob}, people)
		people, err = w.Coming(t.Context(), id, 1)
		require.NoError(t, err)
		assert.Equal(t, []uuid.UUID{ada}, people)
	})
}
