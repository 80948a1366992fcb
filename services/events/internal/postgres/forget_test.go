package postgres_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/services/events/internal/event"
)

func TestForgetting(t *testing.T) {
	t.Parallel()
	ada, bob, cleo := uuid.New(), uuid.New(), uuid.New()
	t.Run("a person's answers and events go, and everybody's answers to these", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		hers, his := w.host(t, &ada), w.host(t, &bob)
		w.attend(t, hers, ada, bob, cleo)
		w.attend(t, his, ada, bob)
		receipt, err := w.erase(t, ada)
		require.NoError(t, err)
		assert.Equal(t, map[string]int32{"attendances": 2, "events": 1}, receipt.Deleted)
		assert.Zero(t, receipt.Left)
		_, err = w.Get(t.Context(), hers)
		assert.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
		assert.Equal(t, 1, w.attendances(t))
	})
	t.Run("nothing is written for a person who was erased", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		house := w.host(t, nil)
		_, err := w.erase(t, ada)
		require.NoError(t, err)
		_, add := w.Add(t.Context(), picnic(&ada))
		e := picnic(&ada)
		e.ID = house
		_, _, put := w.put(t, e)
		_, change := w.change(t, house, event.Draft{Host: event.Nullable[uuid.UUID]{Said: true, Value: &ada}})
		_, _, attend := w.Attend(t.Context(), house, ada, event.Going, always)
		for _, err := range []error{add, put, change, attend} {
			assert.True(t, fault.Is(err, fault.Gone), "%v", err)
		}
	})
	t.Run("people who attend each other's events are erased at once, without a deadlock", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		for round := range 5 {
			people := make([]uuid.UUID, 8)
			for i := range people {
				people[i] = uuid.New()
			}
			for _, host := range people {
				w.attend(t, w.host(t, &host), people...)
			}
			start := make(chan struct{})
			var group errgroup.Group
			for _, person := range people {
				group.Go(func() error {
					<-start
					_, err := w.erase(t, person)
					return err
				})
			}
			close(start)
			require.NoError(t, group.Wait(), fmt.Sprint("round ", round))
			assert.Zero(t, w.attendances(t))
		}
	})
	t.Run("an event given to an attendant who is being erased ends without a deadlock", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		for range 20 {
			host, guest := uuid.New(), uuid.New()
			id := w.host(t, &host)
			w.attend(t, id, guest)
			var group errgroup.Group
			group.Go(func() error { _, err := w.erase(t, guest); return err })
			group.Go(func() error {
				_, err := w.change(t, id, event.Draft{Host: event.Nullable[uuid.UUID]{Said: true, Value: &guest}})
				if fault.Is(err, fault.Gone) || fault.Is(err, fault.KindNotFound) {
					return nil
				}
				return err
			})
			require.NoError(t, group.Wait())
			_, hosted := w.list(t, event.Filter{Host: &guest}, page.Window{})
			assert.Zero(t, hosted.Count)
		}
	})
}
