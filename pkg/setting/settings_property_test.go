package setting_test

import (
	"errors"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tizza/tizza/pkg/setting"
)

type bounds struct {
	Low    setting.Live[int] `env:"TEST_LOW" envDefault:"2"`
	Middle int               `env:"TEST_MIDDLE" envDefault:"5"`
	High   setting.Live[int] `env:"TEST_HIGH" envDefault:"8"`
}

func (b bounds) Validate() error {
	if b.Low.Get() > b.Middle || b.Middle > b.High.Get() {
		return errors.New("TEST_LOW: must be at most TEST_MIDDLE, and that TEST_HIGH")
	}
	return nil
}

// Whatever operators do, in whatever order: what was not refused is what a start takes, all of it, what is in use is
// good, and what is live and was not refused is in use.
func TestEditsNeverMakeWhatAStartWouldRefuse(t *testing.T) {
	names := rapid.SampledFrom([]string{"TEST_LOW", "TEST_MIDDLE", "TEST_HIGH"})
	values := rapid.Map(rapid.IntRange(0, 10), strconv.Itoa)
	rapid.Check(t, func(t *rapid.T) {
		settings, err := setting.Open(bounds{})
		require.NoError(t, err)
		accepted := rapid.MapOf(names, values).Draw(t, "started")
		for name := range settings.Start(accepted) {
			delete(accepted, name)
		}
		for range rapid.IntRange(0, 6).Draw(t, "edits") {
			name, value := names.Draw(t, "name"), values.Draw(t, "value")
			if rapid.Bool().Draw(t, "override") {
				if err = settings.Override(name, value); taken(err) {
					accepted[name] = value
				}
			} else if err = settings.Restore(name); taken(err) {
				delete(accepted, name)
			}
		}
		fresh, err := setting.Open(bounds{})
		require.NoError(t, err)
		require.Empty(t, fresh.Start(accepted))
		now, then := settings.Config(), fresh.Config()
		require.NoError(t, now.Validate())
		require.Equal(t, then.Low.Get(), now.Low.Get())
		require.Equal(t, then.High.Get(), now.High.Get())
	})
}

func taken(err error) bool { return err == nil || errors.Is(err, setting.ErrAtNextStart) }
