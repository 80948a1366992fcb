package setting_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/setting"
)

type database struct {
	URL   setting.Secret `env:"TEST_DATABASE_URL"`
	Conns int            `env:"TEST_CONNS" envDefault:"10"`
}

func (d database) Validate() error {
	var errs []error
	if _, err := url.Parse(d.URL.Reveal()); err != nil {
		errs = append(errs, fmt.Errorf("TEST_DATABASE_URL: %w", err))
	}
	if d.Conns < 1 {
		errs = append(errs, errors.New("TEST_CONNS: must be at least 1"))
	}
	return errors.Join(errs...)
}

type Embedded struct {
	Size int `env:"TEST_SIZE"`
}

func (e Embedded) Validate() error {
	if e.Size > 100 {
		return errors.New("TEST_SIZE: must be at most 100")
	}
	return nil
}

type config struct {
	Embedded
	Env      string         `env:"APP_ENV"`
	Wait     time.Duration  `env:"TEST_WAIT"`
	Level    slog.Level     `env:"TEST_LEVEL"`
	Hosts    []string       `env:"TEST_HOSTS"`
	Key      setting.Secret `env:"TEST_KEY" envDefault:"tag-default-key"`
	Database database
	Other    database `envPrefix:"OTHER_"`
}

func defaults() config {
	return config{
		Env: "development", Wait: time.Second, Embedded: Embedded{Size: 5},
		Database: database{URL: "postgres://dev:development@host/db", Conns: 7},
	}
}

// load sets variables, so its tests cannot run in parallel.
func load(t *testing.T, environment map[string]string) (config, error) {
	t.Helper()
	for name, value := range environment {
		t.Setenv(name, value)
	}
	cfg := defaults()
	return cfg, setting.Load(&cfg)
}

func loaded(t *testing.T, environment map[string]string) config {
	t.Helper()
	for name, value := range environment {
		t.Setenv(name, value)
	}
	cfg := defaults()
	require.NoError(t, setting.Load(&cfg))
	return cfg
}

func problems(t *testing.T, environment map[string]string) []string {
	t.Helper()
	_, err := load(t, environment)
	var bad *setting.Error
	require.ErrorAs(t, err, &bad)
	return bad.Settings
}

func TestLoad(t *testing.T) {
	t.Run("an empty environment leaves the defaults, the struct's before the tag's", func(t *testing.T) {
		cfg := loaded(t, map[string]string{"TEST_SIZE": "", "TEST_CONNS": ""})
		assert.Equal(t, 5, cfg.Size)
		assert.Equal(t, 7, cfg.Database.Conns)
		assert.Equal(t, 10, cfg.Other.Conns)
		assert.Equal(t, time.Second, cfg.Wait)
	})
	t.Run("variables win, nested and prefixed ones too", func(t *testing.T) {
		cfg := loaded(t, map[string]string{
			"TEST_SIZE": "9", "TEST_WAIT": "2m", "TEST_LEVEL": "warn", "TEST_HOSTS": "a,b",
			"TEST_DATABASE_URL": "postgres://a:b@c/d", "OTHER_TEST_CONNS": "3",
		})
		assert.Equal(t, 9, cfg.Size)
		assert.Equal(t, 2*time.Minute, cfg.Wait)
		assert.Equal(t, slog.LevelWarn, cfg.Level)
		assert.Equal(t, []string{"a", "b"}, cfg.Hosts)
		assert.Equal(t, "postgres://a:b@c/d", cfg.Database.URL.Reveal())
		assert.Equal(t, 3, cfg.Other.Conns)
	})
	t.Run("every bad setting is listed, once and by its variable", func(t *testing.T) {
		assert.Equal(t, []string{
			"TEST_WAIT: must be a duration such as 500ms, 15s or 24h",
			"TEST_LEVEL: must be debug, info, warn or error",
			"OTHER_TEST_CONNS: must be a whole number",
			"TEST_SIZE: must be at most 100",
			"TEST_CONNS: must be at least 1",
		}, problems(t, map[string]string{
			"TEST_SIZE": "200", "TEST_WAIT": "soon", "TEST_LEVEL": "loud", "TEST_CONNS": "-1", "OTHER_TEST_CONNS": "many",
		}))
	})
	t.Run("no message repeats a secret, even if a validation does", func(t *testing.T) {
		for _, address := range []string{
			"postgres://user:hunter2@host:p%ort/db", "postgres://user:hunter2 x\x7f@host", "postgres://user:p@:hunter2@host:x/",
		} {
			text := strings.Join(problems(t, map[string]string{"TEST_DATABASE_URL": address}), "\n")
			assert.Contains(t, text, "TEST_DATABASE_URL: not a valid URL")
			assert.NotContains(t, text, "hunter2")
		}
	})
	t.Run("in production no secret has its development value", func(t *testing.T) {
		assert.Equal(t, []string{
			"TEST_KEY: still has its development value, and this is production",
			"TEST_DATABASE_URL: still has its development value, and this is production",
		}, problems(t, map[string]string{"APP_ENV": "production"}))
		loaded(t, map[string]string{
			"APP_ENV": "production", "TEST_KEY": "a-key-of-its-own", "TEST_DATABASE_URL": "postgres://other:value@host/db",
		})
	})
	t.Run("naming the development value does not make it a production value", func(t *testing.T) {
		assert.Contains(t, strings.Join(problems(t, map[string]string{
			"APP_ENV": "Production", "TEST_KEY": "tag-default-key", "TEST_DATABASE_URL": "postgres://other:value@host/db",
		}), "\n"), "TEST_KEY")
	})
	t.Run("only a pointer to a struct can be loaded", func(t *testing.T) {
		require.Error(t, setting.Load(config{}))
		require.Error(t, setting.Load((*config)(nil)))
	})
}

type paged struct {
	Size int `env:"TEST_PAGE_SIZE"`
}

func (p paged) Validate() error {
	if p.Size < 1 {
		return errors.New("TEST_PAGE_SIZE: is not a size")
	}
	return nil
}

func TestASettingThatCannotBeReadIsNamedOnce(t *testing.T) {
	t.Setenv("TEST_PAGE_SIZE", "many")
	var config struct{ Paged paged }
	err := setting.Load(&config)
	require.Error(t, err)
	assert.Equal(t, 1, strings.Count(err.Error(), "TEST_PAGE_SIZE"), "%v", err)
}
