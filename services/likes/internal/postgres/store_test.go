package postgres_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/services/likes/internal/like"
	"github.com/tizza/tizza/services/likes/internal/postgres"
)

func open(t *testing.T) (*postgres.Store, func(person uuid.UUID) erasure.Receipt) {
	t.Parallel()
	database := servertest.Postgres(t, postgres.Schemas()...)
	holder := erasure.NewHolder("secret", postgres.Register())
	return postgres.NewStore(database, holder), func(person uuid.UUID) (receipt erasure.Receipt) {
		require.NoError(t, database.DB().WithContext(t.Context()).Transaction(func(tx *gorm.DB) (err error) {
			order := erasure.Order{Message: uuid.New(), Erasure: "e", Person: person}
			receipts, err := holder.Erase(tx, order)
			receipt = receipts[order.Message]
			return err
		}))
		return receipt
	}
}

func anyone(like.Like) error { return nil }

// put writes the like at its id, whatever is there.
func put(t *testing.T, store *postgres.Store, l like.Like) (like.Like, bool, error) {
	return store.Put(t.Context(), l.ID, &l.User, func(old *like.Like) (like.Like, error) {
		if old != nil {
			l.CreatedAt, l.Version = old.CreatedAt, old.Version
		}
		return l, nil
	})
}

// change edits the like at the id, which has to be there.
func change(t *testing.T, store *postgres.Store, id int64, person *uuid.UUID, edit func(*like.Like) error) (like.Like, error) {
	l, _, err := store.Put(t.Context(), id, person, func(old *like.Like) (like.Like, error) {
		if old == nil {
			return like.Like{}, fault.NotFound()
		}
		return *old, edit(old)
	})
	return l, err
}

func TestALikeIsKeptOncePerPersonAndPizza(t *testing.T) {
	store, _ := open(t)
	ann := uuid.New()
	added, err := store.Add(t.Context(), like.Like{User: ann, Pizza: 1})
	require.NoError(t, err)

	got, err := store.Get(t.Context(), added.ID)
	require.NoError(t, err)
	assert.Equal(t, added, got)
	assert.False(t, got.CreatedAt.IsZero())

	_, err = store.Add(t.Context(), like.Like{User: ann, Pizza: 1})
	assert.True(t, fault.Is(err, fault.Conflict), "%v", err)
}

func TestPutTwiceLeavesOneState(t *testing.T) {
	store, _ := open(t)
	wanted := like.Like{ID: 41, User: uuid.New(), Pizza: 1}

	first, created, err := put(t, store, wanted)
	require.NoError(t, err)
	assert.True(t, created)
	second, created, err := put(t, store, wanted)
	require.NoError(t, err)
	assert.False(t, created)
	assert.Equal(t, first, second)

	refusal := errors.New("not yours")
	_, err = change(t, store, wanted.ID, nil, func(*like.Like) error { return refusal })
	assert.ErrorIs(t, err, refusal)
}

func TestNewLikesPassOverIDsThatWerePut(t *testing.T) {
	store, _ := open(t)
	for id := int64(1); id <= 3; id++ {
		_, _, err := put(t, store, like.Like{ID: id, User: uuid.New(), Pizza: 1})
		require.NoError(t, err)
	}
	added, err := store.Add(t.Context(), like.Like{User: uuid.New(), Pizza: 1})
	require.NoError(t, err)
	assert.EqualValues(t, 4, added.ID)
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	store, _ := open(t)
	_, got := store.Get(t.Context(), 99)
	_, head := store.Head(t.Context(), 99)
	removed := store.Remove(t.Context(), 99, anyone)
	for _, err := range []error{got, head, removed} {
		assert.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
	}
}

func TestAChangeIsKeptAndARemovalToo(t *testing.T) {
	store, _ := open(t)
	added, err := store.Add(t.Context(), like.Like{User: uuid.New(), Pizza: 1})
	require.NoError(t, err)

	changed, _, err := put(t, store, like.Like{ID: added.ID, User: added.User, Pizza: 2})
	require.NoError(t, err)
	assert.Greater(t, changed.Version, added.Version)
	got, err := store.Get(t.Context(), added.ID)
	require.NoError(t, err)
	assert.Equal(t, changed, got)
	assert.EqualValues(t, 2, got.Pizza)
	head, err := store.Head(t.Context(), added.ID)
	require.NoError(t, err)
	assert.Equal(t, like.Like{User: got.User, Version: got.Version}, head)

	require.NoError(t, store.Remove(t.Context(), added.ID, anyone))
	_, err = store.Get(t.Context(), added.ID)
	assert.True(t, fault.Is(err, fault.KindNotFound))
}

func TestListsAreFilteredCountedAndCut(t *testing.T) {
	store, _ := open(t)
	ann := uuid.New()
	for pizza := int64(1); pizza <= 5; pizza++ {
		for _, user := range []uuid.UUID{ann, uuid.New()} {
			_, err := store.Add(t.Context(), like.Like{User: user, Pizza: pizza})
			require.NoError(t, err)
		}
	}
	list, err := store.List(t.Context(), like.Filter{User: &ann}, page.Window{Limit: 2, Offset: 4})
	require.NoError(t, err)
	assert.EqualValues(t, 5, list.Count)
	require.Len(t, list.Items, 1)
	assert.EqualValues(t, 5, list.Items[0].Pizza)
	before, err := store.List(t.Context(), like.Filter{User: &ann}, page.Window{Limit: 2, Cursor: &page.Cursor{Key: list.First, Back: true}})
	require.NoError(t, err)
	require.Len(t, before.Items, 2)
	assert.EqualValues(t, 3, before.Items[0].Pizza)
	assert.True(t, before.Before && before.After)

	three := int64(3)
	list, err = store.List(t.Context(), like.Filter{Pizza: &three}, page.Window{})
	require.NoError(t, err)
	assert.EqualValues(t, 2, list.Count)
	all, err := store.List(t.Context(), like.Filter{}, page.Window{Limit: 3})
	require.NoError(t, err)
	assert.EqualValues(t, 10, all.Count)
	again, err := store.List(t.Context(), like.Filter{}, page.Window{Limit: 3, Known: []string{all.Fingerprint}})
	require.NoError(t, err)
	assert.True(t, again.Unchanged)
	assert.Empty(t, again.Items)

	counts, err := store.Counts(t.Context(), []int64{1, 99})
	require.NoError(t, err)
	assert.Equal(t, map[int64]int64{1: 2}, counts)
}

func TestNothingIsLikedByTheErased(t *testing.T) {
	store, erase := open(t)
	ann, bob := uuid.New(), uuid.New()
	_, err := store.Add(t.Context(), like.Like{User: ann, Pizza: 1})
	require.NoError(t, err)
	bobs, err := store.Add(t.Context(), like.Like{User: bob, Pizza: 1})
	require.NoError(t, err)

	assert.Equal(t, map[string]int32{"likes": 1}, erase(ann).Deleted)

	_, added := store.Add(t.Context(), like.Like{User: ann, Pizza: 2})
	_, _, created := put(t, store, like.Like{ID: 50, User: ann, Pizza: 2})
	_, _, given := put(t, store, like.Like{ID: bobs.ID, User: ann, Pizza: 1})
	for _, err := range []error{added, created, given} {
		assert.True(t, fault.Is(err, fault.Gone), "%v", err)
	}
}

func TestOfManyWritersOfOneVersionOneWins(t *testing.T) {
	store, _ := open(t)
	added, err := store.Add(t.Context(), like.Like{User: uuid.New(), Pizza: 1})
	require.NoError(t, err)
	seen := version.Condition{Match: []int64{added.Version}}

	outcomes := make([]error, 50)
	var all sync.WaitGroup
	for i := range outcomes {
		all.Go(func() {
			_, _, outcomes[i] = store.Put(t.Context(), added.ID, nil, func(old *like.Like) (like.Like, error) {
				l := *old
				l.Pizza = int64(100 + i)
				return l, seen.On(old.Version)
			})
		})
	}
	all.Wait()
	won := 0
	for _, err := range outcomes {
		if err == nil {
			won++
			continue
		}
		assert.True(t, fault.Is(err, fault.PreconditionFailed), "%v", err)
	}
	assert.Equal(t, 1, won)
}

func TestAVersionNeverComesBack(t *testing.T) {
	store, _ := open(t)
	wanted, versions := like.Like{ID: 41, User: uuid.New(), Pizza: 1}, map[int64]bool{}
	for range 3 {
		made, created, err := put(t, store, wanted)
		require.NoError(t, err)
		require.True(t, created)
		assert.False(t, versions[made.Version])
		versions[made.Version] = true
		require.NoError(t, store.Remove(t.Context(), wanted.ID, anyone))
	}
}
