package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/services/likes/internal/like"
)

func (a answer) tag() string { return a.Header().Get("ETag") }

// want is call, of which one status is right.
func want(t *testing.T, status int, handler http.Handler, method, path, body string, headers ...string) answer {
	t.Helper()
	a := call(t, handler, method, path, body, headers...)
	require.Equal(t, status, a.Code, "%s %s %v: %s", method, path, headers, a.Body)
	return a
}

func TestTheTagsOfALike(t *testing.T) {
	handler := serve(t)
	const path = "/api/v1/likes/7"
	of := func(pizza int) string {
		return fmt.Sprintf(`{"user":"a0000000-0000-4000-8000-000000000000","pizza":%d}`, pizza)
	}
	want(t, http.StatusNotFound, handler, "PATCH", path, of(1), "If-Match", "*")
	want(t, http.StatusNotFound, handler, "DELETE", path, "", "If-Match", "*")
	want(t, http.StatusPreconditionFailed, handler, "PUT", path, of(1), "If-Match", "*")
	made := want(t, http.StatusCreated, handler, "PUT", path, of(1), "If-None-Match", "*")
	require.Regexp(t, `^"\d+\.[\w-]+\.json"$`, made.tag())
	assert.Equal(t, made.tag(), want(t, http.StatusOK, handler, "GET", path, "").tag())
	same := want(t, http.StatusNotModified, handler, "GET", path, "", "If-None-Match", made.tag())
	assert.Equal(t, made.tag(), same.tag())
	assert.Empty(t, same.Body.String())
	assert.Equal(t, made.tag(), want(t, http.StatusOK, handler, "PUT", path, of(1)).tag(), "what is there already is not written")

	now := want(t, http.StatusOK, handler, "PATCH", path, of(2), "If-Match", made.tag())
	assert.NotEqual(t, made.tag(), now.tag())
	want(t, http.StatusOK, handler, "GET", path, "", "If-None-Match", made.tag())
	for _, late := range [][]string{{"If-Match", made.tag()}, {"If-Match", "W/" + now.tag()}, {"If-None-Match", "*"}, {"If-None-Match", now.tag()}} {
		want(t, http.StatusPreconditionFailed, handler, "PUT", path, of(3), late...)
		want(t, http.StatusPreconditionFailed, handler, "PATCH", path, of(3), late...)
		want(t, http.StatusPreconditionFailed, handler, "DELETE", path, "", late...)
	}
	assert.Equal(t, now.tag(), want(t, http.StatusOK, handler, "GET", path, "").tag(), "nothing of that changed anything")
	want(t, http.StatusNoContent, handler, "DELETE", path, "", "If-Match", now.tag())
}

func TestWhoLikesSomethingStaysWhereThatIsNotSaid(t *testing.T) {
	handler := serve(t)
	ann := uuid.NewString()
	want(t, http.StatusCreated, handler, "PUT", "/api/v1/likes/7", `{"user":"`+ann+`","pizza":1}`)
	put := want(t, http.StatusOK, handler, "PUT", "/api/v1/likes/7", `{"pizza":2}`)
	assert.Equal(t, ann, put.body["user"])
	patched := want(t, http.StatusOK, handler, "PATCH", "/api/v1/likes/7", `{"user":null}`)
	assert.Equal(t, put.body, patched.body)
	want(t, http.StatusBadRequest, handler, "PATCH", "/api/v1/likes/7", `{"pizza":null}`)
	want(t, http.StatusBadRequest, handler, "PUT", "/api/v1/likes/8", `{"pizza":2}`)
}

func TestListsAndCountsHaveTags(t *testing.T) {
	handler := serve(t)
	made := want(t, http.StatusCreated, handler, "POST", "/api/v1/likes", `{"user":"`+uuid.NewString()+`","pizza":1}`)
	for i, path := range []string{"/api/v1/likes", "/api/v1/likes?pizza=2", "/api/v1/likes/counts?pizza=1&pizza=4"} {
		tag := want(t, http.StatusOK, handler, "GET", path, "").tag()
		want(t, http.StatusNotModified, handler, "GET", path, "", "If-None-Match", tag)
		want(t, http.StatusOK, handler, "PATCH", made.Header().Get("Location"), fmt.Sprintf(`{"pizza":%d}`, 2+i))
		want(t, http.StatusOK, handler, "GET", path, "", "If-None-Match", tag)
	}
}

// card is a menu on which prices change, as it were.
type card struct {
	menu
	edition *atomic.Int64
}

func (c card) Find(_ context.Context, ids []int64) (map[int64]like.Pizza, error) {
	found := map[int64]like.Pizza{}
	for _, id := range ids {
		found[id] = like.Pizza{ID: id, Title: fmt.Sprint("Pizza, edition ", c.edition.Load())}
	}
	return found, nil
}

func TestALikeWithItsPizzaChangesWithEither(t *testing.T) {
	pizzas := card{edition: &atomic.Int64{}}
	handler := serveWith(t, pizzas)
	made := want(t, http.StatusCreated, handler, "POST", "/api/v1/likes", `{"user":"`+uuid.NewString()+`","pizza":1}`)
	place := made.Header().Get("Location")
	alone := want(t, http.StatusOK, handler, "GET", "/api/v1/likes", "").tag()
	want(t, http.StatusOK, handler, "GET", "/api/v1/likes?expand=pizza", "", "If-None-Match", alone)
	for i, path := range []string{place + "?expand=pizza", "/api/v1/likes?expand=pizza"} {
		tag := want(t, http.StatusOK, handler, "GET", path, "").tag()
		assert.NotEqual(t, made.tag(), tag)
		want(t, http.StatusNotModified, handler, "GET", path, "", "If-None-Match", tag)
		pizzas.edition.Add(1)
		tag = want(t, http.StatusOK, handler, "GET", path, "", "If-None-Match", tag).tag()
		want(t, http.StatusOK, handler, "PATCH", place, fmt.Sprintf(`{"pizza":%d}`, 2+i))
		want(t, http.StatusOK, handler, "GET", path, "", "If-None-Match", tag)
	}
}
