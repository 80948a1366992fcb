package system

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// load is people who go on asking, and none of whom may notice anything.
type load struct {
	*testing.T
	leave  context.CancelFunc
	done   chan struct{}
	began  time.Time
	mutex  sync.Mutex
	failed []error
	took   []time.Duration
}

// everyone asks likes for a like with its pizza, so many times a second: each time likes calls pizza.
func everyone(ctx context.Context, t *testing.T, perSecond int) *load {
	t.Helper()
	ask := likeWithPizza(ctx, t)
	require.NoError(t, ask(ctx))
	ctx, cancel := context.WithCancel(ctx)
	l := &load{T: t, leave: cancel, done: make(chan struct{}), began: time.Now()}
	t.Cleanup(func() { cancel(); <-l.done })
	go l.run(ctx, perSecond, ask)
	return l
}

// run makes up for what it could not ask in time, but never has more than some under way.
func (l *load) run(ctx context.Context, perSecond int, ask func(context.Context) error) {
	defer close(l.done)
	var asking errgroup.Group
	asking.SetLimit(24)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for asked := 0; ; {
		select {
		case <-ctx.Done():
			_ = asking.Wait()
			return
		case <-tick.C:
		}
		for ; asked < int(time.Since(l.began).Seconds()*float64(perSecond)) && ctx.Err() == nil; asked++ {
			asking.Go(func() error {
				l.note(time.Now(), ask(context.WithoutCancel(ctx))) // those under way at the end are heard
				return nil
			})
		}
	}
}

func (l *load) note(began time.Time, err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.took = append(l.took, time.Since(began))
	if err != nil {
		l.failed = append(l.failed, fmt.Errorf("%s: %w", time.Now().Format(time.TimeOnly), err))
	}
}

// answered is how many have been, so far.
func (l *load) answered() int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return len(l.took) - len(l.failed)
}

// more waits until n more have been answered.
func (l *load) more(n int) {
	l.Helper()
	from := l.answered()
	require.True(l, within(l.T, patience, func() bool { return l.answered() >= from+n }), "people are still answered")
}

// over ends it: nobody noticed anything.
func (l *load) over() {
	l.Helper()
	l.leave()
	<-l.done
	took := time.Since(l.began)
	slices.Sort(l.took)
	l.Logf("%d requests in %s, %.0f a second: p50 %s, p99 %s, slowest %s", len(l.took), took.Round(time.Millisecond),
		float64(len(l.took))/took.Seconds(), percentile(l.took, 50), percentile(l.took, 99), percentile(l.took, 100))
	assert.Empty(l, errors.Join(l.failed[:min(5, len(l.failed))]...), "%d of %d requests failed", len(l.failed), len(l.took))
	assert.NotEmpty(l, l.took)
}

// percentile of what is sorted.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)*p/100].Round(10 * time.Microsecond)
}

// likeWithPizza makes a like, which goes with the test, and returns how to ask for it together with its pizza.
func likeWithPizza(ctx context.Context, t *testing.T) func(context.Context) error {
	t.Helper()
	const title = "Asked for again and again"
	pizza, err := tizza.HousePizza(ctx, title)
	require.NoError(t, err)
	var like struct{ ID int64 }
	answer, err := tizza.Call(ctx, tizza.Operator(), http.MethodPost, tizza.Likes("/likes"), map[string]any{"pizza": pizza, "user": uuid.NewString()})
	require.NoError(t, err)
	require.NoError(t, answer.Want(http.StatusCreated, &like))
	address := tizza.Likes(fmt.Sprintf("/likes/%d", like.ID))
	t.Cleanup(func() {
		_, err := tizza.Call(context.Background(), tizza.Operator(), http.MethodDelete, address, nil)
		assert.NoError(t, err)
	})
	return func(ctx context.Context) error {
		answer, err := tizza.Call(ctx, tizza.Operator(), http.MethodGet, address+"?expand=pizza", nil)
		if err != nil {
			return err
		}
		var found struct{ Pizza *struct{ Title string } }
		if err := answer.Want(http.StatusOK, &found); err != nil {
			return err
		}
		if found.Pizza == nil || found.Pizza.Title != title {
			return fmt.Errorf("the wrong pizza: %s", answer.Body)
		}
		return nil
	}
}
