package inbox_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/inbox"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/servertest"
)

const queue = "reader.news"

func delivery() broker.Delivery { return broker.Delivery{Message: message.Message{ID: uuid.New()}} }

func TestAMessageIsFirstOnceHoweverManyCopiesComeAtATime(t *testing.T) {
	t.Parallel()
	db := servertest.Postgres(t, inbox.Schema()).DB().WithContext(t.Context())
	batch := make([]uuid.UUID, 20)
	for i := range batch {
		batch[i] = uuid.New()
	}
	var firsts atomic.Int32
	var copies sync.WaitGroup
	for turn := range 20 {
		copies.Go(func() {
			mine := slices.Concat(batch, batch) // copies in one batch, too
			if turn%2 == 1 {
				slices.Reverse(mine)
			}
			assert.NoError(t, db.Transaction(func(tx *gorm.DB) error {
				first, err := inbox.First(tx, queue, mine...)
				firsts.Add(int32(len(first)))
				return err
			}))
		})
	}
	copies.Wait()
	assert.EqualValues(t, len(batch), firsts.Load())
}

func TestAMessageWhoseEffectFailedIsFirstAgain(t *testing.T) {
	t.Parallel()
	db := servertest.Postgres(t, inbox.Schema()).DB().WithContext(t.Context())
	id := uuid.New()
	for range 2 {
		require.Error(t, db.Transaction(func(tx *gorm.DB) error {
			first, err := inbox.First(tx, queue, id)
			require.NoError(t, err)
			assert.True(t, first[id])
			return errors.New("the effect failed")
		}))
	}
}

func TestEveryQueueHasItsOwnInbox(t *testing.T) {
	t.Parallel()
	db := servertest.Postgres(t, inbox.Schema()).DB().WithContext(t.Context())
	id := uuid.New()
	for _, queue := range []string{queue, "reader.sport"} {
		first, err := inbox.First(db, queue, id)
		require.NoError(t, err)
		assert.True(t, first[id])
	}
}

func TestOnceRunsTheEffectOnceAndAgainAfterItFailed(t *testing.T) {
	t.Parallel()
	database := servertest.Postgres(t, inbox.Schema())
	known, unknown, failure := delivery(), delivery(), errors.New("the effect failed")
	var seen [][]broker.Delivery
	for _, outcome := range []error{failure, nil, failure} {
		err := inbox.Once(t.Context(), database, queue, []broker.Delivery{known}, func(_ *gorm.DB, first []broker.Delivery) error {
			seen = append(seen, first)
			return outcome
		})
		if len(seen) == 1 {
			require.ErrorIs(t, err, failure)
			assert.False(t, broker.IsLater(err))
		} else {
			require.NoError(t, err)
		}
	}
	assert.Len(t, seen, 2)
	require.NoError(t, inbox.Once(t.Context(), database, queue, []broker.Delivery{known, unknown, unknown}, func(_ *gorm.DB, first []broker.Delivery) error {
		assert.Equal(t, []broker.Delivery{unknown}, first)
		return nil
	}))
}

func TestWhatIsTheDatabasesFaultComesLater(t *testing.T) {
	t.Parallel()
	database := servertest.Postgres(t, inbox.Schema())
	err := inbox.Once(t.Context(), database, queue, []broker.Delivery{delivery()}, func(tx *gorm.DB, _ []broker.Delivery) error {
		return tx.Exec("SELECT pg_terminate_backend(pg_backend_pid())").Error
	})
	assert.True(t, broker.IsLater(err), "%v", err)

	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	err = inbox.Once(ctx, database, queue, []broker.Delivery{delivery()}, nil)
	assert.True(t, broker.IsLater(err), "%v", err)
}
