package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPizzas(t *testing.T) {
	t.Parallel()
	ada, bob := uuid.New(), uuid.New()
	t.Run("a person uploads a pizza, and anyone reads it", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		created := s.do(person(ada), "POST", "/pizzas", `{"title":"Funghi","description":"with mushrooms","image_url":"https://pizza.test/1.png"}`)
		require.Equal(t, http.StatusCreated, created.Code, created.Body)
		location := created.Header().Get("Location")
		assert.Equal(t, fmt.Sprintf("/api/v1/pizzas/%v", created.json["id"]), location)
		assert.Equal(t, ada.String(), created.json["creator"])

		read := s.do(anyone, "GET", strings.TrimPrefix(location, "/api/v1"), "")
		require.Equal(t, http.StatusOK, read.Code)
		assert.Equal(t, created.json, read.json)
		assert.Len(t, read.json, 7)
	})
	t.Run("what GET gave can be put back", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		got := s.do(person(ada), "PUT", "/pizzas/7", `{"title":"Funghi"}`)
		require.Equal(t, http.StatusCreated, got.Code)
		assert.Equal(t, "/api/v1/pizzas/7", got.Header().Get("Location"))
		put := s.do(person(ada), "PUT", "/pizzas/7", got.Body.String())
		require.Equal(t, http.StatusOK, put.Code, put.Body)
		delete(got.json, "updated_at")
		delete(put.json, "updated_at")
		assert.Equal(t, got.json, put.json)
	})
	t.Run("a patch tells null from nothing", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		require.Equal(t, http.StatusCreated, s.do(person(ada), "PUT", "/pizzas/7", `{"title":"Funghi"}`).Code)
		silent := s.do(service, "PATCH", "/pizzas/7", `{"title":"Salami"}`)
		require.Equal(t, http.StatusOK, silent.Code, silent.Body)
		assert.Equal(t, ada.String(), silent.json["creator"])
		null := s.do(service, "PATCH", "/pizzas/7", `{"creator":null}`)
		require.Equal(t, http.StatusOK, null.Code, null.Body)
		assert.Nil(t, null.json["creator"])
		assert.Equal(t, "Salami", null.json["title"])
	})
	t.Run("others may not touch it", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		require.Equal(t, http.StatusCreated, s.do(person(ada), "PUT", "/pizzas/7", `{"title":"Funghi"}`).Code)
		for caller, status := range map[*caller]int{&anyone: http.StatusUnauthorized, new(person(bob)): http.StatusForbidden} {
			for _, verb := range []string{"PUT", "PATCH", "DELETE"} {
				assert.Equal(t, status, s.do(*caller, verb, "/pizzas/7", `{"title":"Salami"}`).Code, verb)
			}
		}
		assert.Equal(t, http.StatusForbidden, s.do(person(bob), "POST", "/pizzas", `{"title":"x","creator":"`+ada.String()+`"}`).Code)
		assert.Equal(t, http.StatusUnauthorized, s.do(anyone, "POST", "/pizzas", `{"title":"x"}`).Code)
		assert.Equal(t, "Funghi", s.do(anyone, "GET", "/pizzas/7", "").json["title"])
	})
	t.Run("a deleted pizza is not found", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		require.Equal(t, http.StatusCreated, s.do(person(ada), "PUT", "/pizzas/7", `{"title":"Funghi"}`).Code)
		require.Equal(t, http.StatusNoContent, s.do(person(ada), "DELETE", "/pizzas/7", "").Code)
		gone := s.do(anyone, "GET", "/pizzas/7", "")
		assert.Equal(t, http.StatusNotFound, gone.Code)
		assert.Equal(t, "Not found.", gone.json["detail"])
	})
	t.Run("every bad field is named at once", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		bad := s.do(service, "POST", "/pizzas", fmt.Sprintf(`{"title":%q,"image_url":"javascript:alert(1)","creator":"x","size":3}`, strings.Repeat("x", 121)))
		require.Equal(t, http.StatusBadRequest, bad.Code)
		assert.ElementsMatch(t, []string{"title", "image_url", "creator", "size"}, bad.fields(t))
	})
}

func TestListPizzas(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ada := uuid.New()
	for id := 1; id <= 7; id++ {
		body, err := json.Marshal(map[string]any{"title": fmt.Sprintf("Pizza %d", id), "creator": map[bool]any{true: ada, false: nil}[id < 3]})
		require.NoError(t, err)
		require.Equal(t, http.StatusCreated, s.do(service, "PUT", fmt.Sprintf("/pizzas/%d", id), string(body)).Code)
	}
	for _, test := range []struct {
		name, query string
		count       int
		ids         []float64
	}{
		{"a page has five unless more are asked for", "", 7, []float64{1, 2, 3, 4, 5}},
		{"an offset passes over some", "?limit=2&offset=3", 7, []float64{4, 5}},
		{"ids", "?ids=3,1,99", 2, []float64{1, 3}},
		{"creator", "?creator=" + ada.String(), 2, []float64{1, 2}},
		{"text", "?q=ZZA%207", 1, []float64{7}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			list := s.do(anyone, "GET", "/pizzas"+test.query, "")
			require.Equal(t, http.StatusOK, list.Code, list.Body)
			assert.EqualValues(t, test.count, list.json["count"])
			ids := []float64{}
			for _, p := range list.json["results"].([]any) {
				ids = append(ids, p.(map[string]any)["id"].(float64))
			}
			assert.Equal(t, test.ids, ids)
		})
	}
	for _, query := range []string{"ids=1,x", "ids=0", "ids=", "creator=x", "limit=-1", "ids=" + strings.Repeat("1,", 100) + "1"} {
		t.Run("this is no filter: "+query[:min(10, len(query))], func(t *testing.T) {
			t.Parallel()
			bad := s.do(anyone, "GET", "/pizzas?"+query, "")
			require.Equal(t, http.StatusBadRequest, bad.Code, bad.Body)
			name, _, _ := strings.Cut(query, "=")
			require.Len(t, bad.fields(t), 1)
			assert.Regexp(t, "^"+name+`(\.0)?$`, bad.fields(t)[0])
		})
	}
}
