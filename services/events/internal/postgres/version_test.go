package postgres_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/services/events/internal/event"
)

// atOnce runs so many at the same time, and returns how many of them were not too late.
func atOnce(t *testing.T, writers int, write func(i int) error) int {
	t.Helper()
	var won atomic.Int32
	var group errgroup.Group
	for i := range writers {
		group.Go(func() error {
			err := write(i)
			switch {
			case err == nil:
				won.Add(1)
			case !fault.Is(err, fault.PreconditionFailed):
				return err
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	return int(won.Load())
}

func seen(v int64) version.Condition { return version.Condition{Match: []int64{v}} }

func TestOneOfFiftyWithTheSameVersionWins(t *testing.T) {
	t.Parallel()
	ada := uuid.New()
	service := identity.Caller{Client: "operator"}
	t.Run("of an event", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		events := event.NewService(w, nil, nil)
		e, err := w.Add(t.Context(), picnic(&ada))
		require.NoError(t, err)
		assert.Equal(t, 1, atOnce(t, 50, func(i int) error {
			_, err := events.Change(t.Context(), service, e.ID, event.Draft{Title: new(fmt.Sprint(i))}, seen(e.Version))
			return err
		}))
	})
	t.Run("of an answer", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		id := w.host(t, nil)
		first, _, err := w.Attend(t.Context(), id, ada, event.Going, always)
		require.NoError(t, err)
		assert.Equal(t, 1, atOnce(t, 50, func(int) error {
			_, _, err := w.Attend(t.Context(), id, ada, event.Maybe, seen(first.Version))
			return err
		}))
		second, err := w.Attendance(t.Context(), id, ada)
		require.NoError(t, err)
		assert.Equal(t, 1, atOnce(t, 10, func(int) error {
			err := w.Unattend(t.Context(), id, ada, seen(second.Version))
			if fault.Is(err, fault.KindNotFound) { // somebody else was first
				return seen(0).OnNothing()
			}
			return err
		}))
	})
	t.Run("of none", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		id := w.host(t, nil)
		assert.Equal(t, 1, atOnce(t, 50, func(int) error {
			_, _, err := w.Attend(t.Context(), id, ada, event.Going, version.Condition{Absent: true})
			return err
		}))
		assert.Equal(t, 1, w.attendances(t))
	})
}

func TestAnAnswersConditions(t *testing.T) {
	t.Parallel()
	w := given(t)
	ada := uuid.New()
	id := w.host(t, nil)
	late := func(err error) {
		t.Helper()
		require.True(t, fault.Is(err, fault.PreconditionFailed), "%v", err)
	}
	for _, demand := range []version.Condition{seen(1), {Exist: true}} {
		_, _, err := w.Attend(t.Context(), id, ada, event.Going, demand)
		late(err)
	}
	assert.Zero(t, w.attendances(t), "who wanted to change an answer has given none")
	first, created, err := w.Attend(t.Context(), id, ada, event.Going, version.Condition{Absent: true})
	require.NoError(t, err)
	assert.True(t, created)
	for _, demand := range []version.Condition{seen(first.Version + 1), {Absent: true}, {NoneMatch: []int64{first.Version}}} {
		_, _, err := w.Attend(t.Context(), id, ada, event.Maybe, demand)
		late(err)
		late(w.Unattend(t.Context(), id, ada, demand))
	}
	now, err := w.AttendanceVersion(t.Context(), id, ada)
	require.NoError(t, err)
	assert.Equal(t, first.Version, now)
	second, created, err := w.Attend(t.Context(), id, ada, event.Maybe, seen(first.Version))
	require.NoError(t, err)
	assert.False(t, created)
	require.NoError(t, w.Unattend(t.Context(), id, ada, seen(second.Version)))
	assert.Zero(t, w.attendances(t))
}

func TestAVersionNeverComesBack(t *testing.T) {
	t.Parallel()
	w := given(t)
	ada := uuid.New()
	used := map[int64]bool{}
	use := func(v int64) {
		t.Helper()
		assert.Positive(t, v)
		assert.False(t, used[v], "%d", v)
		used[v] = true
	}
	for range 5 {
		e := picnic(&ada)
		e.ID = 9
		stored, _, err := w.put(t, e)
		require.NoError(t, err)
		use(stored.Version)
		for _, status := range []event.Status{event.Going, event.Maybe, event.Going} {
			a, _, err := w.Attend(t.Context(), 9, ada, status, always)
			require.NoError(t, err)
			use(a.Version)
		}
		require.NoError(t, w.Remove(t.Context(), 9, allow)) // and the answer with it
	}
}

func TestTheCountOfEventsFollowsErasures(t *testing.T) {
	t.Parallel()
	w := given(t)
	var group errgroup.Group
	for range 6 {
		group.Go(func() error {
			host := uuid.New()
			for range 5 {
				if _, err := w.Add(t.Context(), picnic(&host)); err != nil {
					return err
				}
			}
			_, err := w.erase(t, host)
			return err
		})
		group.Go(func() error {
			for range 5 {
				if _, err := w.Add(t.Context(), picnic(nil)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	ids, list := w.list(t, event.Filter{}, page.Window{Limit: 100})
	assert.EqualValues(t, 30, list.Count)
	assert.Len(t, ids, 30)
}
