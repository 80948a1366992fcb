package broker_test

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
)

var readers = broker.Topology{Service: "reader", Subscriptions: []broker.Subscription{{Queue: "reader.news", Exchange: "news"}}}

// newReader is a bench with the reader's queues, which nobody consumes. Arguments of the queue of dead letters are added
// to its own.
func newReader(t *testing.T, arguments amqp.Table) (*bench, *amqp.Channel) {
	b := newBench(t)
	channel := b.server.Channel(t)
	require.NoError(t, channel.ExchangeDeclare("news", "topic", true, false, false, false, nil))
	require.NoError(t, channel.ExchangeDeclare("reader.redelivery", "direct", true, false, false, false, nil))
	for _, q := range readers.Queues() {
		if q.Name == "reader.news.dead" {
			for name, value := range arguments {
				q.Arguments[name] = value
			}
		}
		_, err := channel.QueueDeclare(q.Name, true, false, false, false, q.Arguments)
		require.NoError(t, err)
		for _, binding := range q.Bindings {
			require.NoError(t, channel.QueueBind(q.Name, binding.Key, binding.Exchange, false, nil))
		}
	}
	require.NoError(t, channel.Confirm(false))
	return b, channel
}

// put publishes straight into a queue and waits until it is there.
func put(t *testing.T, channel *amqp.Channel, queue string, out amqp.Publishing) {
	t.Helper()
	confirm, err := channel.PublishWithDeferredConfirm("", queue, true, false, out)
	require.NoError(t, err)
	require.True(t, confirm.Wait())
}

// dead is a letter as a consumer leaves it.
func dead(reason string) amqp.Publishing {
	return amqp.Publishing{
		MessageId: uuid.NewString(), DeliveryMode: amqp.Persistent, ContentType: "application/json", Body: []byte(`{"a":1}`),
		Type: "paper.out.1.0.0", Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Headers: amqp.Table{
			"x-attempt": "10", "x-waits": "3", "x-reason": reason, "x-source-queue": "reader.news", "x-exchange": "news", "x-key": "paper.out.1.0.0",
			"x-first-failure": "2026-01-02T03:04:06Z", "x-last-failure": "2026-01-02T03:10:00Z", "traceparent": "of the request",
		},
	}
}

func (b *bench) look() *broker.DeadLetters {
	d, err := broker.OpenDeadLetters(b.t.Context(), b.config, readers, "reader.news")
	require.NoError(b.t, err)
	return d
}

// rest takes all that the look has to give.
func rest(t *testing.T, d *broker.DeadLetters) (letters []*broker.Letter) {
	t.Helper()
	for {
		letter, err := d.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return letters
		}
		require.NoError(t, err)
		letters = append(letters, letter)
	}
}

// lying says what lies in the queue of dead letters, and leaves it there.
func (b *bench) lying() []*broker.Letter {
	d := b.look()
	letters := rest(b.t, d)
	require.NoError(b.t, d.Keep(letters...))
	require.NoError(b.t, d.Close())
	servertest.Eventually(b.t, patience, "letters back", func() bool { return b.depth("reader.news.dead") == len(letters) })
	return letters
}

func TestALetterTellsWhatHappened(t *testing.T) {
	b := newBench(t)
	b.startPublisher()
	b.ready(b.consume(func(context.Context, broker.Delivery) error { return broker.Permanent(errors.New("no such paper")) }))
	sent := paper("paper.out.1.0.0")
	require.NoError(t, b.publish(sent)[0])
	servertest.Eventually(t, patience, "a dead letter", func() bool { return b.depth("reader.news.dead") == 1 })

	letter := b.lying()[0]

	assert.Equal(t, sent.ID.String(), letter.ID)
	assert.Equal(t, "reader.news", letter.Queue)
	assert.Equal(t, "news", letter.Exchange)
	assert.Equal(t, "paper.out.1.0.0", letter.Key)
	assert.Equal(t, "paper.out.1.0.0", letter.Type)
	assert.Equal(t, "no such paper", letter.Reason)
	assert.Equal(t, sent.Body, letter.Body)
	assert.Equal(t, 1, letter.Attempts)
	assert.Zero(t, letter.Replays)
	assert.WithinDuration(t, time.Now(), letter.FirstFailure, time.Minute)
	assert.WithinDuration(t, time.Now(), letter.LastFailure, time.Minute)
}

func TestLookingNeverLosesALetterHoweverOften(t *testing.T) {
	b, channel := newReader(t, amqp.Table{"x-delivery-limit": 20}) // as RabbitMQ 4 has it by default
	first, second := dead("one"), dead("two")
	put(t, channel, "reader.news.dead", first)
	put(t, channel, "reader.news.dead", second)
	for range 50 {
		require.Len(t, b.lying(), 2)
	}
	for range 50 { // an operator who gives up, and a network that breaks
		d := b.look()
		letter, err := d.Next(t.Context())
		require.NoError(t, err)
		require.NoError(t, d.Keep(letter))
		d.Cut()
		_ = d.Close()
		servertest.Eventually(t, patience, "letters back", func() bool { return b.depth("reader.news.dead") == 2 })
	}
	byID := map[string]*broker.Letter{}
	for _, letter := range b.lying() {
		byID[letter.ID] = letter
	}
	require.Contains(t, byID, first.MessageId)
	require.Contains(t, byID, second.MessageId)
	letter := byID[first.MessageId]
	assert.Equal(t, first.Body, letter.Body)
	assert.Equal(t, first.Timestamp, letter.Time.UTC())
	assert.Equal(t, first.Type, letter.Type)
	assert.Equal(t, "one", letter.Reason)
	assert.Equal(t, 10, letter.Attempts)
	assert.Equal(t, "of the request", letter.Headers["traceparent"])
}

func TestAReplayedLetterComesAsIfForTheFirstTime(t *testing.T) {
	b, channel := newReader(t, nil)
	letter := dead("was down")
	put(t, channel, "reader.news.dead", letter)

	d := b.look()
	require.Equal(t, []error{nil}, d.Replay(rest(t, d)...))
	require.NoError(t, d.Close())

	b.startPublisher()
	got := make(chan broker.Delivery, 1)
	b.ready(b.consume(func(_ context.Context, d broker.Delivery) error {
		hand(t, got, d)
		return broker.Permanent(errors.New("is broken"))
	}))
	delivery := receive(t, got)
	assert.Equal(t, letter.MessageId, delivery.ID.String())
	assert.Equal(t, "news", delivery.Exchange)
	assert.Equal(t, "paper.out.1.0.0", delivery.Key)
	assert.Equal(t, "paper.out.1.0.0", delivery.Type.String())
	assert.Equal(t, 1, delivery.Attempt)
	assert.Equal(t, "1", delivery.Headers["x-replays"])
	assert.NotContains(t, delivery.Headers, "x-waits")
	assert.Equal(t, "of the request", delivery.Headers["traceparent"])

	servertest.Eventually(t, patience, "dead again", func() bool { return b.depth("reader.news.dead") == 1 })
	again := b.lying()[0]
	assert.Equal(t, 1, again.Replays)
	assert.Equal(t, 1, again.Attempts)
	assert.Equal(t, "is broken", again.Reason)
	assert.Equal(t, time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC), again.FirstFailure)
	assert.WithinDuration(t, time.Now(), again.LastFailure, time.Minute)
}

func TestALookDoesNotFollowWhatFailsAgain(t *testing.T) {
	b, channel := newReader(t, nil)
	for range 3 {
		put(t, channel, "reader.news.dead", dead("is broken"))
	}
	b.startPublisher()
	b.ready(b.consume(func(context.Context, broker.Delivery) error { return broker.Permanent(errors.New("is still broken")) }))
	d, other := b.look(), b.look() // the other one's first letter leaves room for what comes back
	require.Equal(t, 3, d.Len())
	for range 2 {
		letter, err := d.Next(t.Context())
		require.NoError(t, err)
		require.Zero(t, letter.Replays)
		require.Equal(t, []error{nil}, d.Replay(letter))
		servertest.Eventually(t, patience, "dead again", func() bool { return b.depth("reader.news.dead") >= 1 })
	}
	_, err := d.Next(t.Context())
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, d.Close())
	require.NoError(t, other.Close())
	replays := 0
	for _, letter := range b.lying() {
		replays += letter.Replays
	}
	assert.Equal(t, 2, replays)
}

func TestWhatIsDoneIsDoneAlsoWhenTheLookIsClosedAtOnce(t *testing.T) {
	b, channel := newReader(t, nil)
	const letters = 20 * broker.MaxLetters
	for range letters {
		put(t, channel, "reader.news.dead", dead("was down"))
	}
	servertest.Eventually(t, patience, "all there", func() bool { return b.depth("reader.news.dead") == letters })
	for left := letters; left > 0; left -= broker.MaxLetters {
		d := b.look()
		require.Equal(t, left, d.Len())
		var batch []*broker.Letter
		for range broker.MaxLetters {
			letter, err := d.Next(t.Context())
			require.NoError(t, err)
			batch = append(batch, letter)
		}
		require.NoError(t, d.Discard(batch...))
		require.NoError(t, d.Close())
	}
}

func TestALookDoesNotTakeMoreAtOnceThanTheBrokerCanHold(t *testing.T) {
	b, channel := newReader(t, nil)
	for range broker.MaxLetters + 1 {
		put(t, channel, "reader.news.dead", dead("was down"))
	}
	d := b.look()
	letters := rest(t, d)
	require.NoError(t, d.Discard(letters[1:]...))
	require.ErrorIs(t, d.Discard(letters[0]), broker.ErrTooManyLetters)
	require.ErrorIs(t, d.Replay(letters[0])[0], broker.ErrTooManyLetters)
	require.NoError(t, d.Close())
	assert.Len(t, b.lying(), 1)
}

func TestALookIsOverWhatWasThereWhenItBegan(t *testing.T) {
	b, channel := newReader(t, nil)
	put(t, channel, "reader.news.dead", dead("was down"))
	d := b.look()
	assert.Equal(t, 1, d.Len())
	put(t, channel, "reader.news.dead", dead("came late"))
	letters := rest(t, d)
	require.Len(t, letters, 1)
	assert.Equal(t, "was down", letters[0].Reason)
	require.NoError(t, d.Close())
	assert.Len(t, b.lying(), 2)
}

func TestALetterIsRenewedAlsoWhereItsQueueHadLostItsBinding(t *testing.T) {
	b, channel := newReader(t, amqp.Table{"x-delivery-limit": 20})
	put(t, channel, "reader.news.dead", dead("was down"))
	for range 30 {
		require.NoError(t, channel.QueueUnbind("reader.news.dead", "reader.news.dead", "reader.redelivery", nil))
		require.Len(t, b.lying(), 1)
	}
}

func TestTwoLooksAtOnceReplayEachLetterOnce(t *testing.T) {
	b, channel := newReader(t, nil)
	const letters = 60
	for range letters {
		put(t, channel, "reader.news.dead", dead("was down"))
	}
	var replayed atomic.Int32
	done := make(chan error)
	for range 2 {
		d := b.look()
		go func() {
			for {
				letter, err := d.Next(t.Context())
				if err != nil {
					done <- errors.Join(d.Close(), ignore(err, io.EOF))
					return
				}
				if err := d.Replay(letter)[0]; err != nil {
					done <- err
					return
				}
				replayed.Add(1)
			}
		}()
	}
	require.NoError(t, <-done)
	require.NoError(t, <-done)
	assert.EqualValues(t, letters, replayed.Load())
	servertest.Eventually(t, patience, "all replayed", func() bool { return b.depth("reader.news") == letters })
	assert.Zero(t, b.depth("reader.news.dead"))
}

func ignore(err, kind error) error {
	if errors.Is(err, kind) {
		return nil
	}
	return err
}

func TestWhatTheBrokerItselfPutThereTellsSoAndCanBeReplayed(t *testing.T) {
	b, channel := newReader(t, nil)
	expired := dead("")
	expired.Headers, expired.Expiration = amqp.Table{"traceparent": "of the request"}, "1"
	confirm, err := channel.PublishWithDeferredConfirm("news", "paper.out.1.0.0", true, false, expired)
	require.NoError(t, err)
	require.True(t, confirm.Wait())
	put(t, channel, "reader.news", expired) // the binding is the consumer's to make
	servertest.Eventually(t, patience, "a dead letter", func() bool { return b.depth("reader.news.dead") == 1 })

	letter := b.lying()[0]
	assert.Equal(t, "broker: expired", letter.Reason)
	assert.WithinDuration(t, time.Now(), letter.LastFailure, time.Minute)
	assert.Equal(t, letter.LastFailure, letter.FirstFailure)

	d := b.look()
	require.Equal(t, []error{nil}, d.Replay(rest(t, d)...))
	require.NoError(t, d.Close())
	b.startPublisher()
	got := make(chan broker.Delivery, 1)
	b.ready(b.consume(func(_ context.Context, d broker.Delivery) error { hand(t, got, d); return nil }))
	delivery := receive(t, got)
	assert.Equal(t, "paper.out.1.0.0", delivery.Type.String())
	assert.Equal(t, "broker: expired", delivery.Headers["x-reason"])
}

func TestWhatTheBrokerItselfGaveUpTellsWhatWasBefore(t *testing.T) {
	b, channel := newReader(t, nil)
	b.server.Manage(t, "PUT", "/api/policies/"+b.server.Vhost+"/limit", map[string]any{
		"pattern": `^reader\.news$`, "definition": map[string]any{"delivery-limit": 1}, "apply-to": "queues",
	}, nil)
	again := dead("was down") // as a consumer sends it to a retry queue, and that back
	put(t, channel, "reader.news", again)
	servertest.Eventually(t, patience, "a dead letter", func() bool {
		raw, ok, err := channel.Get("reader.news", false)
		require.NoError(t, err)
		if ok {
			require.NoError(t, raw.Reject(true)) // as when a consumer dies with it
		}
		return b.depth("reader.news.dead") == 1
	})
	letter := b.lying()[0]
	assert.Equal(t, "broker: delivery_limit; before that: was down", letter.Reason)
	assert.Equal(t, time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC), letter.FirstFailure)
	assert.WithinDuration(t, time.Now(), letter.LastFailure, time.Minute)
	assert.Equal(t, 10, letter.Attempts)
}

func TestALetterWithoutAGoodNameOrWithAForeignersPropertiesIsALetter(t *testing.T) {
	b, channel := newReader(t, nil)
	for _, id := range []string{"", "order 7", "\x1b[2J"} {
		put(t, channel, "reader.news.dead", amqp.Publishing{
			MessageId: id, Body: []byte(id + "body"), UserId: b.config.Username, Expiration: "600000", Headers: amqp.Table{
				"CC": []any{"reader.news"}, "x-attempt": []byte("many"), "x-reason": int32(3), "x-first-failure": "yesterday", "x-death": "of old age",
			},
		})
	}
	put(t, channel, "reader.news.dead", amqp.Publishing{MessageId: "order-7"})
	purged, err := channel.QueuePurge("reader.news", false)
	require.NoError(t, err)
	require.Equal(t, 3, purged, "carbon copies")
	username, password := b.server.User(t, `^reader\.`, `^reader\.`, `^reader\.`) // which is not whom the letters say
	b.config.Username, b.config.Password = username, setting.Secret(password)

	seen := map[string]bool{}
	for range 15 { // so that they are renewed, too
		for _, letter := range b.lying() {
			seen[letter.ID] = true
			assert.Zero(t, letter.Attempts)
		}
	}
	assert.Len(t, seen, 4)
	assert.Contains(t, seen, "order-7")
	assert.NotContains(t, seen, "order 7")
	assert.Zero(t, b.depth("reader.news"))

	d := b.look()
	for _, err := range d.Replay(rest(t, d)...) {
		require.NoError(t, err)
	}
	require.NoError(t, d.Close())
	servertest.Eventually(t, patience, "replayed", func() bool { return b.depth("reader.news") == 4 })
	for range 4 {
		raw, _, err := channel.Get("reader.news", true)
		require.NoError(t, err)
		assert.Empty(t, raw.Expiration)
	}
}

func TestAServicesOwnUserMayDoAllOfIt(t *testing.T) {
	b, channel := newReader(t, amqp.Table{"x-delivery-limit": 20})
	for range 3 {
		put(t, channel, "reader.news.dead", dead("was down"))
	}
	username, password := b.server.User(t, `^reader\.`, `^reader\.`, `^reader\.`)
	b.config.Username, b.config.Password = username, setting.Secret(password)
	for range 30 {
		require.Len(t, b.lying(), 3)
	}
	d := b.look()
	letters := rest(t, d)
	require.Equal(t, []error{nil}, d.Replay(letters[0]))
	require.NoError(t, d.Discard(letters[1]))
	require.NoError(t, d.Keep(letters[2]))
	require.NoError(t, d.Close())
	servertest.Eventually(t, patience, "one left", func() bool { return b.depth("reader.news.dead") == 1 })
	assert.Equal(t, 1, b.depth("reader.news"))
}

func TestALetterThatNoQueueTakesStays(t *testing.T) {
	b, channel := newReader(t, nil)
	put(t, channel, "reader.news.dead", dead("was down"))
	require.NoError(t, channel.QueueUnbind("reader.news", "reader.news", "reader.redelivery", nil))

	d := b.look()
	letters := rest(t, d)
	require.ErrorIs(t, d.Replay(letters...)[0], broker.ErrUnrouted)
	require.NoError(t, d.Close())

	assert.Len(t, b.lying(), 1)
}
