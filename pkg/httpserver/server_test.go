package httpserver_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/health"
	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/problem"
	"github.com/tizza/tizza/pkg/setting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// log collects lines that several requests write at once.
type log struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes.String()
}

// line is the last one with the message.
func (l *log) line(t *testing.T, message string) map[string]any {
	t.Helper()
	var found map[string]any
	for text := range strings.Lines(l.String()) {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &entry))
		if entry["msg"] == message {
			found = entry
		}
	}
	return found
}

type fixture struct {
	server *httpserver.Server
	ids    *identity.Authenticator
	log    *log
	url    string
}

func options(t *testing.T, l *log) httpserver.Options {
	t.Helper()
	ids, err := identity.New(identity.Config{
		ClientTokens: `{"operator": "pw"}`,
		SessionKeys:  setting.Secret("dev:" + base64.StdEncoding.EncodeToString(make([]byte, 32))),
	}, "things")
	require.NoError(t, err)
	spec, err := os.ReadFile("testdata/openapi.yaml")
	require.NoError(t, err)
	return httpserver.Options{
		Service: "things", Version: "1.2.3", Spec: spec, Identity: ids, Messages: messages(t),
		Config: httpserver.Config{Addr: "127.0.0.1:0", PageSize: setting.NewLive(5)},
		Checks: []health.Check{{Name: "postgres", Required: true, Probe: func(context.Context) error { return nil }}},
		Log:    slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// start serves the test API over a real listener.
func start(t *testing.T, change ...func(*httpserver.Options)) *fixture {
	t.Helper()
	f := &fixture{log: &log{}}
	o := options(t, f.log)
	for _, c := range change {
		c(&o)
	}
	f.ids = o.Identity
	s, err := httpserver.New(o)
	require.NoError(t, err)
	routes(s.Echo)
	f.server = s
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	f.url = web.URL
	return f
}

// state is the version that things are in.
const state = 7

// thing is a body of any form, which its schema describes.
type thing map[string]any

func (thing) SchemaName() string { return "Thing" }

// routes give back what they are given.
func routes(e *echo.Echo) {
	read := func(c echo.Context) (thing, error) {
		v := thing{}
		err := httpserver.Decode(c, &v)
		return v, err
	}
	e.GET(httpserver.Base+"/things", func(c echo.Context) error {
		window, err := httpserver.Window(c, 5)
		if err != nil {
			return err
		}
		result := page.Result[int]{Count: 50, Items: []int{1}, First: 1, Last: 1, After: true, Fingerprint: "abc"}
		result.Unchanged = slices.Contains(window.Known, result.Fingerprint)
		return httpserver.List(c, window, result)
	})
	e.POST(httpserver.Base+"/things", func(c echo.Context) error {
		v, err := read(c)
		if err != nil {
			return err
		}
		return httpserver.Created(c, "/things/1", state, v)
	})
	e.GET(httpserver.Base+"/things/:id", func(c echo.Context) error {
		return httpserver.Read(c, func() (int64, error) { return state, nil }, func() (int64, any, error) {
			return state, thing{"title": c.Param("id")}, nil
		})
	})
	change := func(c echo.Context) error {
		v, err := read(c)
		if err == nil {
			err = httpserver.Condition(c).On(state)
		}
		if err != nil {
			return err
		}
		return httpserver.Wrote(c, state, v)
	}
	e.PUT(httpserver.Base+"/things/:id", change)
	e.PATCH(httpserver.Base+"/things/:id", change)
	e.DELETE(httpserver.Base+"/things/:id", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	e.GET(httpserver.Base+"/content", func(c echo.Context) error { return httpserver.Content(c, thing{"title": "x"}) })
	e.GET(httpserver.Base+"/private", func(c echo.Context) error {
		caller := httpserver.Caller(c)
		return c.JSON(200, map[string]any{"client": caller.Client, "user": caller.User})
	})
	e.GET(httpserver.Base+"/panic", func(echo.Context) error { panic("secret of the house") })
	e.GET(httpserver.Base+"/half", func(c echo.Context) error {
		_, _ = c.Response().Write([]byte("half"))
		_ = http.NewResponseController(c.Response()).Flush()
		panic("in the middle")
	})
	e.GET(httpserver.Base+"/broken", func(echo.Context) error { return errors.New("secret of the house") })
	e.GET(httpserver.Base+"/down", func(echo.Context) error { return fault.Unavailable("Down.", errors.New("cause of it")) })
	e.GET(httpserver.Base+"/bind", func(echo.Context) error {
		return echo.NewHTTPError(http.StatusBadRequest, "Invalid format for parameter x: strconv.ParseInt: secret of the house")
	})
	e.GET(httpserver.Base+"/address", func(c echo.Context) error { return c.String(200, c.RealIP()) })
}

type answer struct {
	*http.Response
	body string
}

func (a answer) problem(t *testing.T) problem.Problem {
	t.Helper()
	require.Equal(t, "application/problem+json", a.Header.Get("Content-Type"), a.body)
	p, err := problem.Parse(strings.NewReader(a.body))
	require.NoError(t, err)
	require.Equal(t, a.StatusCode, p.Status)
	return p
}

func (a answer) fields(t *testing.T) map[string]string {
	t.Helper()
	fields := map[string]string{}
	for _, f := range a.problem(t).Errors {
		fields[f.Field] = f.Detail
	}
	return fields
}

// do sends one request; headers are name, value, name, value.
func (f *fixture) do(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, f.url+path, reader)
	require.NoError(t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}, Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp, string(data)}
}

func (f *fixture) cookie(t *testing.T) (uuid.UUID, string) {
	t.Helper()
	user := uuid.New()
	cookie, err := f.ids.Seal(identity.Session{ID: uuid.New(), User: user, Expires: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	return user, cookie.Name + "=" + cookie.Value
}

func token(s string) string { return "Bearer " + base64.StdEncoding.EncodeToString([]byte(s)) }

func repeat(format string, n int) string {
	var parts []string
	for i := range n {
		parts = append(parts, fmt.Sprintf(format, i))
	}
	return strings.Join(parts, ",")
}
