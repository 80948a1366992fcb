package httpapi_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	holding "github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
	"github.com/tizza/tizza/services/auth/internal/erasure"
	"github.com/tizza/tizza/services/auth/internal/httpapi"
	store "github.com/tizza/tizza/services/auth/internal/postgres"
	"github.com/tizza/tizza/services/auth/internal/user"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	sessionKey = "test:dGl6emEgZGV2ZWxvcG1lbnQgc2Vzc2lvbiBrZXkgISE="
	secret     = "correct horse battery"
)

// plain is user.Passwords without what hashing costs.
type plain struct{}

func (plain) Hash(_ context.Context, password string) (string, error) { return "#" + password, nil }

func (plain) Match(_ context.Context, hash, password string) (bool, error) {
	return hash == "#"+password, nil
}

// world is the API over a real database.
type world struct {
	*testing.T
	handler http.Handler
	router  routers.Router
	ledger  *store.Ledger
	log     *strings.Builder
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	database := servertest.Postgres(t, store.Schemas()...)
	holder := holding.NewHolder("test", store.Register(message.JSON))
	ledger := store.NewLedger(database, holder, store.Announcement{Format: message.JSON, V1: true})
	users := user.NewService(store.NewStore(database, holder, message.JSON), plain{}, time.Hour)
	callers, err := identity.New(identity.Config{ClientTokens: `{"operator": "secret"}`, SessionKeys: sessionKey}, "auth")
	require.NoError(t, err)
	callers.Check = users.Check
	spec, err := os.ReadFile("../../openapi.yaml")
	require.NoError(t, err)
	log := &strings.Builder{}
	server, err := httpserver.New(httpserver.Options{
		Service: "auth", Config: httpserver.Config{Addr: "127.0.0.1:0", PageSize: setting.NewLive(5)}, Spec: spec, Messages: httpapi.Messages(), Identity: callers,
		Log: slog.New(slog.NewJSONHandler(log, nil)),
	})
	require.NoError(t, err)
	httpapi.Register(server, users, erasure.NewService(ledger), callers, setting.NewLive(5))
	return &world{T: t, handler: server.Handler(), router: routerOf(t, spec), ledger: ledger, log: log}
}

func routerOf(t *testing.T, spec []byte) routers.Router {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(spec)
	require.NoError(t, err)
	router, err := legacy.NewRouter(doc)
	require.NoError(t, err)
	return router
}

// caller adds to a request who makes it.
type caller func(*http.Request)

func anyone(*http.Request) {}

func operator(r *http.Request) {
	r.Header.Set("Authorization", "Bearer "+base64.StdEncoding.EncodeToString([]byte("operator:secret")))
}

// asking is the caller with headers.
func asking(by caller, headers ...string) caller {
	return func(r *http.Request) {
		by(r)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
}

func with(cookie *http.Cookie) caller { return func(r *http.Request) { r.AddCookie(cookie) } }

// answer is what came back, already held against openapi.yaml.
type answer struct {
	*http.Response
	body []byte
}

// send sends the body as JSON, or bytes as they are.
func (w *world) send(by caller, method, path string, body any) answer {
	w.Helper()
	var reader io.Reader
	if body != nil {
		encoded, is := body.([]byte)
		if !is {
			var err error
			encoded, err = json.Marshal(body)
			require.NoError(w, err)
		}
		reader = bytes.NewReader(encoded)
	}
	r := httptest.NewRequestWithContext(w.Context(), method, "http://auth.test"+httpserver.Base+path, reader)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	by(r)
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, r)
	a := answer{recorder.Result(), recorder.Body.Bytes()}
	w.conforms(r, a)
	return a
}

func (w *world) conforms(r *http.Request, a answer) {
	w.Helper()
	plain := r.Clone(context.Background())
	plain.URL.Scheme, plain.URL.Host = "", ""
	route, parameters, err := w.router.FindRoute(plain)
	require.NoError(w, err)
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: plain, Route: route, PathParams: parameters},
		Status:                 a.StatusCode, Header: a.Header, Options: &openapi3filter.Options{
			IncludeResponseStatus: true, ExcludeResponseBody: !strings.HasSuffix(a.Header.Get("Content-Type"), "json"),
		},
	}
	input.SetBodyBytes(a.body)
	assert.NoError(w, openapi3filter.ValidateResponse(w.Context(), input), "%s %s: %s", r.Method, r.URL.Path, a.body)
}

// path is what send takes, of an address in an answer.
func (w *world) path(address string) string {
	w.Helper()
	path, found := strings.CutPrefix(address, "http://auth.test"+httpserver.Base)
	require.True(w, found, address)
	return path
}

func (a answer) tag() string { return a.Header.Get("ETag") }

func (a answer) into(t testing.TB, v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(a.body, v), "%s", a.body)
}

func (a answer) detail(t testing.TB) string {
	t.Helper()
	var p struct{ Detail string }
	a.into(t, &p)
	return p.Detail
}

// fields are those that a 400 complains about.
func (a answer) fields(t testing.TB) []string {
	t.Helper()
	var p struct{ Errors []struct{ Field string } }
	a.into(t, &p)
	var names []string
	for _, e := range p.Errors {
		names = append(names, e.Field)
	}
	return names
}

type object = map[string]any

// person is somebody who has signed up, and logged in.
type person struct {
	id     uuid.UUID
	name   string
	cookie *http.Cookie
	as     caller
}

func (p person) path() string { return "/users/" + p.id.String() }

func (w *world) person(name string, staff bool) person {
	w.Helper()
	a := w.send(operator, "POST", "/users", object{"username": name, "email": name + "@example.org", "password": secret, "staff": staff})
	require.Equal(w, http.StatusCreated, a.StatusCode, "%s", a.body)
	var body struct{ ID uuid.UUID }
	a.into(w, &body)
	cookie := w.logIn(name, secret)
	return person{id: body.ID, name: name, cookie: cookie, as: with(cookie)}
}

func (w *world) logIn(name, password string) *http.Cookie {
	w.Helper()
	a := w.send(anyone, "POST", "/sessions", object{"username": name, "password": password})
	require.Equal(w, http.StatusCreated, a.StatusCode, "%s", a.body)
	require.Len(w, a.Cookies(), 1)
	return a.Cookies()[0]
}

func (w *world) status(want int, by caller, method, path string, body any) answer {
	w.Helper()
	a := w.send(by, method, path, body)
	require.Equal(w, want, a.StatusCode, "%s %s: %s", method, path, a.body)
	return a
}
