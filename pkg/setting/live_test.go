package setting_test

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/setting"
)

func TestALiveSettingIsLoadedLikeAnyOther(t *testing.T) {
	type config struct {
		Tagged  setting.Live[int]           `env:"TEST_TAGGED" envDefault:"5"`
		Filled  setting.Live[time.Duration] `env:"TEST_FILLED" envDefault:"1s"`
		Level   setting.Live[slog.Level]    `env:"TEST_LEVEL"`
		Hosts   setting.Live[[]string]      `env:"TEST_HOSTS"`
		Nothing setting.Live[string]        `env:"TEST_NOTHING"`
	}
	defaults := config{Filled: setting.NewLive(time.Minute)}

	t.Run("its defaults are the struct's, else the tag's, else zero", func(t *testing.T) {
		t.Setenv("TEST_TAGGED", "")
		cfg := defaults
		require.NoError(t, setting.Load(&cfg))
		assert.Equal(t, 5, cfg.Tagged.Get())
		assert.Equal(t, time.Minute, cfg.Filled.Get())
		assert.Equal(t, slog.LevelInfo, cfg.Level.Get())
		assert.Empty(t, cfg.Nothing.Get())
	})
	t.Run("its variable wins, and the defaults are not changed", func(t *testing.T) {
		t.Setenv("TEST_TAGGED", "7")
		t.Setenv("TEST_FILLED", "3s")
		t.Setenv("TEST_LEVEL", "warn")
		t.Setenv("TEST_HOSTS", "a,b")
		cfg := defaults
		require.NoError(t, setting.Load(&cfg))
		assert.Equal(t, "7 3s WARN [a b] ", fmt.Sprint(cfg.Tagged, " ", cfg.Filled, " ", cfg.Level, " ", cfg.Hosts, " ", cfg.Nothing))
		assert.Equal(t, time.Minute, defaults.Filled.Get())
	})
	t.Run("what is wrong is said as of its type", func(t *testing.T) {
		for name := range map[string]string{"TEST_TAGGED": "", "TEST_FILLED": "", "TEST_LEVEL": ""} {
			t.Setenv(name, "rubbish")
		}
		cfg := defaults
		err := setting.Load(&cfg)
		assert.EqualError(t, err, "bad settings:\n  TEST_TAGGED: must be a whole number\n"+
			"  TEST_FILLED: must be a duration such as 500ms, 15s or 24h\n  TEST_LEVEL: must be debug, info, warn or error")
	})
}

func TestASecretIsNeverLive(t *testing.T) {
	var cfg struct {
		Key  setting.Live[setting.Secret]   `env:"TEST_KEY"`
		Keys setting.Live[[]setting.Secret] `env:"TEST_KEYS"`
	}
	assert.EqualError(t, setting.Load(&cfg), "bad settings:\n  TEST_KEY: holds a secret, which cannot be live\n"+
		"  TEST_KEYS: holds a secret, which cannot be live")
}

func TestTheZeroLiveGivesZero(t *testing.T) {
	t.Parallel()
	assert.Zero(t, setting.Live[int]{}.Get())
	assert.Equal(t, "0", setting.Live[int]{}.String())
}

func TestALiveSettingMayBeReadWhileItChanges(t *testing.T) {
	settings, err := setting.Open(struct {
		Size setting.Live[int] `env:"TEST_SIZE" envDefault:"5"`
	}{})
	require.NoError(t, err)
	size := settings.Config().Size
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 1000 {
				assert.Positive(t, size.Get())
			}
		})
	}
	for i := range 100 {
		require.NoError(t, settings.Override("TEST_SIZE", fmt.Sprint(i+1)))
	}
	readers.Wait()
	assert.Equal(t, 100, size.Get())
}

func TestChangesDoNotReachTheDefaults(t *testing.T) {
	type config struct {
		Filled setting.Live[int] `env:"TEST_FILLED"`
		Empty  setting.Live[int] `env:"TEST_EMPTY"`
	}
	defaults := config{Filled: setting.NewLive(5)}
	settings, err := setting.Open(defaults)
	require.NoError(t, err)
	require.NoError(t, settings.Override("TEST_FILLED", "6"))
	require.NoError(t, settings.Override("TEST_EMPTY", "7"))
	assert.Equal(t, 5, defaults.Filled.Get())
	assert.Zero(t, defaults.Empty.Get())
	assert.Equal(t, 6, settings.Config().Filled.Get())
	assert.Equal(t, 7, settings.Config().Empty.Get())
}
