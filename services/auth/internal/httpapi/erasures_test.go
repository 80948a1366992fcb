package httpapi_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/services/auth/internal/erasure"
)

type erasureBody struct {
	ID          string
	State       string
	RequestedAt time.Time  `json:"requested_at"`
	DueAt       time.Time  `json:"due_at"`
	CompletedAt *time.Time `json:"completed_at"`
	Holders     []struct {
		Service  string
		State    string
		Deleted  map[string]int
		Left     *int
		ErasedAt *time.Time `json:"erased_at"`
	}
}

func (w *world) forget(by caller, p person) erasureBody {
	w.Helper()
	a := w.status(http.StatusAccepted, by, "DELETE", p.path(), nil)
	var e erasureBody
	a.into(w, &e)
	require.Equal(w, "/api/v1/erasures/"+e.ID, a.Header.Get("Location"))
	return e
}

func TestAPersonIsForgottenAndAnyoneWithTheIDSeesHowFarThatIs(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.ledger.Register(t.Context(), []string{"auth", "pizza"}))
	ada := w.person("ada", false)
	a := w.status(http.StatusAccepted, ada.as, "DELETE", ada.path(), nil)
	expired(t, a)
	var begun, seen erasureBody
	a.into(t, &begun)
	assert.Regexp(t, "^[0-9a-f]{32}$", begun.ID)
	w.status(http.StatusOK, anyone, "GET", "/erasures/"+begun.ID, nil).into(t, &seen)
	assert.Equal(t, begun, seen)
	assert.Equal(t, "pending", seen.State)
	assert.Equal(t, 30*24*time.Hour, seen.DueAt.Sub(seen.RequestedAt))
	require.Len(t, seen.Holders, 2)
	assert.Equal(t, "erased", seen.Holders[0].State)
	assert.Equal(t, map[string]int{"users": 1, "sessions": 1}, seen.Holders[0].Deleted)
	assert.Equal(t, "pending", seen.Holders[1].State)
	assert.Nil(t, seen.Holders[1].Left)

	require.NoError(t, w.ledger.Receive(t.Context(), "queue", erasure.Receipt{
		Message: uuid.New(), Erasure: begun.ID, Person: ada.id, Service: "pizza", Deleted: map[string]int32{"pizzas": 2}, ErasedAt: time.Now(),
	}))
	w.status(http.StatusOK, anyone, "GET", "/erasures/"+begun.ID, nil).into(t, &seen)
	assert.Equal(t, "complete", seen.State)
	assert.NotNil(t, seen.CompletedAt)
	assert.Equal(t, map[string]int{"pizzas": 2}, seen.Holders[1].Deleted)
	assert.Equal(t, new(int), seen.Holders[1].Left)
}

func TestAForgottenPersonIsGoneForAdminsAndTheirSessionIsDead(t *testing.T) {
	w := newWorld(t)
	ada, boss, eve := w.person("ada", false), w.person("boss", true), w.person("eve", false)
	w.status(http.StatusForbidden, eve.as, "DELETE", ada.path(), nil)
	w.status(http.StatusUnauthorized, anyone, "DELETE", ada.path(), nil)
	first := w.forget(ada.as, ada)
	for _, by := range []caller{boss.as, operator} {
		assert.Equal(t, first.ID, w.forget(by, ada).ID, "the same again is the same erasure")
		w.status(http.StatusGone, by, "GET", ada.path(), nil)
		w.status(http.StatusGone, by, "PUT", ada.path(), object{"username": "ada", "email": "a@example.org", "password": secret})
		w.status(http.StatusGone, by, "PATCH", ada.path(), object{"username": "ada"})
		w.status(http.StatusGone, by, "DELETE", ada.path()+"/sessions", nil)
	}
	for _, method := range []string{"GET", "DELETE"} {
		w.status(http.StatusUnauthorized, ada.as, method, ada.path(), nil)
		w.status(http.StatusForbidden, eve.as, method, ada.path(), nil)
	}
	w.status(http.StatusUnauthorized, anyone, "POST", "/sessions", object{"username": "ada", "password": secret})
	w.status(http.StatusCreated, anyone, "POST", "/users", object{"username": "ada", "email": "a@example.org", "password": secret})
}

func TestDeletionsAtOnceAreOneErasure(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada", false)
	answers := make([]answer, 6)
	var wait sync.WaitGroup
	for i := range answers {
		by := operator
		if i%2 == 0 {
			by = ada.as
		}
		wait.Go(func() { answers[i] = w.send(by, "DELETE", ada.path(), nil) })
	}
	wait.Wait()
	ids := map[string]bool{}
	for i, a := range answers {
		if i%2 == 0 && a.StatusCode == http.StatusUnauthorized {
			continue // the cookie was dead already
		}
		require.Equal(t, http.StatusAccepted, a.StatusCode, "%s", a.body)
		var e erasureBody
		a.into(t, &e)
		ids[e.ID] = true
	}
	assert.Len(t, ids, 1)
}

func TestErasuresAreListedTheNewestFirst(t *testing.T) {
	w := newWorld(t)
	first, second := w.forget(operator, w.person("ada", false)), w.forget(operator, w.person("bob", false))
	var list struct {
		Count   int
		Results []erasureBody
	}
	w.status(http.StatusOK, operator, "GET", "/erasures", nil).into(t, &list)
	assert.Equal(t, 2, list.Count)
	assert.Equal(t, []erasureBody{second, first}, list.Results)
}

func TestAnUnknownErasureIsNotFound(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{strings.Repeat("0", 32), "nonsense", uuid.NewString()} {
		a := w.status(http.StatusNotFound, anyone, "GET", "/erasures/"+id, nil)
		assert.Equal(t, "Not found.", a.detail(t))
	}
}
