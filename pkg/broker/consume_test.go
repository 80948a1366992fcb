package broker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/servertest"
)

// audience remembers what it handled.
type audience struct {
	mu      sync.Mutex
	handled map[uuid.UUID]int
	batches []int
}

func newAudience() *audience { return &audience{handled: map[uuid.UUID]int{}} }

func (r *audience) note(deliveries ...broker.Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.batches = append(r.batches, len(deliveries))
	for _, d := range deliveries {
		r.handled[d.ID]++
	}
}

func (r *audience) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.handled)
}

// fill publishes papers before anybody reads.
func (b *bench) fill(n int) []message.Message {
	b.t.Helper()
	papers := make([]message.Message, n)
	for i := range papers {
		papers[i] = paper("paper.out.1.0.0")
	}
	for i, err := range b.publish(papers...) {
		require.NoError(b.t, err, "paper %d", i)
	}
	return papers
}

// declare makes the reader's queue without reading from it.
func (b *bench) declare() {
	b.startPublisher()
	ctx, cancel := context.WithCancel(b.t.Context())
	defer cancel()
	consumer := broker.NewConsumer(b.route, quiet, readerTopology(broker.Subscription{Handle: nobody}), b.publisher)
	done := make(chan error, 1)
	go func() { done <- consumer.Run(ctx) }()
	b.ready(consumer)
	cancel()
	require.NoError(b.t, <-done)
}

func nobody(context.Context, broker.Delivery) error { return errors.New("nobody reads yet") }

func TestABatchIsHandledTogetherAndOneBadMessageSinksNoOther(t *testing.T) {
	b := newBench(t)
	b.declare()
	papers := b.fill(100)
	bad, worse, r := papers[10].ID, papers[60].ID, newAudience()
	b.ready(b.subscribe(broker.Subscription{Concurrency: 1, Batch: 50, Together: func(_ context.Context, deliveries []broker.Delivery) error {
		for _, d := range deliveries {
			switch {
			case d.ID == bad:
				return broker.Permanent(errors.New("torn"))
			case d.ID == worse && d.Attempt < 3:
				panic("burning")
			}
		}
		r.note(deliveries...)
		return nil
	}}))

	servertest.Eventually(t, patience, "all others handled", func() bool { return r.count() == 99 })
	servertest.Eventually(t, patience, "one dead letter", func() bool { return b.depth("reader.news.dead") == 1 })

	assert.NotContains(t, r.handled, bad)
	for id, times := range r.handled {
		assert.Equal(t, 1, times, "%s", id)
	}
	servertest.Eventually(t, patience, "nothing left", func() bool { return b.depth("reader.news") == 0 })
}

func TestABatchIsAcknowledgedWhole(t *testing.T) {
	b := newBench(t)
	b.declare()
	b.fill(200)
	r := newAudience()
	consumer := b.subscribe(broker.Subscription{Together: func(_ context.Context, deliveries []broker.Delivery) error {
		r.note(deliveries...)
		return nil
	}})
	b.ready(consumer)

	servertest.Eventually(t, patience, "all handled", func() bool { return r.count() == 200 })
	assert.Less(t, len(r.batches), 100, "most came together")
	servertest.Eventually(t, patience, "connections cut", func() bool { return b.server.CloseConnections(t) >= 1 })
	b.publishUntilTaken(paper("paper.out.1.0.0"))
	servertest.Eventually(t, patience, "the next one handled", func() bool { return r.count() == 201 })
	for id, times := range r.handled {
		assert.Equal(t, 1, times, "%s was acknowledged", id)
	}
}

func TestPoisonHoldsNobodyUp(t *testing.T) {
	b := newBench(t)
	b.declare()
	poison := map[uuid.UUID]bool{}
	for _, p := range b.fill(50) {
		poison[p.ID] = true
	}
	r := newAudience()
	b.ready(b.subscribe(broker.Subscription{Handle: func(_ context.Context, d broker.Delivery) error {
		if poison[d.ID] {
			return fmt.Errorf("attempt %d fails", d.Attempt)
		}
		r.note(d)
		return nil
	}}))
	b.fill(200)

	servertest.Eventually(t, patience, "all others handled", func() bool { return r.count() == 200 })
	assert.Zero(t, b.depth("reader.news.dead"), "long before the poison has had its attempts")
}

func TestAShortDelayDoesNotStandBehindALongOne(t *testing.T) {
	b := newBench(t)
	b.declare()
	var slow, quick atomic.Int32
	first := b.fill(1)[0]
	b.ready(b.subscribe(broker.Subscription{Handle: func(_ context.Context, d broker.Delivery) error {
		if d.ID == first.ID {
			slow.Store(int32(d.Attempt))
			return errors.New("again")
		}
		quick.Store(int32(d.Attempt))
		if d.Attempt == 1 {
			return errors.New("once")
		}
		return nil
	}}))
	servertest.Eventually(t, patience, "the first waits ten seconds", func() bool { return b.depth("reader.news.retry.10s") == 1 })

	b.fill(1)

	servertest.Eventually(t, patience, "the second came back", func() bool { return quick.Load() == 2 })
	assert.EqualValues(t, 4, slow.Load(), "while the first waits")
}

func TestWhatHasToWaitIsNotLostAndDoesNotCount(t *testing.T) {
	b := newBench(t)
	b.startPublisher()
	got := make(chan broker.Delivery, 10)
	var there atomic.Bool
	b.ready(b.consume(func(_ context.Context, d broker.Delivery) error {
		hand(t, got, d)
		if !there.Load() {
			return broker.Later(errors.New("the other has not come yet"))
		}
		return nil
	}))
	b.fill(1)
	for range 3 {
		assert.Equal(t, 1, receive(t, got).Attempt)
	}
	there.Store(true)
	d := receive(t, got)
	assert.Equal(t, 1, d.Attempt)
	servertest.Eventually(t, patience, "done", func() bool { return b.depth("reader.news")+b.depth("reader.news.retry") == 0 })
}

func TestAVersionThatNobodyReadsIsADeadLetterWithItsReason(t *testing.T) {
	b := newBench(t)
	b.startPublisher()
	r := newAudience()
	b.ready(b.consume(func(_ context.Context, d broker.Delivery) error { r.note(d); return nil }))
	id := uuid.New()
	for _, kind := range []string{"paper.out.2.0.0", "radio.on.1.0.0", "paper", ""} { // the key names the queue, no type
		require.NoError(t, b.server.Channel(t).PublishWithContext(t.Context(), "reader.redelivery", "reader.news", false, false,
			amqp.Publishing{MessageId: id.String(), Type: kind}))
	}

	servertest.Eventually(t, patience, "three dead letters", func() bool { return b.depth("reader.news.dead") == 3 })
	reasons, letters := map[string]any{}, b.server.Channel(t)
	for range 3 { // in the order in which the workers were done with them
		letter, _, err := letters.Get("reader.news.dead", false)
		require.NoError(t, err)
		assert.Equal(t, id.String(), letter.MessageId)
		reasons[letter.Type] = letter.Headers["x-reason"]
	}
	assert.Equal(t, map[string]any{
		"paper.out.2.0.0": "paper.out.2.0.0: this queue reads paper.out.1",
		"radio.on.1.0.0":  "radio.on.1.0.0: this queue reads paper.out.1",
		"paper":           `message type "paper": want a name and three numbers, as in user.deleted.2.0.0`,
	}, reasons)
	servertest.Eventually(t, patience, "the one that does not say is read", func() bool { return r.count() == 1 })
}

func TestAMinorVersionIsRead(t *testing.T) {
	b := newBench(t)
	b.startPublisher()
	got := make(chan broker.Delivery, 1)
	b.ready(b.consume(func(_ context.Context, d broker.Delivery) error { hand(t, got, d); return nil }))
	b.publishUntilTaken(paper("paper.out.1.7.2"))
	assert.Equal(t, message.Type{Name: "paper.out", Major: 1, Minor: 7, Patch: 2}, receive(t, got).Type)
}

func TestAStatedTypeThatIsNoneGivesWayToTheKey(t *testing.T) {
	b := newBench(t)
	b.startPublisher()
	got := make(chan broker.Delivery, 1)
	b.ready(b.consume(func(_ context.Context, d broker.Delivery) error { hand(t, got, d); return nil }))
	// As releases before this one moved what failed.
	require.NoError(t, b.server.Channel(t).PublishWithContext(t.Context(), "reader.redelivery", "reader.news", false, false, amqp.Publishing{
		MessageId: uuid.NewString(), Type: "reader.news.retry", Headers: amqp.Table{"x-exchange": "news", "x-key": "paper.out.1.0.0"},
	}))
	assert.Equal(t, "paper.out.1", receive(t, got).Type.Kind())
}

func TestReplicasCompeteForTheMessagesOfAQueue(t *testing.T) {
	b := newBench(t)
	b.declare()
	papers := b.fill(300)
	replicas := []*audience{newAudience(), newAudience()}
	both := make(chan struct{}) // have one in hand at the same time
	var begun atomic.Int32
	for _, r := range replicas {
		first := sync.OnceFunc(func() {
			if begun.Add(1) == int32(len(replicas)) {
				close(both)
			}
			select {
			case <-both:
			case <-t.Context().Done():
			}
		})
		b.ready(b.subscribe(broker.Subscription{Concurrency: 1, Handle: func(_ context.Context, d broker.Delivery) error {
			first()
			r.note(d)
			return nil
		}}))
	}
	servertest.Eventually(t, patience, "all handled", func() bool { return replicas[0].count()+replicas[1].count() == len(papers) })
	for id := range replicas[0].handled {
		assert.NotContains(t, replicas[1].handled, id)
	}
}

func TestEveryReplicaHearsABroadcast(t *testing.T) {
	b := newBench(t)
	radio := broker.NewPublisher(b.route, quiet, broker.Topology{Service: "press", Exchanges: []broker.Exchange{{Name: "radio", Kind: amqp.ExchangeFanout}}})
	b.run(radio.Run)
	servertest.Eventually(t, patience, "on the air", func() bool { return radio.Ready(t.Context()) == nil })
	heard := make(chan int, 10)
	for replica := range 3 {
		listener := broker.NewListener(b.route, quiet, broker.Topology{Service: "reader", Broadcasts: []broker.Broadcast{{
			Exchange: "radio", Reads: []string{"radio.on.1"},
			Handle: func(context.Context, broker.Delivery) error {
				hand(t, heard, replica)
				if replica == 0 {
					panic("too loud")
				}
				return nil
			},
		}}})
		b.run(listener.Run)
		b.ready(listener)
	}
	for range 2 {
		m := paper("radio.on.1.0.0")
		m.Exchange = "radio"
		require.NoError(t, radio.Publish(t.Context(), []message.Message{m})[0])
		listeners := map[int]bool{receive(t, heard): true, receive(t, heard): true, receive(t, heard): true}
		assert.Len(t, listeners, 3)
	}
}

func TestADeletedDeadLetterQueueIsMadeAgainForTheNextDeadLetter(t *testing.T) {
	b := newBench(t)
	b.startPublisher()
	b.ready(b.consume(func(context.Context, broker.Delivery) error { return broker.Permanent(errors.New("never")) }))
	_, err := b.server.Channel(t).QueueDelete("reader.news.dead", false, false, false)
	require.NoError(t, err)

	b.fill(1)

	servertest.Eventually(t, 20*time.Second, "it is there, before it is declared again anyway", func() bool { return b.depth("reader.news.dead") == 1 })
}

func TestABindingThatIsNoLongerWantedGoes(t *testing.T) {
	b := newBench(t)
	b.startPublisher()
	r := newAudience()
	handle := func(_ context.Context, d broker.Delivery) error { r.note(d); return nil }
	b.ready(b.subscribe(broker.Subscription{Reads: []string{"paper.out.1", "paper.out.2"}, Handle: handle}))
	require.NoError(t, b.publish(paper("paper.out.1.0.0"))[0])
	b.ready(b.subscribe(broker.Subscription{Reads: []string{"paper.out.2"}, Formerly: []string{"paper.out.1"}, Handle: handle}))

	require.ErrorIs(t, b.publish(paper("paper.out.1.0.0"))[0], broker.ErrUnrouted)
	require.NoError(t, b.publish(paper("paper.out.2.0.0"))[0])
	servertest.Eventually(t, patience, "both handled", func() bool { return r.count() == 2 })
	assert.Zero(t, b.depth("reader.news.dead"))
}

func TestHeadersThatHardlyFitIntoAFrameDoNotKeepAMessageFromItsEnd(t *testing.T) {
	b := newBench(t)
	b.startPublisher()
	r := newAudience()
	b.ready(b.consume(func(_ context.Context, d broker.Delivery) error {
		if len(d.Headers["x-large"]) > 0 {
			return broker.Permanent(errors.New("too large to read"))
		}
		r.note(d)
		return nil
	}))
	large := amqp.Table{"x-large": strings.Repeat("x", 65_400), "x-first-failure": strings.Repeat("x", 65_400)}
	require.NoError(t, b.server.Channel(t).PublishWithContext(t.Context(), "news", "paper.out.1.0.0", false, false,
		amqp.Publishing{MessageId: uuid.NewString(), Headers: large}))

	servertest.Eventually(t, patience, "a dead letter", func() bool { return b.depth("reader.news.dead") == 1 })
	letter, _, err := b.server.Channel(t).Get("reader.news.dead", false)
	require.NoError(t, err)
	assert.Equal(t, "too large to read", letter.Headers["x-reason"])
	b.publishUntilTaken(paper("paper.out.1.0.0"))
	servertest.Eventually(t, patience, "others flow", func() bool { return r.count() == 1 })
}

func TestAStopEndsThoughTheBrokerHasAnAlarmAndNeverAnswers(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.server.Channel(t).ExchangeDeclare("news", amqp.ExchangeTopic, true, false, false, false, nil))
	line := newCable(t, b.config.URL)
	b.config.URL = line.url
	consumer := broker.NewConsumer(broker.FixedRoute(b.config, quiet), quiet, readerTopology(broker.Subscription{Handle: nobody}), b.publisher)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- consumer.Run(ctx) }()
	b.ready(consumer)
	line.jam.Store(true)
	servertest.Eventually(t, patience, "it declares", func() bool {
		consumer.DeclareSoon()
		return line.stuck.Load() > 0
	})
	stop()
	require.NoError(t, receive(t, done))
}
