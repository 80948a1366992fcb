package deadletter_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/deadletter"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
)

const patience = 30 * time.Second

// office is a desk in a service with two queues that nobody consumes.
type office struct {
	deadletter.Desk
	t       *testing.T
	server  *servertest.Broker
	channel *amqp.Channel
}

func open(t *testing.T) *office {
	t.Parallel()
	server := servertest.RabbitMQ(t)
	username, password := server.User(t, `^reader\.`, `^reader\.`, `^reader\.`)
	o := &office{t: t, server: server, channel: server.Channel(t), Desk: deadletter.Desk{
		Broker: broker.Config{URL: server.URL, Username: username, Password: setting.Secret(password)},
		Topology: broker.Topology{Service: "reader", Subscriptions: []broker.Subscription{
			{Queue: "reader.news", Exchange: "news"}, {Queue: "reader.sport", Exchange: "news"},
		}},
		Database: servertest.Postgres(t, deadletter.Schema()),
		Operator: "ann",
	}}
	require.NoError(t, o.channel.ExchangeDeclare("reader.redelivery", "direct", true, false, false, false, nil))
	for _, q := range o.Topology.Queues() {
		_, err := o.channel.QueueDeclare(q.Name, true, false, false, false, q.Arguments)
		require.NoError(t, err)
		require.NoError(t, o.channel.QueueBind(q.Name, q.Name, "reader.redelivery", false, nil))
	}
	require.NoError(t, o.channel.Confirm(false))
	return o
}

// put makes dead letters with the reason, and returns their ids.
func (o *office) put(queue, reason string, count int) (ids []string) {
	var last *amqp.DeferredConfirmation
	for range count {
		ids = append(ids, uuid.NewString())
		confirm, err := o.channel.PublishWithDeferredConfirm("reader.redelivery", queue+".dead", true, false, amqp.Publishing{
			MessageId: ids[len(ids)-1], DeliveryMode: amqp.Persistent, ContentType: "application/json", Type: "paper.out.1.0.0",
			Body: []byte(`{"name":"top secret"}`),
			Headers: amqp.Table{
				"x-attempt": "10", "x-reason": reason, "x-exchange": "news", "x-key": "paper.out.1.0.0",
				"x-first-failure": "2026-01-02T03:04:06Z", "x-last-failure": "2026-01-02T03:10:00Z",
			},
		})
		require.NoError(o.t, err)
		last = confirm
	}
	require.True(o.t, last.Wait())
	return ids
}

// holds waits until a queue has that many messages.
func (o *office) holds(queue string, expected int) {
	o.t.Helper()
	servertest.Eventually(o.t, patience, fmt.Sprintf("%d messages in %s", expected, queue), func() bool {
		depth, _ := o.server.Depth(o.t, queue)
		return depth == expected
	})
}

func (o *office) history() []deadletter.Action {
	actions, err := deadletter.History(o.t.Context(), o.Database, 1000)
	require.NoError(o.t, err)
	return actions
}

var all = deadletter.Selection{All: true}

func TestListShowsEveryQueueAndSaysWhatIsBeyondTheLimit(t *testing.T) {
	o := open(t)
	news := o.put("reader.news", "was down", 3)
	sport := o.put("reader.sport", "No Such Team", 2)

	letters, beyond, err := o.List(t.Context(), deadletter.Selection{}, 4)
	require.NoError(t, err)
	require.Len(t, letters, 4)
	assert.Equal(t, 1, beyond)
	first := time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)
	last := time.Date(2026, 1, 2, 3, 10, 0, 0, time.UTC)
	assert.Equal(t, deadletter.Letter{
		ID: news[0], Queue: "reader.news", Key: "paper.out.1.0.0", Attempts: 10, FirstFailure: &first, LastFailure: &last, Reason: "was down",
	}, letters[0])
	o.holds("reader.news.dead", 3)
	o.holds("reader.sport.dead", 2)

	letters, _, err = o.List(t.Context(), deadletter.Selection{Reason: "no such"}, 100)
	require.NoError(t, err)
	require.Len(t, letters, 2)
	assert.Equal(t, sport[0], letters[0].ID)

	o.Queue = "reader.news"
	letters, _, err = o.List(t.Context(), deadletter.Selection{}, 100)
	require.NoError(t, err)
	assert.Len(t, letters, 3)

	o.Queue = "writer.news"
	_, _, err = o.List(t.Context(), deadletter.Selection{}, 100)
	require.ErrorContains(t, err, `reader has no queue "writer.news": it has reader.news, reader.sport`)
}

func TestWhatIsBeyondTheLimitIsCountedWithoutLookingAtIt(t *testing.T) {
	o := open(t)
	o.put("reader.news", "was down", 50)
	o.put("reader.sport", "was down", 7)
	last := 0
	o.Progress = func(passed, _ int) { last = passed }
	for selection, looked := range map[string]int{"": broker.MaxLetters, "was": 57} {
		letters, beyond, err := o.List(t.Context(), deadletter.Selection{Reason: selection}, 5)
		require.NoError(t, err)
		assert.Len(t, letters, 5)
		assert.Equal(t, 52, beyond)
		assert.Equal(t, looked, last)
		o.holds("reader.news.dead", 50)
		o.holds("reader.sport.dead", 7)
	}
}

func TestAPayloadIsRevealedOnDemandAndThatIsAudited(t *testing.T) {
	o := open(t)
	id := o.put("reader.news", "was down", 1)[0]

	letters, err := o.Show(t.Context(), id, false)
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"name": "…10 characters"}, letters[0].Payload)
	assert.True(t, letters[0].Redacted)
	assert.Equal(t, "news", letters[0].Exchange)
	assert.Equal(t, "was down", letters[0].Headers["x-reason"])
	assert.Empty(t, o.history())

	letters, err = o.Show(t.Context(), id, true)
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"name": "top secret"}, letters[0].Payload)
	actions := o.history()
	require.Len(t, actions, 1)
	assert.WithinDuration(t, time.Now(), actions[0].At, time.Minute)
	actions[0].ID, actions[0].At = 0, time.Time{}
	assert.Equal(t, deadletter.Action{
		Operator: "ann", Action: "reveal", Queue: "reader.news", MessageID: id, Key: "paper.out.1.0.0", Reason: "was down", Outcome: "done",
	}, actions[0])
	o.holds("reader.news.dead", 1)
}

func TestReplayTakesWhatIsMeant(t *testing.T) {
	o := open(t)
	down := o.put("reader.news", "was down", 3)
	broken := o.put("reader.news", "is broken", 2)

	tallies, err := o.Replay(t.Context(), deadletter.Selection{IDs: []string{down[1], broken[0]}})
	require.NoError(t, err)
	assert.Equal(t, []deadletter.Tally{{Queue: "reader.news", Done: 2}}, tallies)
	o.holds("reader.news", 2)
	o.holds("reader.news.dead", 3)

	tallies, err = o.Replay(t.Context(), deadletter.Selection{Reason: "DOWN"})
	require.NoError(t, err)
	assert.Equal(t, []deadletter.Tally{{Queue: "reader.news", Done: 2}}, tallies)
	o.holds("reader.news", 4)

	tallies, err = o.Replay(t.Context(), all)
	require.NoError(t, err)
	assert.Equal(t, []deadletter.Tally{{Queue: "reader.news", Done: 1}}, tallies)
	o.holds("reader.news", 5)
	o.holds("reader.news.dead", 0)
	assert.Len(t, o.history(), 5)
}

func TestAnUnknownIDIsNamedAndTheOthersAreDone(t *testing.T) {
	o := open(t)
	id := o.put("reader.sport", "was down", 1)[0]
	tallies, err := o.Discard(t.Context(), deadletter.Selection{IDs: []string{"nobody", id}})
	require.ErrorContains(t, err, `1 done, 0 not: there is no dead letter "nobody"`)
	assert.NotContains(t, err.Error(), id)
	assert.Equal(t, []deadletter.Tally{{Queue: "reader.sport", Done: 1}}, tallies)
	o.holds("reader.sport.dead", 0)
	o.holds("reader.sport", 0)

	_, err = o.Show(t.Context(), "nobody", false)
	require.ErrorContains(t, err, `there is no dead letter "nobody"`)
}

func TestWhatCannotBeReplayedIsCountedAndStays(t *testing.T) {
	o := open(t)
	o.put("reader.news", "was down", 2)
	o.put("reader.sport", "was down", 3)
	require.NoError(t, o.channel.QueueUnbind("reader.news", "reader.news", "reader.redelivery", nil))

	tallies, err := o.Replay(t.Context(), all)
	require.ErrorIs(t, err, broker.ErrUnrouted)
	require.ErrorContains(t, err, "3 done, 2 not")
	assert.Equal(t, []deadletter.Tally{{Queue: "reader.news", Failed: 2}, {Queue: "reader.sport", Done: 3}}, tallies)
	o.holds("reader.news.dead", 2)
	o.holds("reader.sport", 3)
	outcomes := map[string]int{}
	for _, action := range o.history() {
		outcomes[action.Outcome]++
	}
	assert.Equal(t, map[string]int{"done": 3, "failed: " + broker.ErrUnrouted.Error(): 2}, outcomes)
}

func TestWithoutAnAuditNothingIsDone(t *testing.T) {
	o := open(t)
	id := o.put("reader.news", "was down", 3)[0]
	require.NoError(t, o.Database.DB().WithContext(t.Context()).Exec("DROP TABLE dead_letter_actions").Error)

	_, err := o.Replay(t.Context(), all)
	require.ErrorContains(t, err, "the audit cannot be written")
	_, err = o.Discard(t.Context(), all)
	require.ErrorContains(t, err, "the audit cannot be written")
	letters, err := o.Show(t.Context(), id, true)
	require.ErrorContains(t, err, "the audit cannot be written")
	assert.Empty(t, letters)

	o.holds("reader.news.dead", 3)
	o.holds("reader.news", 0)
}

func TestTheAuditIsThereBeforeTheAct(t *testing.T) {
	o := open(t)
	o.put("reader.news", "was down", 1)
	// The database lets nobody write an outcome: what is found is what was written before.
	require.NoError(t, o.Database.DB().WithContext(t.Context()).Exec(
		"CREATE RULE no_outcome AS ON UPDATE TO dead_letter_actions DO INSTEAD SELECT 1/0").Error)
	_, err := o.Replay(t.Context(), all)
	require.ErrorContains(t, err, "the audit says only that it was begun")
	o.holds("reader.news", 1)
	actions := o.history()
	require.Len(t, actions, 1)
	assert.Empty(t, actions[0].Outcome)
}

func TestALetterThatNoDatabaseCouldHoldIsAuditedAllTheSame(t *testing.T) {
	o := open(t)
	o.put("reader.news", "bad \x00 and \xff", 1)
	_, err := o.Discard(t.Context(), all)
	require.NoError(t, err)
	assert.Equal(t, "bad  and ", o.history()[0].Reason)
}

func TestAnInterruptionLeavesTheRestWhereItWas(t *testing.T) {
	o := open(t)
	o.put("reader.news", "was down", 50)
	const batch = broker.MaxLetters
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	last := 0
	o.Progress = func(passed, of int) {
		assert.Equal(t, 50, of)
		if last = passed; passed == batch+batch/2 { // one batch is done, and another one begun
			stop()
		}
	}
	tallies, err := o.Replay(ctx, all)
	require.ErrorContains(t, err, "16 done, 0 not: interrupted: the rest is where it was")
	assert.Equal(t, batch+batch/2, last)
	assert.Equal(t, []deadletter.Tally{{Queue: "reader.news", Done: batch}}, tallies)
	o.holds("reader.news", batch)
	o.holds("reader.news.dead", 50-batch)
	for _, action := range o.history() {
		require.Equal(t, "done", action.Outcome)
	}
}

func TestTwoOperatorsAtOnceShareTheLetters(t *testing.T) {
	o := open(t)
	o.put("reader.news", "was down", 300)
	type result struct {
		tallies []deadletter.Tally
		err     error
	}
	results := make(chan result)
	for range 2 {
		go func() {
			tallies, err := o.Replay(t.Context(), all)
			results <- result{tallies, err}
		}()
	}
	sum := 0
	for range 2 {
		r := <-results
		require.NoError(t, r.err)
		for _, tally := range r.tallies {
			sum += tally.Done
		}
	}
	assert.Equal(t, 300, sum)
	o.holds("reader.news", 300)
	o.holds("reader.news.dead", 0)
	seen := map[string]bool{}
	for _, action := range o.history() {
		assert.False(t, seen[action.MessageID])
		seen[action.MessageID] = true
	}
	assert.Len(t, seen, 300)
}

func TestMemoryDoesNotGrowWithTheLetters(t *testing.T) {
	o := open(t)
	const letters, size = 600, 100 << 10
	body := []byte(strings.Repeat("x", size))
	for range letters {
		confirm, err := o.channel.PublishWithDeferredConfirm("reader.redelivery", "reader.news.dead", true, false,
			amqp.Publishing{DeliveryMode: amqp.Persistent, MessageId: uuid.NewString(), Body: body})
		require.NoError(t, err)
		require.True(t, confirm.Wait())
	}
	var most uint64
	o.Progress = func(passed, _ int) {
		if passed%20 == 0 {
			var memory runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&memory)
			most = max(most, memory.HeapAlloc)
		}
	}
	_, _, err := o.List(t.Context(), deadletter.Selection{}, letters)
	require.NoError(t, err)
	_, err = o.Replay(t.Context(), all)
	require.NoError(t, err)
	assert.Less(t, most, uint64(letters*size/2))
}

func TestWhatIsDownIsAnErrorSoon(t *testing.T) {
	o := open(t)
	o.put("reader.news", "was down", 1)
	began := time.Now()
	desk := o.Desk
	desk.Broker.URL = "amqp://127.0.0.1:1/"
	_, err := desk.Replay(t.Context(), all)
	require.ErrorContains(t, err, "dial broker")
	assert.NotContains(t, err.Error(), desk.Broker.Password.Reveal())
	assert.Less(t, time.Since(began), 30*time.Second)
}
