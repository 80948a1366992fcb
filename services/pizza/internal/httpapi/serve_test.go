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
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
	"github.com/tizza/tizza/services/pizza/internal/httpapi"
	"github.com/tizza/tizza/services/pizza/internal/pizza"
	store "github.com/tizza/tizza/services/pizza/internal/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is the whole service behind its HTTP edge, on a database of its own.
type server struct {
	t       *testing.T
	handler http.Handler
	callers *identity.Authenticator
}

func serve(t *testing.T) server {
	t.Helper()
	database := servertest.Postgres(t, store.Schemas()...)
	holder := erasure.NewHolder("key", store.Register(message.JSON))
	spec, err := os.ReadFile("../../openapi.yaml")
	require.NoError(t, err)
	callers, err := identity.New(identity.Config{
		ClientTokens: `{"operator":"secret"}`,
		SessionKeys:  setting.Secret("test:" + base64.StdEncoding.EncodeToString(make([]byte, 32))),
	}, "pizza")
	require.NoError(t, err)
	s, err := httpserver.New(httpserver.Options{
		Service: "pizza", Config: httpserver.Config{Addr: "127.0.0.1:0", PageSize: setting.NewLive(5)}, Spec: spec, Messages: httpapi.Messages(), Identity: callers,
		Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	httpapi.Register(s, pizza.NewService(store.NewStore(database, holder, message.JSON)), setting.NewLive(5))
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

func (s server) do(as caller, method, path, body string) answer {
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
	out := answer{ResponseRecorder: httptest.NewRecorder()}
	s.handler.ServeHTTP(out, r)
	if out.Body.Len() > 0 {
		require.NoError(s.t, json.Unmarshal(out.Body.Bytes(), &out.json))
	}
	return out
}

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
