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
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/version"
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
		order := erasure.Order{Message: uuid.New(), Erasure: "e", Person: person}
		receipts, err := w.holder.Erase(tx, order)
		receipt = receipts[order.Message]
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
		_, _, err := w.Attend(t.Context(), id, person, event.Going, always)
		require.NoError(t, err)
	}
}

func (w world) attendances(t *testing.T) (count int) {
	t.Helper()
	require.NoError(t, w.database.DB().Raw("SELECT count(*) FROM attendances").Scan(&count).Error)
	return count
}

var always = version.Condition{}

func allow(event.Event) error { return nil }
func deny(event.Event) error  { return fault.New(fault.Forbidden, "no") }

// put stores the event, whatever is there.
func (w world) put(t *testing.T, e event.Event) (event.Event, bool, error) {
	t.Helper()
	return w.Put(t.Context(), e.ID, e.Host, func(old *event.Event) (event.Event, error) {
		if old != nil {
			e.CreatedAt, e.UpdatedAt, e.Version = old.CreatedAt, old.UpdatedAt, old.Version
		}
		return e, nil
	})
}

// change applies a draft to the event, unless it has gone.
func (w world) change(t *testing.T, id int64, draft event.Draft) (event.Event, error) {
	t.Helper()
	e, _, err := w.Put(t.Context(), id, draft.Host.Value, func(old *event.Event) (event.Event, error) {
		if old == nil {
			return event.Event{}, fault.NotFound()
		}
		draft.Apply(old)
		return *old, nil
	})
	return e, err
}

func (w world) list(t *testing.T, filter event.Filter, window page.Window) (ids []int64, result page.Result[event.Event]) {
	t.Helper()
	result, err := w.List(t.Context(), filter, window)
	require.NoError(t, err)
	for _, e := range result.Items {
		ids = append(ids, e.ID)
	}
	return ids, result
}

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
		first, created, err := w.put(t, e)
		require.NoError(t, err)
		assert.True(t, created)
		second, created, err := w.put(t, event.Event{ID: 9, Title: "Dinner", Place: "home", StartsAt: noon})
		require.NoError(t, err)
		assert.False(t, created)
		read, err := w.Get(t.Context(), 9)
		require.NoError(t, err)
		assert.Equal(t, second, read)
		assert.Equal(t, event.Event{
			ID: 9, Title: "Dinner", Place: "home", StartsAt: noon, CreatedAt: first.CreatedAt, UpdatedAt: read.UpdatedAt, Version: read.Version,
		}, read)
		assert.Greater(t, read.Version, first.Version)
	})
	t.Run("what is put as it is is not written", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		e, err := w.Add(t.Context(), picnic(&ada))
		require.NoError(t, err)
		again := picnic(new(ada)) // other pointers to the same
		again.ID = e.ID
		stored, created, err := w.put(t, again)
		require.NoError(t, err)
		assert.False(t, created)
		assert.Equal(t, e, stored)
		elsewhere := noon.In(time.FixedZone("", 3600))
		changed, err := w.change(t, e.ID, event.Draft{StartsAt: &elsewhere})
		require.NoError(t, err)
		assert.Equal(t, e, changed)
	})
	t.Run("a change writes what is said, null too, and nothing else", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		e, err := w.Add(t.Context(), picnic(&ada))
		require.NoError(t, err)
		changed, err := w.change(t, e.ID, event.Draft{Place: new("the roof"), Pizza: event.Nullable[int64]{Said: true}})
		require.NoError(t, err)
		read, err := w.Get(t.Context(), e.ID)
		require.NoError(t, err)
		assert.Equal(t, changed, read)
		e.Place, e.Pizza, e.UpdatedAt, e.Version = "the roof", nil, read.UpdatedAt, read.Version
		assert.Equal(t, e, read)
	})
	t.Run("nothing is replaced or removed without permission", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		e, err := w.Add(t.Context(), picnic(&ada))
		require.NoError(t, err)
		for _, id := range []int64{e.ID, 50} {
			_, _, err := w.Put(t.Context(), id, nil, func(*event.Event) (event.Event, error) { return event.Event{ID: id}, deny(e) })
			assert.True(t, fault.Is(err, fault.Forbidden), "%v", err)
		}
		assert.True(t, fault.Is(w.Remove(t.Context(), e.ID, deny), fault.Forbidden))
		_, list := w.list(t, event.Filter{}, page.Window{Limit: 10})
		assert.Equal(t, []event.Event{e}, list.Items)
	})
	t.Run("what is not there is not found", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		_, get := w.Get(t.Context(), 404)
		_, version := w.Version(t.Context(), 404)
		for _, err := range []error{get, version, w.Remove(t.Context(), 404, allow)} {
			assert.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
		}
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
			ids, list := w.list(t, test.filter, page.Window{Limit: 100})
			assert.Equal(t, test.want, ids)
			assert.EqualValues(t, len(test.want), list.Count)
			if len(test.want) > 1 {
				ids, list = w.list(t, test.filter, page.Window{Limit: 1, Offset: 1})
				assert.Equal(t, test.want[1:2], ids)
				assert.EqualValues(t, len(test.want), list.Count)
				ids, _ = w.list(t, test.filter, page.Window{Limit: 1, Cursor: &page.Cursor{Key: list.First, Back: true}})
				assert.Equal(t, test.want[:1], ids)
			}
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
		first, created, err := w.Attend(t.Context(), id, ada, event.Going, always)
		require.NoError(t, err)
		assert.True(t, created)
		second, created, err := w.Attend(t.Context(), id, ada, event.Declined, always)
		require.NoError(t, err)
		assert.False(t, created)
		read, err := w.Attendance(t.Context(), id, ada)
		require.NoError(t, err)
		assert.Equal(t, second, read)
		assert.Equal(t, event.Attendance{
			Event: id, User: ada, Status: event.Declined, CreatedAt: first.CreatedAt, UpdatedAt: second.UpdatedAt, Version: second.Version,
		}, read)
		assert.Greater(t, second.Version, first.Version)
		third, created, err := w.Attend(t.Context(), id, ada, event.Declined, always)
		require.NoError(t, err)
		assert.False(t, created)
		assert.Equal(t, second, third, "the same answer again is not written")
	})
	t.Run("what is not there is not found", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		id := w.host(t, nil)
		_, _, attend := w.Attend(t.Context(), 404, ada, event.Going, version.Condition{Exist: true})
		_, read := w.Attendance(t.Context(), id, ada)
		_, ofVersion := w.AttendanceVersion(t.Context(), id, ada)
		_, coming := w.Coming(t.Context(), 404, 10)
		for _, err := range []error{attend, read, ofVersion, coming, w.Unattend(t.Context(), id, ada, version.Condition{Exist: true})} {
			assert.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
		}
	})
	t.Run("an answer is taken back", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		id := w.host(t, nil)
		w.attend(t, id, ada, bob)
		require.NoError(t, w.Unattend(t.Context(), id, ada, always))
		left, err := w.Attendances(t.Context(), id, nil, page.Window{Limit: 10})
		require.NoError(t, err)
		require.Len(t, left.Items, 1)
		assert.EqualValues(t, 1, left.Count)
		assert.Equal(t, bob, left.Items[0].User)
	})
	t.Run("a list has the event's answers in their order, or one person's", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		id, other := w.host(t, nil), w.host(t, nil)
		w.attend(t, id, ada, bob, cleo)
		w.attend(t, other, ada)
		all, err := w.Attendances(t.Context(), id, nil, page.Window{Limit: 2, Offset: 1})
		require.NoError(t, err)
		assert.EqualValues(t, 3, all.Count)
		assert.Equal(t, []uuid.UUID{bob, cleo}, []uuid.UUID{all.Items[0].User, all.Items[1].User})
		back, err := w.Attendances(t.Context(), id, nil, page.Window{Limit: 2, Cursor: &page.Cursor{Key: all.First, Back: true}})
		require.NoError(t, err)
		require.Len(t, back.Items, 1)
		assert.Equal(t, ada, back.Items[0].User)
		bobs, err := w.Attendances(t.Context(), id, &bob, page.Window{Limit: 10})
		require.NoError(t, err)
		assert.EqualValues(t, 1, bobs.Count)
		assert.Equal(t, bob, bobs.Items[0].User)
	})
	t.Run("those come who go or may go, the first ones first", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		id := w.host(t, nil)
		for person, status := range map[uuid.UUID]event.Status{ada: event.Going, cleo: event.Declined} {
			_, _, err := w.Attend(t.Context(), id, person, status, always)
			require.NoError(t, err)
		}
		_, _, err := w.Attend(t.Context(), id, bob, event.Maybe, always)
		require.NoError(t, err)
		people, err := w.Coming(t.Context(), id, 10)
		require.NoError(t, err)
		assert.Equal(t, []uuid.UUID{ada, bob}, people)
		people, err = w.Coming(t.Context(), id, 1)
		require.NoError(t, err)
		assert.Equal(t, []uuid.UUID{ada}, people)
	})
}
