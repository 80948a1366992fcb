package command

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/tizza/tizza/pkg/discovery"
	"github.com/tizza/tizza/pkg/setting"
)

// changeable is what a program's Settings can do.
type changeable interface {
	Override(name, value string) error
	Restore(name string) error
}

// overrides applies what operators put into etcd, and logs one line for each thing that comes of it.
type overrides struct {
	settings changeable
	log      *slog.Logger

	mu   sync.Mutex
	said map[string]outcome
}

// outcome is what became of an edit; a refused one is tried again, and is not said again.
type outcome struct {
	revision int64
	reason   string
}

func newOverrides(settings changeable, log *slog.Logger) *overrides {
	return &overrides{settings: settings, log: log, said: map[string]outcome{}}
}

// apply is a discovery.Apply for the keys of settings.
func (o *overrides) apply(_ context.Context, name, value string, revision int64) error {
	deleted := value == ""
	var err error
	if deleted {
		err = o.settings.Restore(name)
	} else {
		err = o.settings.Override(name, value)
	}
	o.say(name, deleted, revision, err)
	var refused *setting.Refusal
	switch {
	case errors.Is(err, setting.ErrAtNextStart):
		return discovery.ErrAtNextStart
	case errors.As(err, &refused) && refused.Lasting:
		return discovery.Final(err)
	}
	return err
}

func (o *overrides) say(name string, deleted bool, revision int64, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := outcome{revision: revision}
	if err != nil {
		now.reason = err.Error()
	}
	if before, again := o.said[name]; again && before == now {
		return
	}
	o.said[name] = now
	log := o.log.With("name", name, "revision", revision)
	switch {
	case errors.Is(err, setting.ErrAtNextStart):
		log.Info("setting is taken at the next start")
	case err != nil:
		log.Warn("setting refused", "reason", now.reason)
	case deleted:
		log.Info("setting is the environment's again")
	default:
		log.Info("setting applied")
	}
	if deleted && err == nil {
		delete(o.said, name)
	}
}
