package command

import (
	"io"
	"log/slog"

	"github.com/tizza/tizza/pkg/setting"
)

// settings are the program's and those that all programs have.
type settings[C any] struct {
	Log struct {
		Level setting.Live[slog.Level] `env:"LOG_LEVEL"`
	}
	Program C
}

type loaded[C any] struct {
	*setting.Settings[settings[C]]
}

// load reads the environment and sets up the log, also when settings are bad.
func load[C any](p Program[C], stderr io.Writer) (*loaded[C], error) {
	s, err := setting.Open(settings[C]{Program: p.Defaults})
	handler := slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: level{s.Config().Log.Level}})
	slog.SetDefault(slog.New(handler).With("service", p.Name))
	return &loaded[C]{s}, err
}

// level is a slog.Leveler.
type level struct{ setting.Live[slog.Level] }

// Level is the level now.
func (l level) Level() slog.Level { return l.Get() }
