package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/discovery"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
)

type config struct {
	Size      int               `env:"COMMAND_TEST_SIZE"`
	Pages     setting.Live[int] `env:"COMMAND_TEST_PAGES" envDefault:"5"`
	Password  setting.Secret    `env:"COMMAND_TEST_PASSWORD"`
	Addr      string            `env:"COMMAND_TEST_ADDR"`
	Prefix    string            `env:"COMMAND_TEST_PREFIX" envDefault:"post/test" override:"never"`
	Database  postgres.Config
	Discovery discovery.Config
}

var schemas = []postgres.Schema{{Name: "letters", Files: fstest.MapFS{
	"00001_letters.sql": {Data: []byte("-- +goose Up\nCREATE TABLE letters (id int);\n")},
}}}

func program() Program[config] {
	return Program[config]{
		Name: "letters",
		Defaults: config{
			Size: 5, Password: "development", Database: postgres.Config{URL: "postgres://host/db", MaxConns: 1},
			Discovery: discovery.Config{Endpoints: []string{"http://127.0.0.1:1"}}, // nobody is there
		},
		Run:       func(context.Context, config, Role, *discovery.Registry) error { return nil },
		Schemas:   func() []postgres.Schema { return schemas },
		Database:  func(c config) postgres.Config { return c.Database },
		Addr:      func(c config) string { return c.Addr },
		Discovery: func(c config) discovery.Config { return c.Discovery },
		Keys:      func(c config) string { return c.Prefix },
	}
}

func run(t *testing.T, p Program[config], args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = execute(t.Context(), p, args, &out, &errs)
	return code, out.String(), errs.String()
}

// The settings are the environment's, so these tests follow one another.

func TestRoles(t *testing.T) {
	for name, expected := range map[string]Role{"serve": All, "api": API, "worker": Worker} {
		t.Run(name+" runs the service in its role with the settings", func(t *testing.T) {
			t.Setenv("COMMAND_TEST_SIZE", "7")
			p := program()
			p.Run = func(_ context.Context, cfg config, role Role, _ *discovery.Registry) error {
				assert.Equal(t, expected, role)
				assert.Equal(t, 7, cfg.Size)
				return errors.New("the end")
			}
			code, _, stderr := run(t, p, name)
			assert.Equal(t, 1, code)
			assert.True(t, strings.HasSuffix(stderr, "\nletters: the end\n"), stderr)
		})
	}
	assert.True(t, All.API() && All.Worker() && API.API() && Worker.Worker())
	assert.False(t, API.Worker() || Worker.API())
}

func TestAPanicIsNotSwallowed(t *testing.T) {
	p := program()
	p.Run = func(context.Context, config, Role, *discovery.Registry) error { panic("ouch") }
	assert.PanicsWithValue(t, "ouch", func() { run(t, p, "serve") })
}

func TestBadSettings(t *testing.T) {
	t.Setenv("COMMAND_TEST_SIZE", "big")
	t.Setenv("DATABASE_MAX_CONNS", "-1")
	t.Setenv("LOG_LEVEL", "loud")
	t.Run("they end a command with code 2 and a line each", func(t *testing.T) {
		code, _, stderr := run(t, program(), "serve")
		assert.Equal(t, 2, code)
		assert.Equal(t, "letters: bad settings:\n"+
			"  LOG_LEVEL: must be debug, info, warn or error\n"+
			"  COMMAND_TEST_SIZE: must be a whole number\n"+
			"  DATABASE_MAX_CONNS: must be at least 1\n", stderr)
	})
	t.Run("version does not need them", func(t *testing.T) {
		code, stdout, _ := run(t, program(), "version")
		assert.Zero(t, code)
		assert.Regexp(t, `^letters \S+ go1\.\S+\n$`, stdout)
	})
	t.Run("an unknown command is told", func(t *testing.T) {
		code, _, stderr := run(t, program(), "dance")
		assert.Equal(t, 2, code)
		assert.Contains(t, stderr, "dance")
	})
	t.Run("help is not an error", func(t *testing.T) {
		code, stdout, _ := run(t, program(), "--help")
		assert.Zero(t, code)
		assert.Contains(t, stdout, "healthcheck")
	})
}

func TestMigrate(t *testing.T) {
	t.Setenv("DATABASE_URL", servertest.Postgres(t).URL())
	code, stdout, stderr := run(t, program(), "migrate", "status")
	require.Zero(t, code, stderr)
	assert.Equal(t, "SCHEMA   MIGRATION          APPLIED\nletters  00001_letters.sql  pending\n", stdout)

	code, _, stderr = run(t, program(), "migrate", "up")
	require.Zero(t, code, stderr)

	code, stdout, stderr = run(t, program(), "migrate", "status", "--json")
	require.Zero(t, code, stderr)
	var versions []postgres.Version
	require.NoError(t, json.Unmarshal([]byte(stdout), &versions))
	require.Len(t, versions, 1)
	assert.NotNil(t, versions[0].Applied)

	t.Setenv("DATABASE_URL", "postgres://nobody:hunter2@127.0.0.1:1/db")
	code, _, stderr = run(t, program(), "migrate", "up")
	assert.Equal(t, 1, code)
	assert.NotContains(t, stderr, "hunter2")
}

func TestHealthcheck(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/readyz", r.URL.Path)
		w.WriteHeader(status)
		fmt.Fprint(w, "what is wrong")
	}))
	defer server.Close()
	t.Setenv("COMMAND_TEST_ADDR", server.Listener.Addr().String())
	code, _, stderr := run(t, program(), "healthcheck")
	require.Zero(t, code, stderr)

	status = http.StatusServiceUnavailable
	code, _, stderr = run(t, program(), "healthcheck")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "what is wrong")

	server.Close()
	code, _, _ = run(t, program(), "healthcheck")
	assert.Equal(t, 1, code)
}

func TestReadyURL(t *testing.T) {
	for addr, expected := range map[string]string{
		":8001": "http://127.0.0.1:8001/readyz", "0.0.0.0:8001": "http://127.0.0.1:8001/readyz",
		"[::]:8001": "http://[::1]:8001/readyz", "10.0.0.1:8001": "http://10.0.0.1:8001/readyz",
	} {
		assert.Equal(t, expected, readyURL(addr))
	}
}

type greet struct {
	Who string `arg:""`
}

func (g greet) Run(ctx context.Context, cfg config, out io.Writer) error {
	_, err := fmt.Fprintf(out, "hello %s %d %v", g.Who, cfg.Size, ctx.Err())
	return err
}

func TestAServicesOwnCommandHasItsSettings(t *testing.T) {
	p := program()
	p.Extra = &struct {
		Greet greet `cmd:""`
	}{}
	code, stdout, stderr := run(t, p, "greet", "world")
	require.Zero(t, code, stderr)
	assert.Equal(t, "hello world 5 <nil>", stdout)
}

func TestDefaultsAreNotChangedByALoad(t *testing.T) {
	t.Setenv("COMMAND_TEST_SIZE", "9")
	p := program()
	l, err := load(p, io.Discard)
	require.NoError(t, err)
	assert.Equal(t, 9, l.Config().Program.Size)
	assert.Equal(t, 5, p.Defaults.Size)
	assert.Equal(t, setting.Secret("postgres://host/db"), p.Defaults.Database.URL)
}
