package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
	"github.com/tizza/tizza/services/likes/internal/httpapi"
	"github.com/tizza/tizza/services/likes/internal/like"
	"github.com/tizza/tizza/services/likes/internal/postgres"
)

// menu has the pizzas 1 to 20.
type menu struct{}

func (menu) Exists(_ context.Context, id int64) (bool, error) { return id <= 20, nil }

func (menu) Find(_ context.Context, ids []int64) (map[int64]like.Pizza, error) {
	found := map[int64]like.Pizza{}
	for _, id := range ids {
		if id != 13 {
			found[id] = like.Pizza{ID: id, Title: fmt.Sprintf("Pizza %d", id)}
		}
	}
	return found, nil
}

const bearer = "Bearer b3BlcmF0b3I6c2VjcmV0" // operator:secret

func serve(t *testing.T) http.Handler {
	t.Helper()
	return serveWith(t, menu{})
}

func serveWith(t *testing.T, pizzas like.Pizzas) http.Handler {
	t.Helper()
	return servePages(t, pizzas, setting.NewLive(5))
}

func servePages(t *testing.T, pizzas like.Pizzas, size setting.Live[int]) http.Handler {
	t.Helper()
	t.Parallel()
	spec, err := os.ReadFile("../../openapi.yaml")
	require.NoError(t, err)
	callers, err := identity.New(identity.Config{
		ClientTokens: `{"operator":"secret"}`, SessionKeys: "k:dGl6emEgZGV2ZWxvcG1lbnQgc2Vzc2lvbiBrZXkgISE=", Cookie: "pizza-auth",
	}, "likes")
	require.NoError(t, err)
	server, err := httpserver.New(httpserver.Options{
		Service: "likes", Config: httpserver.Config{Addr: "127.0.0.1:0", PageSize: size}, Spec: spec, Messages: httpapi.Messages(), Identity: callers,
	})
	require.NoError(t, err)
	store := postgres.NewStore(servertest.Postgres(t, postgres.Schemas()...), erasure.NewHolder("secret", postgres.Register()))
	httpapi.Register(server, like.NewService(store, pizzas), size)
	return server.Handler()
}

type answer struct {
	*httptest.ResponseRecorder
	body map[string]any
}

// call sends the body as JSON unless a header, of which there may be name and value after name and value, says otherwise.
func call(t *testing.T, handler http.Handler, method, path, body string, headers ...string) answer {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	request.Header.Set("Authorization", bearer)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	a := answer{ResponseRecorder: httptest.NewRecorder()}
	handler.ServeHTTP(a, request)
	if strings.HasSuffix(a.Header().Get("Content-Type"), "json") {
		require.NoError(t, json.Unmarshal(a.Body.Bytes(), &a.body), "%s", a.Body)
	}
	return a
}

func TestTheLifeOfALike(t *testing.T) {
	handler, ann := serve(t), uuid.NewString()

	made := call(t, handler, "POST", "/api/v1/likes", `{"user":"`+ann+`","pizza":1}`)
	require.Equal(t, http.StatusCreated, made.Code, "%s", made.Body)
	place := made.Header().Get("Location")
	assert.Equal(t, made.body, call(t, handler, "GET", place, "").body)

	again := call(t, handler, "POST", "/api/v1/likes", `{"user":"`+ann+`","pizza":1}`)
	assert.Equal(t, http.StatusConflict, again.Code)
	missing := call(t, handler, "POST", "/api/v1/likes", `{"user":"`+ann+`","pizza":99}`)
	assert.Equal(t, http.StatusBadRequest, missing.Code)
	assert.Contains(t, missing.Body.String(), `"field":"pizza"`)

	back, err := json.Marshal(made.body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, call(t, handler, "PUT", place, string(back)).Code, "what GET gave can be PUT back")
	changed := call(t, handler, "PATCH", place, `{"pizza":2}`)
	assert.EqualValues(t, 2, changed.body["pizza"])

	assert.Equal(t, http.StatusNoContent, call(t, handler, "DELETE", place, "").Code)
	assert.Equal(t, http.StatusNotFound, call(t, handler, "GET", place, "").Code)
	assert.Equal(t, http.StatusCreated, call(t, handler, "PUT", place, string(back)).Code)
}

func TestListsArePagedAndExpanded(t *testing.T) {
	handler := serve(t)
	for pizza := 10; pizza < 17; pizza++ {
		made := call(t, handler, "POST", "/api/v1/likes", fmt.Sprintf(`{"user":%q,"pizza":%d}`, uuid.NewString(), pizza))
		require.Equal(t, http.StatusCreated, made.Code)
	}
	first := call(t, handler, "GET", "/api/v1/likes?expand=pizza", "")
	assert.EqualValues(t, 7, first.body["count"])
	results := first.body["results"].([]any)
	require.Len(t, results, 5)
	assert.Equal(t, "Pizza 10", results[0].(map[string]any)["pizza"].(map[string]any)["title"])
	assert.Nil(t, results[3].(map[string]any)["pizza"], "a pizza that is gone is null")
	assert.Contains(t, first.Header().Get("Link"), `rel="next"`)

	second := call(t, handler, "GET", first.body["next"].(string), "")
	assert.Len(t, second.body["results"], 2)
	assert.Nil(t, second.body["next"])
	back := call(t, handler, "GET", second.body["previous"].(string), "")
	assert.Equal(t, results, back.body["results"])
}

func TestThePageSizeMayChangeBetweenRequests(t *testing.T) {
	settings, err := setting.Open(httpserver.Config{Addr: "127.0.0.1:0", PageSize: setting.NewLive(5)})
	require.NoError(t, err)
	handler := servePages(t, menu{}, settings.Config().PageSize)
	for pizza := 1; pizza < 7; pizza++ {
		made := call(t, handler, "POST", "/api/v1/likes", fmt.Sprintf(`{"user":%q,"pizza":%d}`, uuid.NewString(), pizza))
		require.Equal(t, http.StatusCreated, made.Code)
	}
	first := call(t, handler, "GET", "/api/v1/likes", "")
	require.Len(t, first.body["results"], 5)
	require.NoError(t, settings.Override("PAGE_SIZE", "2"))
	assert.Len(t, call(t, handler, "GET", "/api/v1/likes", "").body["results"], 2)
	assert.Len(t, call(t, handler, "GET", "/api/v1/likes", "", "If-None-Match", first.Header().Get("ETag")).body["results"], 2, "that is another page")
	assert.Len(t, call(t, handler, "GET", first.body["next"].(string), "").body["results"], 1, "links stay what they were")
	require.Error(t, settings.Override("PAGE_SIZE", "101"))
	require.NoError(t, settings.Restore("PAGE_SIZE"))
	assert.Len(t, call(t, handler, "GET", "/api/v1/likes", "").body["results"], 5)
}

func TestCountsAreForAnyone(t *testing.T) {
	handler := serve(t)
	call(t, handler, "POST", "/api/v1/likes", `{"user":"`+uuid.NewString()+`","pizza":3}`)
	request := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/likes/counts?pizza=3&pizza=4", nil)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	assert.JSONEq(t, `{"results":[{"pizza":3,"count":1},{"pizza":4,"count":0}]}`, recorder.Body.String())
}

func TestCountsTakeNothingButGet(t *testing.T) {
	handler := serve(t)
	for _, method := range []string{"PUT", "PATCH", "DELETE", "POST"} {
		answer := call(t, handler, method, "/api/v1/likes/counts", `{"pizza":1}`)
		assert.Equal(t, http.StatusMethodNotAllowed, answer.Code, method)
		assert.Equal(t, "GET, HEAD, OPTIONS", answer.Header().Get("Allow"), method)
	}
}

func TestWithoutACallerLikesAreClosed(t *testing.T) {
	handler := serve(t)
	for _, path := range []string{"/api/v1/likes", "/api/v1/likes/1"} {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
		assert.Equal(t, http.StatusUnauthorized, recorder.Code)
		assert.Equal(t, "application/problem+json", recorder.Header().Get("Content-Type"))
	}
}
