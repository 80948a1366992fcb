package erasure

import (
	"context"
	"log/slog"
	"time"
)

const (
	remindEvery = 5 * time.Second
	remindBatch = 100
)

// Reminder tells the holders of open erasures again, each erasure when its time has come. Several may run.
type Reminder struct {
	store   Store
	ready   <-chan struct{}
	log     *slog.Logger
	failing bool
}

// NewReminder makes a reminder that begins when ready is closed.
func NewReminder(store Store, ready <-chan struct{}, log *slog.Logger) *Reminder {
	return &Reminder{store: store, ready: ready, log: log}
}

// Run reminds until ctx ends.
func (r *Reminder) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-r.ready:
	}
	again := time.NewTicker(remindEvery)
	defer again.Stop()
	for {
		r.report(ctx, r.remind(ctx))
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}

// remind reminds of all whose time has come.
func (r *Reminder) remind(ctx context.Context) error {
	for ctx.Err() == nil {
		count, err := r.store.Remind(ctx, remindBatch)
		if err != nil {
			return err
		}
		if count > 0 {
			r.log.InfoContext(ctx, "told the holders of open erasures again", "erasures", count)
		}
		if count < remindBatch {
			return nil
		}
	}
	return nil
}

// report logs a change between working and failing, not every failure in between.
func (r *Reminder) report(ctx context.Context, err error) {
	if failing := err != nil; ctx.Err() == nil && failing != r.failing {
		r.failing = failing
		if failing {
			r.log.WarnContext(ctx, "cannot remind holders of erasures, trying again until it works", "error", err)
		} else {
			r.log.InfoContext(ctx, "reminding holders of erasures works again")
		}
	}
}
