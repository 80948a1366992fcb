package discovery_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tizza/tizza/pkg/discovery"
)

func TestMembers(t *testing.T) {
	t.Parallel()
	// follow runs Members and gives its changes; failures many are refused first.
	follow := func(w *world, failures int) <-chan discovery.Change {
		changes := make(chan discovery.Change, 100)
		r := w.registry()
		w.run(func(ctx context.Context) error {
			return r.Members(ctx, "personal-data", func(_ context.Context, c discovery.Change) error {
				if failures > 0 {
					failures--
					return errors.New("the database is down")
				}
				changes <- c
				return nil
			})
		})
		return changes
	}
	next := func(t *testing.T, changes <-chan discovery.Change) discovery.Change {
		t.Helper()
		select {
		case c := <-changes:
			return c
		case <-time.After(30 * time.Second):
			t.Fatal("no change came")
			return discovery.Change{}
		}
	}
	t.Run("all that are present come first, then each that comes and goes", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.put("personal-data/pizza", "{}")
		w.put("personal-data2/other", "{}")
		changes := follow(w, 0)
		first := next(t, changes)
		assert.True(t, first.Full)
		assert.Equal(t, []string{"pizza"}, first.Present)
		assert.NotZero(t, first.Revision)
		assert.NotZero(t, first.ClusterID)
		assert.NotEmpty(t, first.Store)

		w.put("personal-data/likes", "{}")
		w.put("personal-data/likes", "changed")
		w.delete("personal-data/pizza")
		added, removed := next(t, changes), next(t, changes)
		assert.Equal(t, []string{"likes"}, added.Added)
		assert.Equal(t, []string{"pizza"}, removed.Removed)
		assert.Greater(t, removed.Revision, added.Revision)
		assert.False(t, removed.Full)
		assert.Equal(t, first.Store, removed.Store)
	})
	t.Run("a change that could not be applied comes again as a full one", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.put("personal-data/pizza", "{}")
		change := next(t, follow(w, 2))
		assert.True(t, change.Full)
		assert.Equal(t, []string{"pizza"}, change.Present)
	})
	t.Run("a wiped store is another store, and its absences are no deletions", func(t *testing.T) {
		t.Parallel()
		w, server := ownServer(t)
		w.put("personal-data/pizza", "{}")
		changes := follow(w, 0)
		before := next(t, changes)
		server.Stop()
		server.Wipe()
		server.Start()
		after := next(t, changes)
		assert.True(t, after.Full)
		assert.Empty(t, after.Present)
		assert.Empty(t, after.Removed)
		assert.NotEqual(t, before.Store, after.Store)
	})
	t.Run("when all keys are deleted nobody has left", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.put("personal-data/pizza", "{}")
		changes := follow(w, 0)
		before := next(t, changes)
		w.deleteAll()
		after := next(t, changes)
		assert.True(t, after.Full)
		assert.Empty(t, after.Present)
		assert.Empty(t, after.Removed)
		assert.NotEqual(t, before.Store, after.Store)
		w.put("personal-data/pizza", "{}")
		assert.Equal(t, []string{"pizza"}, next(t, changes).Added)
		w.delete("personal-data/pizza")
		assert.Equal(t, []string{"pizza"}, next(t, changes).Removed)
	})
}
