package system

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/tizza/tizza/deploy/internal/visitor"
)

const concurrency = 16

// personal are the tables in which every one of the crowd has something.
var personal = map[string][]string{
	"auth": {"users"}, "pizza": {"pizzas"}, "likes": {"likes"}, "events": {"events", "attendances"},
}

func TestAThousandPeopleAreForgotten(t *testing.T) {
	for _, test := range []struct {
		name   string
		people int
		killed []string
		pause  time.Duration // before each
	}{
		{"undisturbed", 1000, nil, 0},
		{"while each service is killed and started again", 600, services, 0},
		{"while RabbitMQ is killed and started again", 400, []string{"rabbitmq"}, 0},
		{"while PostgreSQL is killed and started again three times", 400, slices.Repeat([]string{"postgres"}, 3), time.Second}, // it is ready at once
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			before := rows(t)
			crowd, err := tizza.Crowd(ctx, test.people, concurrency)
			require.NoError(t, err)
			require.Equal(t, before["likes.likes"]+test.people, rows(t)["likes.likes"])

			disturbed, disturbances := errgroup.WithContext(ctx)
			disturbed.Go(func() error { return killAll(disturbances, test.pause, test.killed) })
			started := time.Now()
			erasures, refused, err := tizza.Forget(ctx, crowd, concurrency)
			require.NoError(t, err)
			require.NoError(t, disturbed.Wait())
			if test.killed == nil {
				assert.Zero(t, refused, "every DELETE gets its 202 at once")
			}
			for _, address := range erasures {
				_, err := tizza.Complete(ctx, address)
				require.NoError(t, err)
			}
			var reminded int
			require.NoError(t, databases["auth"].QueryRowContext(ctx, "SELECT count(*) FROM erasures WHERE reminders > 0").Scan(&reminded))
			t.Logf("%d erasures so far were told again", reminded)
			t.Logf("%d erasures complete after %s, %d requests repeated", len(erasures), time.Since(started).Round(time.Millisecond), refused)

			assert.Equal(t, before, rows(t), "nothing of theirs is left in any database")
			assertForgotten(t, crowd[0])
			assertQuiet(ctx, t)
		})
	}
}

// killAll kills one part after another with SIGKILL, as a crash would: each after the pause, and not before the one before
// is ready again.
func killAll(ctx context.Context, pause time.Duration, parts []string) error {
	for _, part := range parts {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		if err := running.Kill(part); err != nil {
			return err
		}
		if err := running.Wait(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// rows counts the personal tables.
func rows(t *testing.T) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for service, tables := range personal {
		for _, table := range tables {
			var n int
			require.NoError(t, databases[service].QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
			counts[service+"."+table] = n
		}
	}
	return counts
}

// assertQuiet waits until no message is under way, and finds no dead letter. A relay that was killed leaves rows that
// nobody else takes for half a minute. Every connection to the broker is back too, so that whoever comes next finds the
// system as it was.
func assertQuiet(ctx context.Context, t *testing.T) {
	t.Helper()
	assertConnected(ctx, t)
	waiting := map[string]int{}
	quiet := within(t, 2*patience, func() bool {
		waiting = messages(ctx, t)
		for _, service := range services {
			var n int
			require.NoError(t, databases[service].QueryRowContext(ctx, "SELECT count(*) FROM outbox").Scan(&n))
			if n > 0 {
				waiting[service+" outbox"] = n
			}
		}
		return len(waiting) == 0
	})
	assert.True(t, quiet, "messages still under way: %v", waiting)
}

// assertConnected waits until all connections of every service to the broker can be used: a service is ready before its
// listener is, which misses what is said meanwhile.
func assertConnected(ctx context.Context, t *testing.T) {
	t.Helper()
	for _, service := range services {
		var lines []string
		connected := within(t, patience, func() bool {
			answer, err := tizza.Call(ctx, visitor.Anyone{}, http.MethodGet, setting[strings.ToUpper(service)+"_URL"]+"/metrics", nil)
			lines = slices.DeleteFunc(strings.Split(string(answer.Body), "\n"), func(line string) bool {
				return !strings.HasPrefix(line, "broker_connected{")
			})
			away := slices.ContainsFunc(lines, func(line string) bool { return !strings.HasSuffix(line, " 1") })
			return err == nil && len(lines) > 0 && !away
		})
		assert.True(t, connected, "%s is connected to the broker: %v", service, lines)
	}
}

// messages returns the queues that hold any.
func messages(ctx context.Context, t *testing.T) map[string]int {
	t.Helper()
	found, dead := theBroker().holding(ctx, t)
	require.NotZero(t, dead, "there are queues for dead letters")
	return found
}
