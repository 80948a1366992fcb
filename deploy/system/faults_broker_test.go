package system

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// fewLines is the most that a service may log about an outage: each of its three connections and its relay when they
// lose and when they find the broker, with some to spare. At a line per try it were dozens.
const fewLines = 14

func TestFaultBrokerDownForAWhile(t *testing.T) {
	const n = 70
	f := newFault(t, n)
	began := time.Now()
	f.stopped("rabbitmq")
	erasures := f.forget(f.some(n), 250*time.Millisecond)
	for _, service := range services {
		assert.Equal(t, http.StatusOK, health(f.ctx, service, "/readyz"), "%s is ready without the broker", service)
	}
	require.NoError(t, running.Start(f.ctx, "rabbitmq"))

	f.complete(erasures)
	f.over()
	for _, service := range services {
		lines := f.logged(service, began)
		t.Logf("%s logged %d lines", service, len(lines))
		assert.LessOrEqual(t, len(lines), fewLines, "%s logs changes, not tries:\n%s", service, strings.Join(lines, "\n"))
		assert.NotEmpty(t, lines, "%s says that the broker went and came", service)
	}
}

func TestFaultMemoryAlarm(t *testing.T) {
	const earlier, meanwhile = 40, 26
	f := newFault(t, earlier+meanwhile)
	f.stopped("likes")
	erasures := f.forget(f.some(earlier), 0)
	waiting := func() int { return messages(f.ctx, t)["likes.user-deleted"] }
	require.True(t, within(t, patience, func() bool { return waiting() == earlier }))
	began := time.Now()

	alarm(t)
	require.NoError(t, running.Start(f.ctx, "likes"))
	erasures = append(erasures, f.forget(f.some(meanwhile), 500*time.Millisecond)...) // longer than a publisher waits for a confirm
	assert.True(t, within(t, patience, func() bool { return waiting() == 0 }), "consumers go on")
	assert.Equal(t, meanwhile, f.count("auth", "SELECT count(DISTINCT message_id) FROM outbox"), "publishers are blocked")
	for _, service := range services {
		assert.Equal(t, http.StatusOK, health(f.ctx, service, "/readyz"), "%s is ready in spite of the alarm", service)
	}
	require.NoError(t, running.Rabbitmqctl(f.ctx, "set_vm_memory_high_watermark", usualWatermark))

	f.complete(erasures)
	f.over()
	for _, service := range services {
		blocked := 0
		lines := f.logged(service, began)
		for _, line := range lines {
			if strings.Contains(line, `"blocked":true`) {
				blocked++
			}
		}
		t.Logf("%s logged %d lines", service, len(lines))
		assert.LessOrEqual(t, blocked, 1, "%s says once that its publisher is blocked:\n%s", service, strings.Join(lines, "\n"))
		assert.True(t, blocked > 0 || service != "auth", "auth, which published, says that it is blocked")
	}
}

// usualWatermark is RabbitMQ's own default.
const usualWatermark = "0.4"

// alarm makes RabbitMQ believe that it has no memory left, until the test is over at the latest.
func alarm(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		assert.NoError(t, running.Rabbitmqctl(ctx, "set_vm_memory_high_watermark", usualWatermark))
	})
	require.NoError(t, running.Rabbitmqctl(t.Context(), "set_vm_memory_high_watermark", "absolute", "1"))
	require.True(t, within(t, patience, func() bool {
		status := rabbitAs(t, setting["RABBITMQ_USERNAME"], setting["RABBITMQ_PASSWORD"], http.MethodGet, "/api/health/checks/local-alarms", nil, nil)
		return status == http.StatusServiceUnavailable
	}), "the alarm is on")
}

func TestFaultBrokerWiped(t *testing.T) {
	const n = 200
	f := newFault(t, n)
	began := time.Now()
	f.stopped("likes") // so that none is complete before
	f.finally("rabbitmq")
	wiped, ctx := errgroup.WithContext(f.ctx)
	wiped.Go(func() error {
		within(t, patience, func() bool { // in the middle
			return f.count("auth", "SELECT count(*) FROM erasures WHERE requested_at >= $1", began) > n/2
		})
		return running.Wipe(ctx, "rabbitmq")
	})
	erasures := f.forget(f.some(n), 0)
	require.NoError(t, wiped.Wait())
	require.NoError(t, running.Start(f.ctx, "likes"))
	for _, holder := range holders { // else it might be told too early, and after that not for a minute
		require.True(t, within(t, patience, func() bool { return bound(t, holder) }), "%s asks for its messages again", holder)
	}
	f.exec("auth", "UPDATE erasures SET remind_at = remind_at - interval '30 seconds' WHERE completed_at IS NULL") // time passes

	f.complete(erasures)
	again := f.toldAgain(began)
	t.Logf("%d were told again", again)
	assert.NotZero(t, again, "the broker lost some that were under way")
	f.over()
}
