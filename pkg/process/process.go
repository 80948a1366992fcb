// Package process runs the parts of a program as one: they start in order, and
// stop in reverse, each waited for before the one that it stands on.
//
// The promise under failure: no part dies alone. When one returns, panics or the
// program is told to stop, all stop, and Run says why. A part that does not stop
// in time is left behind and named, so that the process always ends.
package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

// Component is a part that owns a goroutine.
type Component struct {
	Name string
	// Run works until its context ends, and then returns nil or the context's
	// error. To return before that is an error, even with nil.
	Run func(ctx context.Context) error
	// Patience is how long it may take to stop; 0 is 20 s.
	Patience time.Duration
}

const patience = 20 * time.Second

// Run starts the components in order and waits until ctx ends or one of them
// returns. Then it stops them in reverse order. It returns the first error.
func Run(ctx context.Context, log *slog.Logger, components ...Component) error {
	ended := make(chan int, len(components))
	parts := make([]*running, 0, len(components))
	for i, component := range components {
		parts = append(parts, start(ctx, component, func() { ended <- i }))
	}
	var first error
	select {
	case <-ctx.Done():
		log.InfoContext(ctx, "stopping")
	case i := <-ended:
		first = parts[i].early()
		log.ErrorContext(ctx, "stopping because a component ended", "component", components[i].Name, "error", first)
	}
	for i := len(parts) - 1; i >= 0; i-- {
		if err := parts[i].stop(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

type running struct {
	component Component
	cancel    context.CancelFunc
	done      chan struct{}
	err       error // set before done is closed
}

// start gives the component a context that does not end with the parent's: the
// order of stopping is Run's to decide.
func start(ctx context.Context, component Component, ended func()) *running {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &running{component: component, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer ended()
		defer close(r.done)
		r.err = guarded(ctx, component)
	}()
	return r
}

func guarded(ctx context.Context, component Component) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return component.Run(ctx)
}

// early is the error of a component that ended before it was told to.
func (r *running) early() error {
	<-r.done
	return fmt.Errorf("%s: %w", r.component.Name, cmp.Or(r.err, errors.New("ended without being told to")))
}

func (r *running) stop() error {
	r.cancel()
	limit := cmp.Or(r.component.Patience, patience)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-r.done:
		if r.err == nil || errors.Is(r.err, context.Canceled) {
			return nil
		}
		return fmt.Errorf("stop %s: %w", r.component.Name, r.err)
	case <-timer.C:
		return fmt.Errorf("stop %s: still running after %s", r.component.Name, limit)
	}
}

// Context returns a context that ends with the first SIGINT or SIGTERM. A second
// one ends the process at once. The function releases the signals again.
func Context() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	released := make(chan struct{})
	go func() {
		defer cancel()
		for count := range 2 {
			select {
			case <-released:
				return
			case <-signals:
				if count == 1 {
					os.Exit(1)
				}
				cancel()
			}
		}
	}()
	return ctx, sync.OnceFunc(func() {
		signal.Stop(signals)
		close(released)
		cancel()
	})
}
