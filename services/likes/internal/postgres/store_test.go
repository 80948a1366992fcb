package postgres_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/services/likes/internal/like"
	"github.com/tizza/tizza/services/likes/internal/postgres"
)

func open(t *testing.T) (*postgres.Store, func(person uuid.UUID) erasure.Receipt) {
	t.Parallel()
	database := servertest.Postgres(t, postgres.Schemas()...)
	holder := erasure.NewHolder("secret", postgres.Register())
	return postgres.NewStore(database, holder), func(person uuid.UUID) (receipt erasure.Receipt) {
		require.NoError(t, database.DB().WithContext(t.Context()).Transaction(func(tx *gorm.DB) (err error) {
			receipt, err = holder.Erase(tx, erasure.Order{Message: uuid.New(), Erasure: "e", Person: person})
			return err
		}))
		return receipt
	}
}

func anyone(like.Like) error { return nil }

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

	first, created, err := store.Put(t.Context(), wanted, anyone)
	require.NoError(t, err)
	assert.True(t, created)
	second, created, err := store.Put(t.Context(), wanted, anyone)
	require.NoError(t, err)
	assert.False(t, created)
	assert.Equal(t, first, second)

	refusal := errors.New("not yours")
	_, _, err = store.Put(t.Context(), wanted, func(like.Like) error { return refusal })
	assert.ErrorIs(t, err, refusal)
}

func TestNewLikesPassOverIDsThatWerePut(t *testing.T) {
	store, _ := open(t)
	for id := int64(1); id <= 3; id++ {
		_, _, err := store.Put(t.Context(), like.Like{ID: id, User: uuid.New(), Pizza: 1}, anyone)
		require.NoError(t, err)
	}
	added, err := store.Add(t.Context(), like.Like{User: uuid.New(), Pizza: 1})
	require.NoError(t, err)
	assert.EqualValues(t, 4, added.ID)
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	store, _ := open(t)
	_, got := store.Get(t.Context(), 99)
	_, changed := store.Change(t.Context(), 99, func(*like.Like) error { return nil })
	removed := store.Remove(t.Context(), 99, anyone)
	for _, err := range []error{got, changed, removed} {
		assert.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
	}
}

func TestAChangeIsKeptAndARemovalToo(t *testing.T) {
	store, _ := open(t)
	added, err := store.Add(t.Context(), like.Like{User: uuid.New(), Pizza: 1})
	require.NoError(t, err)

	changed, err := store.Change(t.Context(), added.ID, func(l *like.Like) error { l.Pizza = 2; return nil })
	require.NoError(t, err)
	got, err := store.Get(t.Context(), added.ID)
	require.NoError(t, err)
	assert.Equal(t, changed, got)
	assert.EqualValues(t, 2, got.Pizza)

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
	page, count, err := store.List(t.Context(), like.Filter{User: &ann}, 2, 4)
	require.NoError(t, err)
	assert.EqualValues(t, 5, count)
	require.Len(t, page, 1)
	assert.EqualValues(t, 5, page[0].Pizza)

	three := int64(3)
	_, count, err = store.List(t.Context(), like.Filter{Pizza: &three}, 0, 0)
	require.NoError(t, err)
	assert.EqualValues(t, 2, count)

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
	_, _, put := store.Put(t.Context(), like.Like{ID: 50, User: ann, Pizza: 2}, anyone)
	_, given := store.Change(t.Context(), bobs.ID, func(l *like.Like) error { l.User = ann; return nil })
	for _, err := range []error{added, put, given} {
		assert.True(t, fault.Is(err, fault.Gone), "%v", err)
	}
}
