package postgres_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/services/auth/internal/erasure"
)

func (w *world) retire(services ...string) {
	w.Helper()
	require.NoError(w, w.ledger.Retire(w.ctx(), services))
}

func TestAnErasureBeforeAnyHolderIsKnownWaitsForThemAll(t *testing.T) {
	w := newWorld(t)
	e := w.erasure(w.person("ada").ID)
	assert.Nil(t, e.CompletedAt)
	assert.Equal(t, map[string]erasure.HolderState{"auth": "erased"}, states(e))

	w.register("auth") // only itself: says nothing of the others
	assert.Nil(t, w.get(e.ID).CompletedAt)

	w.register("auth", "pizza", "likes")
	assert.Equal(t, map[string]erasure.HolderState{"auth": "erased", "likes": "pending", "pizza": "pending"}, states(w.get(e.ID)))
	require.NoError(t, w.receive(e, "pizza", 0))
	assert.Nil(t, w.get(e.ID).CompletedAt)
	require.NoError(t, w.receive(e, "likes", 0))
	assert.NotNil(t, w.get(e.ID).CompletedAt)
}

func TestAReceiptBeforeItsHolderIsKnownIsKept(t *testing.T) {
	w := newWorld(t)
	e := w.erasure(w.person("ada").ID)
	require.NoError(t, w.receive(e, "pizza", 0))
	assert.Nil(t, w.get(e.ID).CompletedAt, "who else there is, nobody knows yet")
	w.register("auth", "pizza")
	e = w.get(e.ID)
	assert.Equal(t, erasure.HolderErased, states(e)["pizza"])
	assert.NotNil(t, e.CompletedAt)
}

func TestAHolderThatJoinsIsWaitedForByOpenErasuresOnly(t *testing.T) {
	w := newWorld(t)
	w.register("pizza")
	done, open := w.erasure(w.person("ada").ID), w.erasure(w.person("bob").ID)
	require.NoError(t, w.receive(done, "pizza", 0))
	w.register("pizza", "likes")
	assert.NotContains(t, states(w.get(done.ID)), "likes")
	assert.NotNil(t, w.get(done.ID).CompletedAt)
	assert.Equal(t, erasure.HolderPending, states(w.get(open.ID))["likes"])
}

func TestAListThatMissesHoldersRetiresNobody(t *testing.T) {
	w := newWorld(t)
	w.register("pizza", "likes")
	e := w.erasure(w.person("ada").ID)
	w.register("auth")
	w.register()
	assert.Equal(t, map[string]erasure.HolderState{"auth": "erased", "likes": "pending", "pizza": "pending"}, states(w.get(e.ID)))
	assert.Contains(t, states(w.erasure(w.person("bob").ID)), "pizza")
}

func TestAHolderThatIsTakenOutIsWaitedForNoMore(t *testing.T) {
	w := newWorld(t)
	w.register("auth", "pizza", "likes")
	done, open := w.erasure(w.person("ada").ID), w.erasure(w.person("bob").ID)
	require.NoError(t, w.receive(done, "pizza", 0))
	w.retire("likes")
	assert.Equal(t, erasure.HolderRetired, states(w.get(done.ID))["likes"])
	assert.NotNil(t, w.get(done.ID).CompletedAt)
	assert.Equal(t, map[string]erasure.HolderState{"auth": "erased", "likes": "retired", "pizza": "pending"}, states(w.get(open.ID)))
	assert.Nil(t, w.get(open.ID).CompletedAt)
	assert.NotContains(t, states(w.erasure(w.person("eve").ID)), "likes")
}

func TestAfterAllAreTakenOutNobodyIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.register("pizza")
	w.retire("pizza")
	assert.NotNil(t, w.erasure(w.person("ada").ID).CompletedAt)
}

func TestARetiredHolderCanComeBackAndCanStillAnswer(t *testing.T) {
	w := newWorld(t)
	w.register("pizza", "likes")
	e := w.erasure(w.person("ada").ID)
	w.retire("likes")
	require.NoError(t, w.receive(e, "likes", 4))
	assert.Equal(t, erasure.HolderRetired, states(w.get(e.ID))["likes"], "nobody waits for it")
	w.register("likes")
	assert.Equal(t, erasure.HolderPending, states(w.get(e.ID))["likes"])
	require.NoError(t, w.receive(e, "likes", 0))
	assert.Equal(t, erasure.HolderErased, states(w.get(e.ID))["likes"])
	assert.Contains(t, states(w.erasure(w.person("bob").ID)), "likes")
}

// A holder registers while people are deleted: each erasure either saw it or is seen by it.
func TestNoErasureFallsBetweenAHoldersRegistration(t *testing.T) {
	w := newWorld(t)
	w.register("first")
	var people []erasure.Erasure
	for i := range 12 {
		people = append(people, newErasure(w.person(fmt.Sprint("p", i)).ID))
	}
	var wait sync.WaitGroup
	for i, e := range people {
		wait.Go(func() {
			_, err := w.ledger.Begin(w.ctx(), e, whatever)
			assert.NoError(t, err)
		})
		if i%4 == 2 {
			wait.Go(func() { assert.NoError(t, w.ledger.Register(w.ctx(), []string{"first", fmt.Sprint("late", i)})) })
		}
	}
	wait.Wait()
	for _, e := range people {
		assert.Len(t, states(w.get(e.ID)), 5, "auth, first and three that came late")
	}
}

// The last receipt comes while the other holder is taken out: each would see the other as pending, and complete nothing.
func TestARetirementAndAReceiptAtOnceCompleteAnErasure(t *testing.T) {
	w := newWorld(t)
	for i := range 20 {
		gone := fmt.Sprint("gone", i)
		w.register("pizza", gone)
		e := w.erasure(w.person(fmt.Sprint("p", i)).ID)
		var wait sync.WaitGroup
		wait.Go(func() { assert.NoError(t, w.receive(e, "pizza", 0)) })
		wait.Go(func() { assert.NoError(t, w.ledger.Retire(w.ctx(), []string{gone})) })
		wait.Wait()
		assert.NotNil(t, w.get(e.ID).CompletedAt)
	}
}
