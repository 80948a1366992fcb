package httpapi_test

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
	"github.com/tizza/tizza/services/events/internal/event"
	"github.com/tizza/tizza/services/events/internal/httpapi"
	store "github.com/tizza/tizza/services/events/internal/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is the whole service behind its HTTP edge, on a database of its own.
type server struct {
	t       *testing.T
	handler http.Handler
	callers *identity.Authenticator
}

func serve(t *testing.T, pizzas event.Pizzas, likes event.Likes) server {
	t.Helper()
	database := servertest.Postgres(t, store.Schemas()...)
	holder := erasure.NewHolder("key", store.Register())
	spec, err := os.ReadFile("../../openapi.yaml")
	require.NoError(t, err)
	callers, err := identity.New(identity.Config{
		ClientTokens: `{"operator":"secret"}`,
		SessionKeys:  setting.Secret("test:" + base64.StdEncoding.EncodeToString(make([]byte, 32))),
	}, "events")
	require.NoError(t, err)
	s, err := httpserver.New(httpserver.Options{
		Service: "events", Config: httpserver.Config{Addr: "127.0.0.1:0", PageSize: setting.NewLive(5)}, Spec: spec, Messages: httpapi.Messages(), Identity: callers,
		Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	httpapi.Register(s, event.NewService(store.NewStore(database, holder), pizzas, likes), setting.NewLive(5))
	return server{t, s.Handler(), callers}
}

// caller is who a test acts as.
type caller struct {
	user    uuid.UUID
	service bool
}

var (
	anyone  = caller{}
	service = caller{service: true}
)

func person(user uuid.UUID) caller { return caller{user: user} }

// answer is a response, and its body read as JSON.
type answer struct {
	*httptest.ResponseRecorder
	json map[string]any
}

// do sends the body as JSON unless a header, of which there may be name and value after name and value, says otherwise.
func (s server) do(as caller, method, path, body string, headers ...string) answer {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, "/api/v1"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if as.service {
		r.Header.Set("Authorization", "Bearer "+base64.StdEncoding.EncodeToString([]byte("operator:secret")))
	}
	if as.user != uuid.Nil {
		cookie, err := s.callers.Seal(identity.Session{ID: uuid.New(), User: as.user, Expires: time.Now().Add(time.Hour)})
		require.NoError(s.t, err)
		r.AddCookie(cookie)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	out := answer{ResponseRecorder: httptest.NewRecorder()}
	s.handler.ServeHTTP(out, r)
	if strings.HasSuffix(out.Header().Get("Content-Type"), "json") {
		require.NoError(s.t, json.Unmarshal(out.Body.Bytes(), &out.json))
	}
	return out
}

func (a answer) tag() string { return a.Header().Get("ETag") }

// fields is the names of the fields that a problem complains about.
func (a answer) fields(t *testing.T) []string {
	t.Helper()
	var problem struct {
		Errors []struct{ Field string }
	}
	require.NoError(t, json.Unmarshal(a.Body.Bytes(), &problem))
	names := []string{}
	for _, e := range problem.Errors {
		names = append(names, e.Field)
	}
	return names
}
