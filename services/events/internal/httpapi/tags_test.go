package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// want is do, of which one status is right.
func (s server) want(status int, as caller, method, path, body string, headers ...string) answer {
	s.t.Helper()
	a := s.do(as, method, path, body, headers...)
	require.Equal(s.t, status, a.Code, "%s %s %v: %s", method, path, headers, a.Body)
	return a
}

func TestTagsOfEventsAndAnswers(t *testing.T) {
	t.Parallel()
	ada := uuid.New()
	answer := "/events/7/attendances/" + ada.String()
	for _, thing := range []struct{ name, path, first, second, third string }{
		{"an event", "/events/7", picnic, strings.Replace(picnic, "Picnic", "Dinner", 1), strings.Replace(picnic, "Picnic", "Breakfast", 1)},
		{"an answer", answer, `{"status":"maybe"}`, `{"status":"going"}`, `{"status":"declined"}`},
	} {
		t.Run(thing.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, menu{}, nil)
			if thing.path == answer {
				s.want(http.StatusCreated, service, "PUT", "/events/7", picnic)
			}
			s.want(http.StatusPreconditionFailed, person(ada), "PUT", thing.path, thing.first, "If-Match", "*")
			s.want(http.StatusNotFound, person(ada), "DELETE", thing.path, "", "If-Match", "*")
			made := s.want(http.StatusCreated, person(ada), "PUT", thing.path, thing.first, "If-None-Match", "*")
			require.Regexp(t, `^"\d+\.[\w-]+\.json"$`, made.tag())
			assert.Equal(t, made.tag(), s.want(http.StatusOK, person(ada), "GET", thing.path, "").tag())
			same := s.want(http.StatusNotModified, person(ada), "GET", thing.path, "", "If-None-Match", made.tag())
			assert.Equal(t, made.tag(), same.tag())
			assert.Empty(t, same.Body.String())

			now := s.want(http.StatusOK, person(ada), "PUT", thing.path, thing.second, "If-Match", made.tag())
			assert.NotEqual(t, made.tag(), now.tag())
			again := s.want(http.StatusOK, person(ada), "PUT", thing.path, thing.second)
			assert.Equal(t, now.tag(), again.tag(), "what is there already is not written")
			assert.Equal(t, now.json, again.json)
			s.want(http.StatusOK, person(ada), "GET", thing.path, "", "If-None-Match", made.tag())
			for _, late := range [][]string{{"If-Match", made.tag()}, {"If-Match", "W/" + now.tag()}, {"If-None-Match", "*"}, {"If-None-Match", now.tag()}} {
				s.want(http.StatusPreconditionFailed, person(ada), "PUT", thing.path, thing.third, late...)
				s.want(http.StatusPreconditionFailed, person(ada), "DELETE", thing.path, "", late...)
				s.want(http.StatusForbidden, person(uuid.New()), "PUT", thing.path, thing.third, late...)
			}
			assert.Equal(t, now.tag(), s.want(http.StatusOK, person(ada), "GET", thing.path, "").tag(), "nothing of that changed anything")
			s.want(http.StatusNoContent, person(ada), "DELETE", thing.path, "", "If-Match", now.tag())
		})
	}
}

func TestAPatchHasConditions(t *testing.T) {
	t.Parallel()
	ada := uuid.New()
	s := serve(t, menu{}, nil)
	made := s.want(http.StatusCreated, person(ada), "POST", "/events", picnic)
	path := strings.TrimPrefix(made.Header().Get("Location"), "/api/v1")
	now := s.want(http.StatusOK, person(ada), "PATCH", path, `{"place":"home"}`, "If-Match", made.tag(), "Content-Type", "application/merge-patch+json")
	s.want(http.StatusPreconditionFailed, person(ada), "PATCH", path, `{"place":"away"}`, "If-Match", made.tag())
	again := s.want(http.StatusOK, person(ada), "PATCH", path, `{"place":"home"}`, "If-Match", now.tag())
	assert.Equal(t, now.tag(), again.tag(), "what is there already is not written")
	assert.Equal(t, now.json, again.json)
	null := s.want(http.StatusOK, person(ada), "PATCH", path, `{"description":null}`)
	assert.Empty(t, null.json["description"])
	assert.Equal(t, []string{"place"}, s.want(http.StatusBadRequest, person(ada), "PATCH", path, `{"place":null}`).fields(t))
	s.want(http.StatusNotFound, person(ada), "PATCH", "/events/404", `{"place":"home"}`, "If-Match", "*")
}

func TestAHostWhomAPutLeavesUnsaidStays(t *testing.T) {
	t.Parallel()
	ada := uuid.New()
	s := serve(t, menu{}, nil)
	s.want(http.StatusCreated, person(ada), "PUT", "/events/7", picnic)
	kept := s.want(http.StatusOK, service, "PUT", "/events/7", strings.Replace(picnic, "Picnic", "Dinner", 1))
	assert.Equal(t, ada.String(), kept.json["host"])
	house := s.want(http.StatusOK, service, "PUT", "/events/7", strings.Replace(picnic, "{", `{"host":null,`, 1))
	assert.Nil(t, house.json["host"])
}

func TestListsHaveTagsAndAreWalkedByCursor(t *testing.T) {
	t.Parallel()
	ada := uuid.New()
	s := serve(t, menu{1: "one"}, taste{})
	s.want(http.StatusCreated, person(ada), "PUT", "/events/7", picnic)
	people := []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
	for i, user := range people {
		s.want(http.StatusCreated, service, "PUT", "/events/7/attendances/"+user.String(), `{"status":"maybe"}`)
		s.want(http.StatusCreated, service, "PUT", "/events/"+string(rune('1'+i)), picnic)
	}
	for path, change := range map[string][]string{
		"/events":               {"PATCH", "/events/1", `{"place":"home"}`},
		"/events/7/attendances": {"PUT", "/events/7/attendances/" + people[0].String(), `{"status":"going"}`},
	} {
		first := s.want(http.StatusOK, service, "GET", path+"?limit=2", "")
		s.want(http.StatusNotModified, service, "GET", path+"?limit=2", "", "If-None-Match", first.tag())
		next, _ := first.json["next"].(string)
		require.Contains(t, next, "cursor=")
		second := s.want(http.StatusOK, service, "GET", strings.TrimPrefix(next, "http://example.com/api/v1"), "")
		assert.NotEqual(t, first.json["results"], second.json["results"])
		previous, _ := second.json["previous"].(string)
		back := s.want(http.StatusOK, service, "GET", strings.TrimPrefix(previous, "http://example.com/api/v1"), "")
		assert.Equal(t, first.json["results"], back.json["results"])

		s.want(http.StatusOK, service, change[0], change[1], change[2])
		s.want(http.StatusOK, service, "GET", path+"?limit=2", "", "If-None-Match", first.tag())
	}
	suggestions := s.want(http.StatusOK, service, "GET", "/events/7/suggestions", "")
	s.want(http.StatusNotModified, service, "GET", "/events/7/suggestions", "", "If-None-Match", suggestions.tag())
}
