package inbox_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/inbox"
	"github.com/tizza/tizza/pkg/servertest"
)

func TestAMessageIsFirstOnceHoweverManyCopiesComeAtATime(t *testing.T) {
	t.Parallel()
	db := servertest.Postgres(t, inbox.Schema()).DB().WithContext(t.Context())
	id := uuid.New()
	var firsts atomic.Int32
	var copies sync.WaitGroup
	for range 20 {
		copies.Go(func() {
			assert.NoError(t, db.Transaction(func(tx *gorm.DB) error {
				first, err := inbox.First(tx, "reader.news", id)
				if first {
					firsts.Add(1)
				}
				return err
			}))
		})
	}
	copies.Wait()
	assert.EqualValues(t, 1, firsts.Load())
}

func TestAMessageWhoseEffectFailedIsFirstAgain(t *testing.T) {
	t.Parallel()
	db := servertest.Postgres(t, inbox.Schema()).DB().WithContext(t.Context())
	id := uuid.New()
	for range 2 {
		require.Error(t, db.Transaction(func(tx *gorm.DB) error {
			first, err := inbox.First(tx, "reader.news", id)
			require.NoError(t, err)
			assert.True(t, first)
			return errors.New("the effect failed")
		}))
	}
}

func TestEveryQueueHasItsOwnInbox(t *testing.T) {
	t.Parallel()
	db := servertest.Postgres(t, inbox.Schema()).DB().WithContext(t.Context())
	id := uuid.New()
	for _, queue := range []string{"reader.news", "reader.sport"} {
		first, err := inbox.First(db, queue, id)
		require.NoError(t, err)
		assert.True(t, first)
	}
}

func TestOnceRunsTheEffectOnceAndAgainAfterItFailed(t *testing.T) {
	t.Parallel()
	database := servertest.Postgres(t, inbox.Schema())
	id, runs, failure := uuid.New(), 0, errors.New("the effect failed")
	for _, outcome := range []error{failure, nil, failure} {
		err := inbox.Once(t.Context(), database, "reader.news", id, func(*gorm.DB) error {
			runs++
			return outcome
		})
		if runs == 1 {
			require.ErrorIs(t, err, failure)
		} else {
			require.NoError(t, err)
		}
	}
	assert.Equal(t, 2, runs)
}
