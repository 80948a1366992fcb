package system

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func TestRoutingToASecondPizzaAndBackAHundredTimesUnderLoadFailsNoRequest(t *testing.T) {
	const flips, perSecond = 100, 500
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	o := newOperator(t)
	pizzas := [2]*tap{newTap(t, setting["PIZZA_URL"]), newTap(t, beside(ctx, t, "pizza", "api").url())}
	o.finally("pizza/url")
	o.applied("pizza/url", o.put("pizza/url", pizzas[1].url()))
	seen := o.watch(ctx, "pizza/url")
	people := everyone(ctx, t, perSecond)
	people.more(perSecond)

	var bare, called []time.Duration
	var last int64
	turn := time.NewTicker(100 * time.Millisecond) // so that the last route's calls are over
	defer turn.Stop()
	for i := range flips {
		<-turn.C
		to := pizzas[i%2]
		first := to.firstCall()
		began := time.Now()
		last = o.put("pizza/url", to.url())
		bare = append(bare, await(t, seen, "the watch sees it").Sub(began))
		called = append(called, await(t, first, "the first call comes there").Sub(began))
	}
	o.applied("pizza/url", last)
	before := pizzas[0].asked.Load()
	people.more(perSecond / 2)
	people.over()

	slices.Sort(bare)
	slices.Sort(called)
	t.Logf("from put to the first call there: p50 %s, p99 %s; a bare watch saw it after p50 %s, p99 %s",
		percentile(called, 50), percentile(called, 99), percentile(bare, 50), percentile(bare, 99))
	assert.Equal(t, before, pizzas[0].asked.Load(), "all calls go where the last edit says")
	for process, f := range o.status("pizza/url") {
		assert.Equal(t, follows{last, pizzas[1].url(), "applied", ""}, f, "%s follows the last edit", process)
	}
}

// watch returns when the edits of a key are seen by somebody who only watches it.
func (o operator) watch(ctx context.Context, key string) <-chan time.Time {
	o.Helper()
	seen := make(chan time.Time, 1000)
	edits := o.etcd.Watch(ctx, root+key, clientv3.WithCreatedNotify())
	created, open := <-edits
	require.True(o, open && created.Created, "%v", created.Err())
	go func() {
		for edit := range edits {
			for range edit.Events {
				seen <- time.Now()
			}
		}
	}()
	return seen
}

func await(t *testing.T, times <-chan time.Time, what string) (at time.Time) {
	t.Helper()
	select {
	case at = <-times:
	case <-time.After(patience):
		require.Fail(t, "it does not happen", what)
	}
	return at
}
