package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/services/events/internal/event"
)

// menu is the pizzas that there are, by their titles; a nil one is a service that is down.
type menu map[int64]string

func (m menu) Exists(_ context.Context, id int64) (bool, error) {
	if m == nil {
		return false, fault.Unavailable("The pizza service is not available right now.", nil)
	}
	return m[id] != "", nil
}

func (m menu) Find(_ context.Context, ids []int64) (map[int64]event.Pizza, error) {
	found := map[int64]event.Pizza{}
	for _, id := range ids {
		if m[id] != "" {
			found[id] = event.Pizza{ID: id, Title: m[id], CreatedAt: time.Now().UTC(), UpdatedAt: time.Now().UTC()}
		}
	}
	return found, nil
}

// taste is what people like.
type taste map[uuid.UUID][]int64

func (t taste) Of(_ context.Context, people []uuid.UUID) (map[uuid.UUID][]int64, error) {
	liked := map[uuid.UUID][]int64{}
	for _, person := range people {
		liked[person] = t[person]
	}
	return liked, nil
}

const picnic = `{"title":"Picnic","place":"the park","starts_at":"2026-07-01T14:00:00.123456789+02:00"}`

func TestEvents(t *testing.T) {
	t.Parallel()
	ada, bob := uuid.New(), uuid.New()
	t.Run("a person invites, and anyone reads it", func(t *testing.T) {
		t.Parallel()
		s := serve(t, menu{7: "Funghi"}, nil)
		created := s.do(person(ada), "POST", "/events", strings.Replace(picnic, "{", `{"pizza":7,"description":"bring a blanket",`, 1))
		require.Equal(t, http.StatusCreated, created.Code, created.Body)
		assert.Equal(t, fmt.Sprintf("/api/v1/events/%v", created.json["id"]), created.Header().Get("Location"))
		assert.Equal(t, ada.String(), created.json["host"])
		assert.EqualValues(t, 7, created.json["pizza"])
		assert.Equal(t, "2026-07-01T12:00:00.123456Z", created.json["starts_at"])

		read := s.do(anyone, "GET", fmt.Sprintf("/events/%v", created.json["id"]), "")
		require.Equal(t, http.StatusOK, read.Code)
		assert.Equal(t, created.json, read.json)
		assert.Len(t, read.json, 9)
	})
	t.Run("what GET gave can be put back", func(t *testing.T) {
		t.Parallel()
		s := serve(t, menu{}, nil)
		got := s.do(person(ada), "PUT", "/events/7", picnic)
		require.Equal(t, http.StatusCreated, got.Code, got.Body)
		put := s.do(person(ada), "PUT", "/events/7", got.Body.String())
		require.Equal(t, http.StatusOK, put.Code, put.Body)
		assert.Equal(t, got.json, put.json, "nothing has changed, so nothing is written")
	})
	t.Run("a patch tells null from nothing", func(t *testing.T) {
		t.Parallel()
		s := serve(t, menu{7: "Funghi"}, nil)
		require.Equal(t, http.StatusCreated, s.do(person(ada), "PUT", "/events/7", strings.Replace(picnic, "{", `{"pizza":7,`, 1)).Code)
		silent := s.do(person(ada), "PATCH", "/events/7", `{"title":"Dinner"}`)
		require.Equal(t, http.StatusOK, silent.Code, silent.Body)
		assert.EqualValues(t, 7, silent.json["pizza"])
		null := s.do(service, "PATCH", "/events/7", `{"pizza":null,"host":null}`)
		require.Equal(t, http.StatusOK, null.Code, null.Body)
		assert.Nil(t, null.json["pizza"])
		assert.Nil(t, null.json["host"])
		assert.Equal(t, "Dinner", null.json["title"])
	})
	t.Run("a pizza that does not exist is named, one that cannot be looked up is 503", func(t *testing.T) {
		t.Parallel()
		about := strings.Replace(picnic, "{", `{"pizza":8,`, 1)
		bad := serve(t, menu{}, nil).do(person(ada), "POST", "/events", about)
		require.Equal(t, http.StatusBadRequest, bad.Code)
		assert.Equal(t, []string{"pizza"}, bad.fields(t))
		down := serve(t, menu(nil), nil).do(person(ada), "POST", "/events", about)
		assert.Equal(t, http.StatusServiceUnavailable, down.Code)
		assert.NotEmpty(t, down.Header().Get("Retry-After"))
	})
	t.Run("others may not touch it", func(t *testing.T) {
		t.Parallel()
		s := serve(t, menu{}, nil)
		require.Equal(t, http.StatusCreated, s.do(person(ada), "PUT", "/events/7", picnic).Code)
		for _, verb := range []string{"PUT", "PATCH", "DELETE"} {
			assert.Equal(t, http.StatusUnauthorized, s.do(anyone, verb, "/events/7", picnic).Code, verb)
			assert.Equal(t, http.StatusForbidden, s.do(person(bob), verb, "/events/7", picnic).Code, verb)
		}
		require.Equal(t, http.StatusNoContent, s.do(person(ada), "DELETE", "/events/7", "").Code)
		assert.Equal(t, http.StatusNotFound, s.do(anyone, "GET", "/events/7", "").Code)
	})
	t.Run("every bad field is named at once", func(t *testing.T) {
		t.Parallel()
		bad := serve(t, menu{}, nil).do(service, "POST", "/events", `{"place":"","starts_at":"tomorrow","pizza":0,"host":"x","size":3}`)
		require.Equal(t, http.StatusBadRequest, bad.Code)
		assert.ElementsMatch(t, []string{"title", "place", "starts_at", "pizza", "host", "size"}, bad.fields(t))
	})
	t.Run("a list is cut to a time, whatever its zone", func(t *testing.T) {
		t.Parallel()
		s := serve(t, menu{}, nil)
		for hour := 10; hour < 13; hour++ {
			body := fmt.Sprintf(`{"title":"At %d","place":"x","starts_at":"2026-07-01T%d:00:00Z"}`, hour, hour)
			require.Equal(t, http.StatusCreated, s.do(person(ada), "POST", "/events", body).Code)
		}
		list := s.do(anyone, "GET", "/events?from=2026-07-01T11:00:00Z&to=2026-07-01T14:00:00%2B02:00", "")
		require.Equal(t, http.StatusOK, list.Code, list.Body)
		assert.EqualValues(t, 1, list.json["count"])
		for _, query := range []string{"from=now", "to=2026-07-01", "host=me", "limit=x"} {
			bad := s.do(anyone, "GET", "/events?"+query, "")
			require.Equal(t, http.StatusBadRequest, bad.Code, query)
			assert.Equal(t, query[:strings.Index(query, "=")], bad.fields(t)[0])
		}
	})
}

func TestAttendances(t *testing.T) {
	t.Parallel()
	ada, bob, cleo := uuid.New(), uuid.New(), uuid.New()
	s := serve(t, menu{}, nil)
	require.Equal(t, http.StatusCreated, s.do(person(ada), "PUT", "/events/7", picnic).Code)
	path := func(user uuid.UUID) string { return "/events/7/attendances/" + user.String() }

	t.Run("a person answers, and changes the answer", func(t *testing.T) {
		first := s.do(person(bob), "PUT", path(bob), `{"status":"maybe"}`)
		require.Equal(t, http.StatusCreated, first.Code, first.Body)
		assert.Equal(t, "/api/v1"+path(bob), first.Header().Get("Location"))
		again := s.do(person(bob), "PUT", path(bob), strings.Replace(first.Body.String(), "maybe", "going", 1))
		require.Equal(t, http.StatusOK, again.Code, again.Body)
		read := s.do(person(bob), "GET", path(bob), "")
		assert.Equal(t, again.json, read.json)
		assert.Len(t, read.json, 5)
		assert.Equal(t, "going", read.json["status"])
	})
	t.Run("services answer for anybody, people for nobody else, the host included", func(t *testing.T) {
		assert.Equal(t, http.StatusCreated, s.do(service, "PUT", path(cleo), `{"status":"declined"}`).Code)
		for _, verb := range []string{"PUT", "DELETE"} {
			assert.Equal(t, http.StatusForbidden, s.do(person(bob), verb, path(cleo), `{"status":"going"}`).Code)
			assert.Equal(t, http.StatusForbidden, s.do(person(ada), verb, path(cleo), `{"status":"going"}`).Code)
			assert.Equal(t, http.StatusUnauthorized, s.do(anyone, verb, path(cleo), `{"status":"going"}`).Code)
		}
	})
	t.Run("the host sees all answers, a guest their own, a stranger none", func(t *testing.T) {
		assert.Equal(t, http.StatusOK, s.do(person(ada), "GET", path(cleo), "").Code)
		assert.Equal(t, http.StatusForbidden, s.do(person(bob), "GET", path(cleo), "").Code)
		for user, count := range map[uuid.UUID]int{ada: 2, bob: 1, uuid.New(): 0} {
			list := s.do(person(user), "GET", "/events/7/attendances", "")
			require.Equal(t, http.StatusOK, list.Code)
			assert.EqualValues(t, count, list.json["count"])
			assert.Len(t, list.json["results"], count)
		}
		page := s.do(service, "GET", "/events/7/attendances?limit=1", "")
		assert.Len(t, page.json["results"], 1)
		assert.NotNil(t, page.json["next"])
		assert.Equal(t, http.StatusUnauthorized, s.do(anyone, "GET", "/events/7/attendances", "").Code)
	})
	t.Run("an answer is taken back", func(t *testing.T) {
		require.Equal(t, http.StatusNoContent, s.do(person(bob), "DELETE", path(bob), "").Code)
		assert.Equal(t, http.StatusNotFound, s.do(person(bob), "DELETE", path(bob), "").Code)
		assert.Equal(t, http.StatusNotFound, s.do(person(bob), "GET", path(bob), "").Code)
	})
	t.Run("there is nothing to say to an event that is not there, nor in other words", func(t *testing.T) {
		for _, verb := range []string{"GET", "PUT", "DELETE"} {
			gone := s.do(person(bob), verb, "/events/404/attendances/"+bob.String(), `{"status":"going"}`)
			assert.Equal(t, http.StatusNotFound, gone.Code, verb)
		}
		assert.Equal(t, http.StatusNotFound, s.do(person(bob), "GET", "/events/404/attendances", "").Code)
		bad := s.do(person(bob), "PUT", path(bob), `{"status":"perhaps"}`)
		require.Equal(t, http.StatusBadRequest, bad.Code)
		assert.Equal(t, []string{"status"}, bad.fields(t))
	})
}

func TestSuggestions(t *testing.T) {
	t.Parallel()
	ada, bob, cleo := uuid.New(), uuid.New(), uuid.New()
	likes := taste{ada: {1, 2, 3}, bob: {2, 3}, cleo: {4, 5, 6}}
	s := serve(t, menu{1: "one", 2: "two", 4: "four"}, likes) // three is gone
	require.Equal(t, http.StatusCreated, s.do(person(ada), "PUT", "/events/7", picnic).Code)
	for user, status := range map[uuid.UUID]string{ada: "going", bob: "maybe", cleo: "declined"} {
		answer := s.do(service, "PUT", "/events/7/attendances/"+user.String(), `{"status":"`+status+`"}`)
		require.Equal(t, http.StatusCreated, answer.Code, answer.Body)
	}
	get := func(t *testing.T, query string) []string {
		t.Helper()
		out := s.do(person(cleo), "GET", "/events/7/suggestions"+query, "")
		require.Equal(t, http.StatusOK, out.Code, out.Body)
		var body struct {
			Results []struct {
				Pizza map[string]any
				Likes int
			}
		}
		require.NoError(t, json.Unmarshal(out.Body.Bytes(), &body))
		titles := []string{}
		for _, r := range body.Results {
			assert.Len(t, r.Pizza, 7)
			titles = append(titles, fmt.Sprintf("%s %d", r.Pizza["title"], r.Likes))
		}
		return titles
	}
	t.Run("they are what those who come like most", func(t *testing.T) {
		assert.Equal(t, []string{"two 2", "one 1"}, get(t, ""))
		assert.Equal(t, []string{"two 2"}, get(t, "?limit=1"))
		assert.Empty(t, get(t, "?limit=0"))
	})
	t.Run("only for known callers, and events that are there", func(t *testing.T) {
		assert.Equal(t, http.StatusUnauthorized, s.do(anyone, "GET", "/events/7/suggestions", "").Code)
		assert.Equal(t, http.StatusNotFound, s.do(person(ada), "GET", "/events/8/suggestions", "").Code)
		assert.Equal(t, http.StatusBadRequest, s.do(person(ada), "GET", "/events/7/suggestions?limit=x", "").Code)
	})
}
