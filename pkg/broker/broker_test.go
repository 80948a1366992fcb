package broker_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), // of the tests' management client
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"),
	)
}

const patience = 30 * time.Second

var quiet = slog.New(slog.DiscardHandler)

// bench is a publisher, the owner of the exchange "news", on a virtual host of the test's own.
type bench struct {
	t         *testing.T
	server    *servertest.Broker
	config    broker.Config
	route     *broker.Route
	publisher *broker.Publisher
}

func newBench(t *testing.T) *bench {
	t.Parallel()
	server := servertest.RabbitMQ(t)
	b := &bench{t: t, server: server, config: broker.Config{
		URL: server.URL, Username: server.Username, Password: setting.Secret(server.Password),
	}}
	b.route = broker.FixedRoute(b.config, quiet)
	b.publisher = broker.NewPublisher(b.route, quiet, broker.Topology{
		Service: "press", Exchanges: []broker.Exchange{{Name: "news", Kind: "topic"}},
	})
	return b
}

// run runs a part until the test ends.
func (b *bench) run(part func(context.Context) error) {
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	b.t.Cleanup(func() {
		cancel()
		assert.NoError(b.t, <-done)
	})
}

func (b *bench) startPublisher() {
	b.run(b.publisher.Run)
	servertest.Eventually(b.t, patience, "publisher connected", func() bool { return b.publisher.Ready(b.t.Context()) == nil })
}

// consume handles the queue reader.news, bound to news by "paper.out.1.#".
func (b *bench) consume(handle broker.Handler) *broker.Consumer {
	return b.subscribe(broker.Subscription{Handle: handle})
}

// subscribe runs a replica of the reader.
func (b *bench) subscribe(s broker.Subscription) *broker.Consumer {
	consumer := broker.NewConsumer(b.route, quiet, readerTopology(s), b.publisher)
	b.run(consumer.Run)
	return consumer
}

func readerTopology(s broker.Subscription) broker.Topology {
	s.Queue, s.Exchange = "reader.news", "news"
	if s.Reads == nil {
		s.Reads = []string{"paper.out.1"}
	}
	return broker.Topology{Service: "reader", Subscriptions: []broker.Subscription{s}}
}

func (b *bench) ready(consumer *broker.Consumer) {
	servertest.Eventually(b.t, patience, "consumer connected", func() bool { return consumer.Ready(b.t.Context()) == nil })
}

func (b *bench) publish(messages ...message.Message) []error {
	return b.publisher.Publish(b.t.Context(), messages)
}

// publishUntilTaken publishes as a relay does: again, until it is confirmed and routed.
func (b *bench) publishUntilTaken(m message.Message) {
	servertest.Eventually(b.t, patience, "message taken", func() bool { return b.publish(m)[0] == nil })
}

func (b *bench) depth(queue string) int {
	messages, _ := b.server.Depth(b.t, queue)
	return messages
}

// receive is the next one that comes.
func receive[T any](t *testing.T, from <-chan T) (next T) {
	t.Helper()
	select {
	case next = <-from:
	case <-time.After(patience):
		t.Fatal("nothing comes")
	}
	return next
}

// hand gives it to the test, if that has not ended.
func hand[T any](t *testing.T, to chan<- T, what T) {
	select {
	case to <- what:
	case <-t.Context().Done():
	}
}

func paper(key string) message.Message {
	return message.Message{
		ID: uuid.New(), Exchange: "news", Key: key, ContentType: "application/json", Body: []byte(`{}`),
		Headers: map[string]string{"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, Time: time.Now(),
	}
}

func TestPublishSaysWhatArrived(t *testing.T) {
	b := newBench(t)
	require.ErrorIs(t, b.publish(paper("paper.out.1.0.0"))[0], broker.ErrDisconnected)
	b.startPublisher()
	b.ready(b.consume(func(context.Context, broker.Delivery) error { return nil }))

	nobodys, deprecated := paper("radio.news"), paper("radio.old")
	deprecated.Optional = true
	results := b.publish(paper("paper.out.1.0.0"), nobodys, deprecated, paper("paper.out.1.1.0"))

	require.NoError(t, results[0])
	require.ErrorIs(t, results[1], broker.ErrUnrouted)
	require.NoError(t, results[2])
	require.NoError(t, results[3])
}

func TestADeliveryCarriesWhatWasPublished(t *testing.T) {
	b := newBench(t)
	b.startPublisher()
	got := make(chan broker.Delivery, 1)
	b.ready(b.consume(func(_ context.Context, d broker.Delivery) error { hand(t, got, d); return nil }))

	sent := paper("paper.out.1.0.0")
	require.NoError(t, b.publish(sent)[0])

	d := receive(t, got)
	assert.Equal(t, sent.ID, d.ID)
	assert.Equal(t, "news", d.Exchange)
	assert.Equal(t, "paper.out.1.0.0", d.Key)
	assert.Equal(t, sent.Body, d.Body)
	assert.Equal(t, sent.Headers, d.Headers)
	assert.Equal(t, 1, d.Attempt)
}

func TestAFailedMessageComesBackAndKeepsItsName(t *testing.T) {
	b := newBench(t)
	b.startPublisher()
	got := make(chan broker.Delivery, 10)
	b.ready(b.consume(func(_ context.Context, d broker.Delivery) error {
		hand(t, got, d)
		switch d.Attempt {
		case 1:
			return errors.New("first time is bad")
		case 2:
			panic("second time is worse")
		}
		return nil
	}))
	sent := paper("paper.out.1.0.0")
	require.NoError(t, b.publish(sent)[0])

	for attempt := 1; attempt <= 3; attempt++ {
		d := receive(t, got)
		assert.Equal(t, attempt, d.Attempt)
		assert.Equal(t, sent.ID, d.ID)
		assert.Equal(t, "paper.out.1.0.0", d.Key)
		assert.Equal(t, "news", d.Exchange)
	}
	assert.Zero(t, b.depth("reader.news.dead"))
}

func TestWhatCanNeverWorkIsADeadLetterAtOnce(t *testing.T) {
	b := newBench(t)
	b.startPublisher()
	b.ready(b.consume(func(context.Context, broker.Delivery) error { return broker.Permanent(errors.New("cannot be read")) }))

	require.NoError(t, b.publish(paper("paper.out.1.0.0"))[0])
	require.NoError(t, b.server.Channel(t).PublishWithContext(t.Context(), "news", "paper.out.1.0.0", false, false,
		amqp.Publishing{MessageId: "not a UUID"}))

	servertest.Eventually(t, patience, "two dead letters", func() bool { return b.depth("reader.news.dead") == 2 })
	letter, _, err := b.server.Channel(t).Get("reader.news.dead", false)
	require.NoError(t, err)
	assert.Equal(t, "reader.news", letter.Headers["x-source-queue"])
	assert.NotEmpty(t, letter.Headers["x-reason"])
	assert.NotEmpty(t, letter.Headers["x-first-failure"])
}

func TestALostConnectionLosesNothingAndAcknowledgesNothingElse(t *testing.T) {
	b := newBench(t)
	b.startPublisher()
	const messages = 200
	var mu sync.Mutex
	handled := map[uuid.UUID]int{}
	slow := make(chan struct{})
	finish := sync.OnceFunc(func() { close(slow) })
	defer finish() // before the consumer is waited for
	var begun atomic.Int32
	consumer := b.consume(func(_ context.Context, d broker.Delivery) error {
		if begun.Add(1) <= 8 { // the first ones are still at work when the connection goes
			<-slow
		}
		mu.Lock()
		defer mu.Unlock()
		handled[d.ID]++
		return nil
	})
	b.ready(consumer)
	for range messages {
		b.publishUntilTaken(paper("paper.out.1.0.0"))
	}
	servertest.Eventually(t, patience, "handlers at work", func() bool { return begun.Load() >= 8 })

	servertest.Eventually(t, patience, "connections cut", func() bool { return b.server.CloseConnections(t) >= 2 })
	servertest.Eventually(t, patience, "loss noticed", func() bool { return consumer.Ready(t.Context()) != nil })
	finish()

	servertest.Eventually(t, patience, "all handled", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(handled) == messages
	})
	servertest.Eventually(t, patience, "queue empty", func() bool { return b.depth("reader.news") == 0 })
}

func TestAConsumerWaitsForTheExchangeOfAnother(t *testing.T) {
	b := newBench(t)
	got := make(chan struct{}, 1)
	consumer := b.consume(func(context.Context, broker.Delivery) error { hand(t, got, struct{}{}); return nil })
	require.Error(t, consumer.Started(t.Context()))

	b.startPublisher() // which declares the exchange
	b.ready(consumer)

	require.NoError(t, consumer.Started(t.Context()))
	require.NoError(t, b.publish(paper("paper.out.1.0.0"))[0])
	receive(t, got)
}

func TestADeletedQueueComesBack(t *testing.T) {
	b := newBench(t)
	b.startPublisher()
	got := make(chan struct{}, 1)
	b.ready(b.consume(func(context.Context, broker.Delivery) error { hand(t, got, struct{}{}); return nil }))

	_, err := b.server.Channel(t).QueueDelete("reader.news", false, false, false)
	require.NoError(t, err)

	b.publishUntilTaken(paper("paper.out.1.0.0"))
	receive(t, got)
}

func TestAPublisherWhoseExchangeIsDeletedDeclaresItAgain(t *testing.T) {
	b := newBench(t)
	b.startPublisher()
	require.NoError(t, b.server.Channel(t).ExchangeDelete("news", false, false))

	m := paper("paper.out.1.0.0")
	m.Optional = true
	b.publishUntilTaken(m)
}
