package postgres_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"

	"github.com/tizza/tizza/services/likes/internal/like"
)

// All want the same like at the same id, which the database could also take for two likes of one pizza.
func TestPutsOfOneNewLikeAtOnceCreateItOnce(t *testing.T) {
	store, _ := open(t)
	for id := range int64(5) {
		wanted := like.Like{ID: 41 + id, User: uuid.New(), Pizza: 1}
		var creations atomic.Int32
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				_, created, err := put(t, store, wanted)
				assert.NoError(t, err)
				if created {
					creations.Add(1)
				}
			})
		}
		all.Wait()
		assert.EqualValues(t, 1, creations.Load())
	}
}
