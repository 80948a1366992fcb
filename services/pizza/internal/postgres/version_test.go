package postgres_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/services/pizza/internal/pizza"
)

var service = identity.Caller{Client: "operator"}

func TestOneOfManyWritersOfOneVersionWins(t *testing.T) {
	t.Parallel()
	w := given(t)
	pizzas := pizza.NewService(w)
	p, err := w.Add(t.Context(), funghi(nil))
	require.NoError(t, err)
	const writers = 50
	var late atomic.Int32
	var won sync.Map
	var group errgroup.Group
	for i := range writers {
		group.Go(func() error {
			changed, err := pizzas.Change(t.Context(), service, p.ID, pizza.Draft{Title: new(fmt.Sprint("by ", i))}, version.Condition{Match: []int64{p.Version}})
			switch {
			case err == nil:
				won.Store(changed, true)
			case fault.Is(err, fault.PreconditionFailed):
				late.Add(1)
			default:
				return err
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	assert.EqualValues(t, writers-1, late.Load())
	stored, err := w.Get(t.Context(), p.ID)
	require.NoError(t, err)
	_, winner := won.Load(stored)
	assert.True(t, winner, "what is stored is what the only winner was told")
	now, err := w.Version(t.Context(), p.ID)
	require.NoError(t, err)
	assert.Equal(t, stored.Version, now)
}

func TestOneOfManyCreatorsAtOneIDWins(t *testing.T) {
	t.Parallel()
	w := given(t)
	pizzas := pizza.NewService(w)
	var created, late atomic.Int32
	var group errgroup.Group
	for i := range 20 {
		group.Go(func() error {
			_, isNew, err := pizzas.Put(t.Context(), service, 7, pizza.Draft{Title: new(fmt.Sprint("by ", i))}, version.Condition{Absent: true})
			switch {
			case err == nil && isNew:
				created.Add(1)
			case fault.Is(err, fault.PreconditionFailed):
				late.Add(1)
			default:
				return fmt.Errorf("created: %t: %w", isNew, err)
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	assert.EqualValues(t, 1, created.Load())
	assert.EqualValues(t, 19, late.Load())
}

func TestAVersionIsNeverUsedTwice(t *testing.T) {
	t.Parallel()
	w := given(t)
	seen := map[int64]bool{}
	for i := range 20 {
		p := pizza.Pizza{ID: 7, Title: "Funghi"}
		for _, title := range []string{"Funghi", "Salami", "Funghi"} {
			p.Title = title
			stored, _, err := w.put(t, p)
			require.NoError(t, err)
			assert.False(t, seen[stored.Version], "version %d in round %d", stored.Version, i)
			seen[stored.Version] = true
		}
		require.NoError(t, w.Remove(t.Context(), 7, allow))
	}
	assert.Len(t, seen, 60)
}

func TestTheCountStaysExactWhateverHappensAtOnce(t *testing.T) {
	t.Parallel()
	w := given(t)
	ada, undo := uuid.New(), errors.New("undo")
	var group errgroup.Group
	for range 8 {
		group.Go(func() error {
			for range 60 {
				id := 1 + rand.Int64N(200)
				var err error
				switch rand.IntN(5) {
				case 0:
					_, err = w.Add(t.Context(), funghi(&ada))
				case 1, 2:
					_, _, err = w.put(t, pizza.Pizza{ID: id, Title: fmt.Sprint(rand.Int())})
				case 3:
					err = w.Remove(t.Context(), id, allow)
				default:
					err = w.database.DB().Transaction(func(tx *gorm.DB) error {
						return errors.Join(tx.Exec("DELETE FROM pizzas WHERE id < 10").Error, undo)
					})
					if errors.Is(err, undo) {
						err = nil
					}
				}
				if err != nil && !fault.Is(err, fault.KindNotFound) {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	w.erase(t, ada)
	_, list := w.list(t, pizza.Filter{}, page.Window{Limit: 100})
	var count int64
	require.NoError(t, w.database.DB().Raw("SELECT count(*) FROM pizzas").Scan(&count).Error)
	assert.Equal(t, count, list.Count)
}

func TestThePageThatSomebodyHasIsNotReadAgain(t *testing.T) {
	t.Parallel()
	w := given(t)
	for range 5 {
		_, err := w.Add(t.Context(), funghi(nil))
		require.NoError(t, err)
	}
	window := page.Window{Limit: 2, Offset: 2}
	_, first := w.list(t, pizza.Filter{}, window)
	window.Known = []string{first.Fingerprint}
	_, again := w.list(t, pizza.Filter{}, window)
	assert.True(t, again.Unchanged)
	assert.Empty(t, again.Items)
	_, err := w.change(t, 4, pizza.Draft{Title: new("Salami")})
	require.NoError(t, err)
	ids, changed := w.list(t, pizza.Filter{}, window)
	assert.False(t, changed.Unchanged)
	assert.Equal(t, []int64{3, 4}, ids)
}
