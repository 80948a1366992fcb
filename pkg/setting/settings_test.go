package setting_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/setting"
)

type limits struct {
	Total setting.Live[int] `env:"TEST_TOTAL" envDefault:"10"`
	Each  setting.Live[int] `env:"TEST_EACH" envDefault:"5"`
}

func (l limits) Validate() error {
	if l.Each.Get() > l.Total.Get() {
		return errors.New("TEST_EACH: must be at most TEST_TOTAL")
	}
	return nil
}

type changeable struct {
	Env     string                   `env:"APP_ENV" envDefault:"development" override:"never"`
	Level   setting.Live[slog.Level] `env:"TEST_LEVEL"`
	Wait    time.Duration            `env:"TEST_WAIT" envDefault:"1s"`
	Name    string                   `env:"TEST_NAME" envDefault:"ann"`
	Broker  string                   `env:"TEST_BROKER" override:"never, use the key rabbitmq/url"`
	Key     setting.Secret           `env:"TEST_KEY" envDefault:"key"`
	Keys    map[string][]secretPart  `env:"-"`
	File    string                   `env:"TEST_FILE,file"`
	Limits  limits
	Another struct {
		Limits limits `envPrefix:"OTHER_"`
		Env    string `env:"APP_ENV"`
	}
	HalfLive struct {
		Now  setting.Live[int] `env:"TEST_HALF"`
		Then int               `env:"TEST_HALF"`
	}
	Secrets []setting.Secret `env:"TEST_SECRETS"`
}

type secretPart struct{ Part setting.Secret }

func (c changeable) Validate() error {
	if c.Name == "bob" && c.Wait < time.Minute {
		return fmt.Errorf("TEST_NAME: %q needs a TEST_WAIT of 1m", c.Name)
	}
	if strings.HasPrefix(c.Name, "hunter") {
		return fmt.Errorf("TEST_NAME: %s is not a name", c.Name)
	}
	return nil
}

func open(t *testing.T) *setting.Settings[changeable] {
	t.Helper()
	settings, err := setting.Open(changeable{Level: setting.NewLive(slog.LevelWarn)})
	require.NoError(t, err)
	return settings
}

func refusal(t *testing.T, err error) *setting.Refusal {
	t.Helper()
	var refused *setting.Refusal
	require.ErrorAs(t, err, &refused)
	return refused
}

func TestALiveSettingIsInUseAtOnceAndGoesBack(t *testing.T) {
	t.Setenv("TEST_TOTAL", "20")
	settings := open(t)
	handedOn := settings.Config().Limits
	require.NoError(t, settings.Override("TEST_TOTAL", "30"))
	assert.Equal(t, 30, handedOn.Total.Get())
	require.NoError(t, settings.Override("TEST_TOTAL", "40"))
	assert.Equal(t, 40, settings.Config().Limits.Total.Get())
	assert.Equal(t, 10, handedOnOther(settings).Total.Get(), "OTHER_TEST_TOTAL is another one")
	require.NoError(t, settings.Restore("TEST_TOTAL"))
	assert.Equal(t, 20, handedOn.Total.Get())
	require.NoError(t, settings.Override("OTHER_TEST_TOTAL", "50"))
	assert.Equal(t, 50, handedOnOther(settings).Total.Get())
}

func handedOnOther(s *setting.Settings[changeable]) limits { return s.Config().Another.Limits }

func TestAnyOtherSettingIsTakenAtTheNextStart(t *testing.T) {
	settings := open(t)
	require.ErrorIs(t, settings.Override("TEST_WAIT", "2s"), setting.ErrAtNextStart)
	assert.Equal(t, time.Second, settings.Config().Wait)
	assert.NoError(t, settings.Override("TEST_WAIT", "1000ms"), "that is what it started with")
	require.ErrorIs(t, settings.Override("TEST_WAIT", "3s"), setting.ErrAtNextStart)
	assert.NoError(t, settings.Restore("TEST_WAIT"))
	require.ErrorIs(t, settings.Override("TEST_HALF", "1"), setting.ErrAtNextStart)
	assert.Zero(t, settings.Config().HalfLive.Now.Get(), "who shares a name goes together")

	started := open(t)
	require.Empty(t, started.Start(map[string]string{"TEST_WAIT": "3s"}))
	assert.Equal(t, 3*time.Second, started.Config().Wait)
	assert.NoError(t, started.Override("TEST_WAIT", "3s"))
	assert.ErrorIs(t, started.Restore("TEST_WAIT"), setting.ErrAtNextStart)
}

func TestWhatIsRefusedChangesNothingAndIsSaidWithoutTheValue(t *testing.T) {
	settings := open(t)
	require.NoError(t, settings.Override("TEST_TOTAL", "30"))
	for _, test := range []struct {
		name, value, reason string
		lasting             bool
	}{
		{"TEST_TOTAL", "hunter2", "TEST_TOTAL: must be a whole number", true},
		{"TEST_TOTAL", "", "TEST_TOTAL: is empty; delete the key to go back", true},
		{"TEST_TOTAL", "1\x00", "TEST_TOTAL: is not one line of at most 2 KiB of UTF-8", true},
		{"TEST_NAME", strings.Repeat("n", 100_000), "TEST_NAME: is not one line of at most 2 KiB of UTF-8", true},
		{"TEST_TOTAL", "3", "TEST_EACH: must be at most TEST_TOTAL", false},
		{"TEST_EACH", "31", "TEST_EACH: must be at most TEST_TOTAL", false},
		{"TEST_NAME", "hunter22", "TEST_NAME: [redacted] is not a name", false},
		{"TEST_WAIT", "hunter2", "TEST_WAIT: must be a duration such as 500ms, 15s or 24h", true},
		{"test_total", "hunter2", "no such setting", true},
		{"HOME", "hunter2", "no such setting", true},
		{"APP_ENV", "hunter2", "APP_ENV: is not set here, only in the environment", true},
		{"TEST_BROKER", "hunter2", "TEST_BROKER: is not set here; use the key rabbitmq/url", true},
		{"TEST_KEY", "hunter2", "TEST_KEY: is a secret, and is not set here", true},
		{"TEST_SECRETS", "hunter2", "TEST_SECRETS: is a secret, and is not set here", true},
		{"TEST_FILE", "/etc/passwd", "TEST_FILE: is read in a way of its own, and is not set here", true},
	} {
		refused := refusal(t, settings.Override(test.name, test.value))
		assert.Equal(t, test.reason, refused.Error(), test.name)
		assert.Equal(t, test.lasting, refused.Lasting, test.name)
	}
	cfg := settings.Config()
	assert.Equal(t, 30, cfg.Limits.Total.Get())
	assert.Equal(t, 5, cfg.Limits.Each.Get())
	assert.Equal(t, setting.Secret("key"), cfg.Key)
	assert.Equal(t, "development", cfg.Env)
	for _, name := range []string{"HOME", "APP_ENV", "TEST_KEY"} {
		assert.NoError(t, settings.Restore(name), "there is nothing to go back from")
	}
}

func TestNoCombinationIsMadeThatAStartWouldRefuse(t *testing.T) {
	t.Run("of settings now and those of the next start", func(t *testing.T) {
		settings := open(t)
		require.ErrorIs(t, settings.Override("TEST_WAIT", "1m"), setting.ErrAtNextStart)
		require.ErrorIs(t, settings.Override("TEST_NAME", "bob"), setting.ErrAtNextStart)
		assert.False(t, refusal(t, settings.Restore("TEST_WAIT")).Lasting)
		require.NoError(t, settings.Restore("TEST_NAME"))
		require.NoError(t, settings.Restore("TEST_WAIT"))
	})
	t.Run("in whatever order the keys are edited", func(t *testing.T) {
		settings := open(t)
		require.Error(t, settings.Override("TEST_EACH", "12"))
		require.NoError(t, settings.Override("TEST_TOTAL", "15"))
		require.NoError(t, settings.Override("TEST_EACH", "12"))
		require.Error(t, settings.Restore("TEST_TOTAL"))
		assert.Equal(t, 15, settings.Config().Limits.Total.Get())
	})
}

type staticTotal struct {
	Total int               `env:"TEST_TOTAL" envDefault:"10"`
	Each  setting.Live[int] `env:"TEST_EACH" envDefault:"5"`
}

func (s staticTotal) Validate() error {
	if s.Each.Get() > s.Total {
		return errors.New("TEST_EACH: must be at most TEST_TOTAL")
	}
	return nil
}

func TestALiveSettingWaitsForTheStartThatMakesItGood(t *testing.T) {
	settings, err := setting.Open(staticTotal{})
	require.NoError(t, err)
	require.ErrorIs(t, settings.Override("TEST_TOTAL", "20"), setting.ErrAtNextStart)
	assert.EqualError(t, settings.Override("TEST_EACH", "15"), "not before the next start: TEST_EACH: must be at most TEST_TOTAL")
	assert.Equal(t, 5, settings.Config().Each.Get())
	require.NoError(t, settings.Override("TEST_EACH", "8"))
}

func TestAStartTakesWhatItCan(t *testing.T) {
	settings := open(t)
	level := settings.Config().Level // a logger has it already
	refused := settings.Start(map[string]string{
		"TEST_EACH": "12", "TEST_TOTAL": "15", // good together only, and the first by name needs the second
		"TEST_LEVEL": "debug", "TEST_NAME": "eve",
		"TEST_WAIT": "soon", "TEST_KEY": "hunter2", "NOBODY": "x", "OTHER_TEST_EACH": "11",
	})
	cfg := settings.Config()
	assert.Equal(t, 12, cfg.Limits.Each.Get())
	assert.Equal(t, 15, cfg.Limits.Total.Get())
	assert.Equal(t, "eve", cfg.Name)
	assert.Equal(t, slog.LevelDebug, level.Get())
	assert.Equal(t, time.Second, cfg.Wait)
	assert.Len(t, refused, 4)
	assert.EqualError(t, refused["OTHER_TEST_EACH"], "TEST_EACH: must be at most TEST_TOTAL")
	for _, name := range []string{"TEST_WAIT", "TEST_KEY", "NOBODY"} {
		assert.True(t, refusal(t, refused[name]).Lasting, name)
	}
	require.NoError(t, settings.Override("TEST_LEVEL", "error"))
	assert.Equal(t, slog.LevelError, level.Get())
}

func TestABadEnvironmentStopsAStart(t *testing.T) {
	t.Setenv("TEST_TOTAL", "many")
	_, err := setting.Open(changeable{})
	var bad *setting.Error
	require.ErrorAs(t, err, &bad)
	assert.Equal(t, []string{"TEST_TOTAL: must be a whole number"}, bad.Settings)
}
