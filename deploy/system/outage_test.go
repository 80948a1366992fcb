package system

import (
	"context"
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// leaseTTL is how long etcd lists who is not heard of.
const leaseTTL = 10 * time.Second

func TestCallsGoOnWhileEtcdIsAwayAndServicesAreRestartedAndRegistrationsReturnToAWipedOne(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	o := newOperator(t)
	other := newTap(t, beside(ctx, t, "pizza", "api").url())
	o.finally("pizza/url")
	o.applied("pizza/url", o.put("pizza/url", other.url()))
	t.Cleanup(func() { assert.NoError(t, running.Start(context.Background(), "etcd")) })

	require.NoError(t, running.Stop(ctx, "etcd"))
	stopped := time.Now()
	people := everyone(ctx, t, 50)
	for _, service := range []string{"pizza", "likes"} {
		if service == "likes" { // it is who people ask
			people.over()
		}
		require.NoError(t, running.Stop(ctx, service))
		require.NoError(t, running.Start(ctx, service))
	}
	first := other.firstCall()
	people = everyone(ctx, t, 50)
	await(t, first, "who was restarted still goes where the operator said")
	for _, service := range services {
		assert.Equal(t, http.StatusOK, health(ctx, service, "/readyz"), "%s is ready without etcd", service)
	}
	within(t, 3*leaseTTL-time.Since(stopped), func() bool { return false })
	people.more(50)
	require.NoError(t, running.Wipe(ctx, "etcd"))
	back := time.Now()

	for _, service := range services {
		n := 1
		if service == "pizza" {
			n = 2
		}
		o.instances(service, n)
	}
	t.Logf("all are registered again %s after etcd was ready", time.Since(back).Round(time.Millisecond))
	assert.True(t, within(t, patience, func() bool {
		return len(o.status("pizza/url")) >= len(services) || len(o.below("status/")) >= len(services)
	}), "and say what they follow")
	assert.True(t, within(t, patience, func() bool { return len(o.below("personal-data/")) == len(services) }), "and what they hold")
	people.more(50)
	people.over()
}

func TestWhatWasEditedAndDeletedWhileTheWatchWasCutAndCompactedIsSeen(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	o := newOperator(t)
	toEtcd := newTap(t, setting["ETCD_ENDPOINTS"])
	events := beside(ctx, t, "events", "api", "ETCD_ENDPOINTS="+toEtcd.url())
	pizzas, likes := newTap(t, setting["PIZZA_URL"]), newTap(t, setting["LIKES_URL"])
	ask := suggestions(ctx, t, events)
	o.finally("pizza/url")
	o.finally("likes/url")
	o.put("likes/url", likes.url())
	require.True(t, within(t, patience, func() bool { ask(ctx); return likes.asked.Load() > 0 }), "it goes where likes/url says")

	toEtcd.cut(true)
	o.put("pizza/url", pizzas.url())
	revision := o.del("likes/url")
	_, err := o.etcd.Compact(ctx, revision, clientv3.WithCompactPhysical())
	require.NoError(t, err)
	before := likes.asked.Load()
	ask(ctx)
	assert.Greater(t, likes.asked.Load(), before, "it knows of nothing")
	toEtcd.cut(false)

	assert.True(t, within(t, patience, func() bool { ask(ctx); return pizzas.asked.Load() > 0 }), "the edited key is seen")
	assert.True(t, within(t, patience, func() bool {
		before := likes.asked.Load()
		ask(ctx)
		return likes.asked.Load() == before
	}), "and the deleted one")
	events.stop()
}

// suggestions asks this replica of events for what those like who come to an event: it asks likes, and then pizza.
func suggestions(ctx context.Context, t *testing.T, events *second) func(context.Context) {
	t.Helper()
	ann, err := tizza.SignUp(ctx, newName())
	require.NoError(t, err)
	pizza, err := tizza.HousePizza(ctx, "Suggested")
	require.NoError(t, err)
	require.NoError(t, ann.Like(ctx, pizza))
	event, err := ann.Host(ctx, "Pizza night", pizza)
	require.NoError(t, err)
	require.NoError(t, ann.Attend(ctx, event))
	address := fmt.Sprintf("%s/api/v1/events/%d/suggestions", events.url(), event)
	return func(ctx context.Context) {
		t.Helper()
		answer, err := tizza.Call(ctx, tizza.Operator(), http.MethodGet, address, nil)
		require.NoError(t, err)
		require.NoError(t, answer.Want(http.StatusOK, nil))
		assert.Contains(t, string(answer.Body), "Suggested")
	}
}

func TestAServiceThatSleptPastItsLeaseIsRegisteredAgain(t *testing.T) {
	o := newOperator(t)
	o.instances("likes", 1)
	require.NoError(t, running.Signal("likes", syscall.SIGSTOP))
	t.Cleanup(func() { _ = running.Signal("likes", syscall.SIGCONT) })
	o.instances("likes", 0)

	require.NoError(t, running.Signal("likes", syscall.SIGCONT))
	woken := time.Now()

	o.instances("likes", 1)
	t.Logf("registered again after %s", time.Since(woken).Round(time.Millisecond))
	o.finally("pizza/url")
	o.applied("pizza/url", o.put("pizza/url", setting["PIZZA_URL"]))
}

func TestAnInstanceThatIsStoppedTwentyTimesUnderLoadFailsNoRequest(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	o := newOperator(t)
	o.instances("pizza", 1)
	other := beside(ctx, t, "pizza", "api", "SHUTDOWN_DRAIN=500ms") // less than it has where nobody says
	o.instances("pizza", 2)
	const calls = `http_requests_total{method="GET",route="/api/v1/pizzas",status="200"}`
	people := everyone(ctx, t, 100)
	for range 20 {
		require.True(t, within(t, patience, func() bool { return other.counted(ctx, calls) >= 3 }), "it is called")
		other.stop()
		o.instances("pizza", 1)
		other.start(ctx)
		o.instances("pizza", 2)
	}
	people.over()
}
