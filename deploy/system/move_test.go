package system

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// deletions is how many people are forgotten while the broker moves: a few, or TIZZA_DELETIONS=10000.
func deletions(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("TIZZA_DELETIONS"))
	if err != nil {
		return 2000
	}
	return n
}

func TestTheBrokerMovesThreeTimesWhileThousandsAreForgottenAndNothingIsLostOrDoneTwice(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	o, home, away := newOperator(t), theBroker(), anotherBroker(t)
	n := deletions(t)
	pizza, err := tizza.HousePizza(ctx, "Liked by thousands")
	require.NoError(t, err)
	before, inbox := rows(t), count(ctx, t, "auth", "SELECT count(*) FROM inbox")
	people := insert(ctx, t, n, pizza)
	began := time.Now()

	var erasures []string
	var forgetting errgroup.Group
	forgetting.Go(func() (err error) {
		var refused int
		erasures, refused, err = tizza.Forget(ctx, people, 32)
		assert.Zero(t, refused, "every DELETE gets its 202 at once")
		t.Logf("%d × 202 after %s", len(erasures), time.Since(began).Round(time.Millisecond))
		return err
	})
	for i, to := range []brokerAt{away, home, away} {
		require.True(t, within(t, 10*patience, func() bool {
			return count(ctx, t, "auth", "SELECT count(*) FROM erasures WHERE requested_at >= $1", began) >= (i+1)*n/5
		}), "people are forgotten")
		t.Logf("everybody is at %s after %s", to.url, o.applied("rabbitmq/url", o.put("rabbitmq/url", to.url)).Round(time.Millisecond))
	}
	t.Cleanup(func() { // should it have failed on the way
		if t.Failed() {
			o.del("rabbitmq/url")
		}
	})
	require.NoError(t, forgetting.Wait())
	complete(ctx, t, began, n)
	t.Logf("%d erasures complete after %s", n, time.Since(began).Round(time.Millisecond))

	assert.Equal(t, before, rows(t), "nothing of theirs is left in any database")
	onceEach(ctx, t, erasures)
	assert.Equal(t, inbox+n*len(holders), count(ctx, t, "auth", "SELECT count(*) FROM inbox"), "auth has one receipt of each")
	home.emptied(ctx, t)
	home.left(ctx, t)

	o.applied("rabbitmq/url", o.del("rabbitmq/url"))
	away.emptied(ctx, t)
	away.left(ctx, t)
	assertQuiet(ctx, t)
	TestAPersonSignsUpLikesAttendsAndIsForgottenEverywhere(t)
}

// insert makes n people, each with a pizza, a like of that other pizza, an event and an attendance. They have no password:
// its hash is what makes sign-ups slow. Ids are far from what is counted: others may have PUT some before their turn.
func insert(ctx context.Context, t *testing.T, n int, pizza int64) []string {
	t.Helper()
	people := make([]string, n)
	for i := range people {
		people[i] = uuid.NewString()
	}
	filled := strings.NewReplacer(
		"PEOPLE", "unnest(string_to_array($1, ',')::uuid[]) WITH ORDINALITY AS people (p, n)",
		"ID", fmt.Sprint("n + ", time.Now().UnixMicro()), "PIZZA", fmt.Sprint(pizza),
	)
	for _, step := range []struct{ service, statement string }{
		{"auth", "INSERT INTO users (uuid, username, email, password_hash) SELECT p, 'moved-' || p, 'moved-' || p || '@example.com', '' FROM PEOPLE"},
		{"pizza", "INSERT INTO pizzas (id, title, description, image_url, creator) SELECT ID, 'Theirs', '', '', p FROM PEOPLE"},
		{"likes", "INSERT INTO likes (id, user_uuid, pizza_id) SELECT ID, p, PIZZA FROM PEOPLE"},
		{"events", "INSERT INTO events (id, title, description, place, starts_at, host) SELECT ID, 'Theirs', '', 'Town hall', now(), p FROM PEOPLE"},
		{"events", "INSERT INTO attendances (event, user_uuid, status) SELECT id, host, 'going' FROM events JOIN PEOPLE ON host = p"},
	} {
		statement := filled.Replace(step.statement)
		_, err := databases[step.service].ExecContext(ctx, statement, strings.Join(people, ","))
		require.NoError(t, err, step.statement)
	}
	return people
}

// complete waits until all n erasures since then are: as long as it goes on, that may take a while.
func complete(ctx context.Context, t *testing.T, since time.Time, n int) {
	t.Helper()
	for done := -1; done < n; {
		var now int
		more := within(t, 4*patience, func() bool {
			now = count(ctx, t, "auth", "SELECT count(completed_at) FROM erasures WHERE requested_at >= $1", since)
			return now > done
		})
		require.True(t, more, "%d of %d are complete", now, n)
		done = now
	}
}

// onceEach adds up what the holders say they have deleted: each of these people had one of everything.
func onceEach(ctx context.Context, t *testing.T, erasures []string) {
	t.Helper()
	ids := make([]string, len(erasures))
	for i, address := range erasures {
		ids[i] = address[strings.LastIndex(address, "/")+1:]
	}
	slices.Sort(ids)
	assert.Len(t, slices.Compact(ids), len(erasures), "each has an erasure of their own")
	of := strings.Join(ids, ",")
	for service, tables := range personal {
		held := "FROM erasure_holders WHERE erasure_id = ANY (string_to_array($1, ',')) AND service = $2 AND state = 'erased' AND remaining = 0"
		assert.Equal(t, len(erasures), count(ctx, t, "auth", "SELECT count(*) "+held, of, service), "%s has answered for each", service)
		for _, table := range tables {
			assert.Equal(t, len(erasures), count(ctx, t, "auth", "SELECT coalesce(sum((deleted->>$3)::integer), 0) "+held, of, service, table),
				"%s deleted one of each from %s", service, table)
		}
		if service != "auth" {
			assert.Equal(t, len(erasures), count(ctx, t, service, "SELECT count(*) FROM receipts WHERE erasure_id = ANY (string_to_array($1, ','))", of), "%s did it once", service)
		}
	}
}

// count is the answer to a query for one number.
func count(ctx context.Context, t *testing.T, service, query string, arguments ...any) (n int) {
	t.Helper()
	require.NoError(t, databases[service].QueryRowContext(ctx, query, arguments...).Scan(&n))
	return n
}
