package postgres_test

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/services/auth/internal/erasure"
)

func TestAnErasureIsCompleteWithTheLastReceipt(t *testing.T) {
	w := newWorld(t)
	w.register("auth", "pizza", "likes")
	e := w.erasure(w.person("ada").ID)
	require.NoError(t, w.receive(e, "pizza", 0))
	e = w.get(e.ID)
	assert.Nil(t, e.CompletedAt)
	assert.Equal(t, map[string]erasure.HolderState{"auth": "erased", "likes": "pending", "pizza": "erased"}, states(e))
	require.NoError(t, w.receive(e, "likes", 0))
	e = w.get(e.ID)
	require.NotNil(t, e.CompletedAt)
	assert.Equal(t, erasure.Complete, e.State(time.Now()))
	assert.False(t, e.CompletedAt.Before(e.RequestedAt))
	assert.Equal(t, map[string]int32{"likes": 3}, e.Holders[1].Deleted)
}

func TestAHolderWithSomethingLeftIsNotDone(t *testing.T) {
	w := newWorld(t)
	w.register("pizza")
	e := w.erasure(w.person("ada").ID)
	require.NoError(t, w.receive(e, "pizza", 2))
	e = w.get(e.ID)
	assert.Nil(t, e.CompletedAt)
	assert.Equal(t, erasure.HolderPending, states(e)["pizza"])
	assert.Equal(t, new(int32(2)), e.Holders[1].Left)
	assert.Equal(t, map[string]int32{"pizza": 3}, e.Holders[1].Deleted)
	assert.Nil(t, e.Holders[1].ErasedAt)
	require.NoError(t, w.receive(e, "pizza", 0))
	assert.NotNil(t, w.get(e.ID).CompletedAt)
}

func TestAFurtherRoundTakesNoCountAway(t *testing.T) {
	w := newWorld(t)
	w.register("pizza")
	e := w.erasure(w.person("ada").ID)
	require.NoError(t, w.receive(e, "pizza", 0))
	first := w.get(e.ID)
	nothingMore := erasure.Receipt{
		Message: uuid.New(), Erasure: e.ID, Person: e.Person, Service: "pizza",
		Deleted: map[string]int32{"pizza": 0, "slices": 2}, ErasedAt: time.Now(),
	}
	require.NoError(t, w.ledger.Receive(w.ctx(), "queue", nothingMore))
	again := w.get(e.ID)
	assert.Equal(t, map[string]int32{"pizza": 3, "slices": 2}, again.Holders[1].Deleted)
	assert.Equal(t, first.CompletedAt, again.CompletedAt)
}

func TestTheSameReceiptCountsOnce(t *testing.T) {
	w := newWorld(t)
	w.register("pizza")
	e := w.erasure(w.person("ada").ID)
	receipt := erasure.Receipt{Message: uuid.New(), Erasure: e.ID, Person: e.Person, Service: "pizza", Left: 1, ErasedAt: time.Now()}
	require.NoError(t, w.ledger.Receive(w.ctx(), "queue", receipt))
	receipt.Left = 0 // a copy says what the first one said: so this is not looked at
	require.NoError(t, w.ledger.Receive(w.ctx(), "queue", receipt))
	assert.Nil(t, w.get(e.ID).CompletedAt)
}

func TestAHolderThatWasNotListedIsAdded(t *testing.T) {
	w := newWorld(t)
	w.register("pizza")
	e := w.erasure(w.person("ada").ID)
	require.NoError(t, w.receive(e, "newcomer", 0))
	e = w.get(e.ID)
	assert.Nil(t, e.CompletedAt)
	assert.Equal(t, map[string]erasure.HolderState{"auth": "erased", "newcomer": "erased", "pizza": "pending"}, states(e))
	require.NoError(t, w.receive(e, "pizza", 0))
	completed := w.get(e.ID).CompletedAt
	require.NotNil(t, completed)
	require.NoError(t, w.receive(e, "late", 0))
	assert.Equal(t, completed, w.get(e.ID).CompletedAt)
	w.register("dirty")
	require.NoError(t, w.receive(e, "dirty", 1))
	assert.Nil(t, w.get(e.ID).CompletedAt, "it was not complete after all")
}

func TestAReceiptForNoErasureOfThatPersonIsNotFoundAndNotRemembered(t *testing.T) {
	w := newWorld(t)
	w.register("pizza")
	e := w.erasure(w.person("ada").ID)
	for _, wrong := range []erasure.Erasure{{ID: "unknown", Person: e.Person}, {ID: e.ID, Person: uuid.New()}} {
		err := w.receive(wrong, "pizza", 0)
		assert.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
	}
	assert.Equal(t, 0, w.count("inbox"))
	assert.Equal(t, erasure.HolderPending, states(w.get(e.ID))["pizza"])
}

func TestReceiptsAtOnceCompleteAnErasure(t *testing.T) {
	w := newWorld(t)
	services := []string{"a", "b", "c", "d", "e", "f"}
	w.register(services...)
	for range 5 {
		e := w.erasure(w.person("ada").ID)
		var wait sync.WaitGroup
		for _, service := range services {
			wait.Go(func() { assert.NoError(t, w.receive(e, service, 0)) })
		}
		wait.Wait()
		assert.NotNil(t, w.get(e.ID).CompletedAt)
	}
}

func TestAStrangerMakesNoErasureWait(t *testing.T) {
	w := newWorld(t)
	w.register("pizza")
	e := w.erasure(w.person("ada").ID)
	require.NoError(t, w.receive(e, "pizza", 0))
	require.ErrorContains(t, w.receive(e, "ghost", 3), "not known as a holder")
	assert.NotNil(t, w.get(e.ID).CompletedAt)
	assert.NotContains(t, states(w.get(e.ID)), "ghost")
	w.register("ghost")
	require.NoError(t, w.receive(e, "ghost", 3), "one that is a holder does")
	assert.Nil(t, w.get(e.ID).CompletedAt)
}

func TestCountsThatNoAnswerCanSayAreNotAdded(t *testing.T) {
	w := newWorld(t)
	w.register("pizza")
	e := w.erasure(w.person("ada").ID)
	for range 2 {
		require.NoError(t, w.ledger.Receive(w.ctx(), "queue", erasure.Receipt{
			Message: uuid.New(), Erasure: e.ID, Person: e.Person, Service: "pizza",
			Deleted: map[string]int32{"pizzas": math.MaxInt32}, ErasedAt: time.Now(),
		}))
	}
	assert.Equal(t, map[string]int32{"pizzas": math.MaxInt32}, w.get(e.ID).Holders[1].Deleted)
}

func TestReceiptsOfOneBatchAreNotedTogether(t *testing.T) {
	w := newWorld(t)
	w.register("pizza", "likes")
	var receipts []erasure.Receipt
	var erasures []erasure.Erasure
	for _, name := range []string{"ada", "bob"} {
		e := w.erasure(w.person(name).ID)
		erasures = append(erasures, e)
		for _, service := range []string{"pizza", "likes"} {
			r := erasure.Receipt{
				Message: uuid.New(), Erasure: e.ID, Person: e.Person, Service: service,
				Deleted: map[string]int32{service: 3}, ErasedAt: time.Now(),
			}
			receipts = append(receipts, r, r) // a copy too
		}
	}
	foreign := receipts[0]
	foreign.Message, foreign.Person = uuid.New(), uuid.New()
	require.Error(t, w.ledger.Receive(w.ctx(), "queue", append(receipts, foreign)...))
	assert.Nil(t, w.get(erasures[0].ID).CompletedAt, "all or none")

	require.NoError(t, w.ledger.Receive(w.ctx(), "queue", receipts...))

	for _, e := range erasures {
		e = w.get(e.ID)
		assert.NotNil(t, e.CompletedAt)
		assert.Equal(t, map[string]int32{"likes": 3}, e.Holders[1].Deleted)
	}
}
