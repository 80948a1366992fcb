// Package throughput measures how many messages a second go out and come in, beside what the servers do for the same when
// nothing of ours is in between: a bare pipelined publish and consume on the same broker, and the same SQL run by pgbench.
package throughput

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/inbox"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
)

const (
	messages = 2000 // of each kind in every turn
	batch    = 200  // the relay's
	together = 50   // the consumer's
)

// effects is what handlers write: a row per message.
var effects = postgres.Schema{Name: "effects", Files: fstest.MapFS{"00001_effects.sql": {Data: []byte(`-- +goose Up
CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, message_id uuid NOT NULL);
`)}}}

var topology = broker.Topology{Service: "bench", Exchanges: []broker.Exchange{{Name: "facts", Kind: "topic"}}}

// stage is the servers and the parts that all kinds share.
type stage struct {
	testing.TB
	server    *servertest.Broker
	config    broker.Config
	database  *postgres.Database
	publisher *broker.Publisher
	log       *slog.Logger
}

// BenchmarkMessages runs every kind once in each turn, so that whatever else the machine does meets all of them alike,
// and reports the median of each in messages a second:
//
//	go test -run '^$' -bench Messages -benchtime 7x ./throughput
func BenchmarkMessages(b *testing.B) {
	s := newStage(b)
	kinds := []struct {
		name string
		run  func() time.Duration
	}{
		{"out/1-bare-publish", s.barePublish},
		{"out/2-publisher", s.publish},
		{"out/3-pgbench", s.pgbenchOutbox},
		{"out/4-relay", s.relay},
		{"in/1-bare-consume", s.bareConsume},
		{"in/2-consumer", s.consume},
		{"in/3-pgbench-alone", func() time.Duration { return s.pgbenchInbox(1, 8) }},
		{"in/4-inbox-alone", s.consumeAlone},
		{"in/5-pgbench-together", func() time.Duration { return s.pgbenchInbox(together, 2) }},
		{"in/6-inbox-together", s.consumeTogether},
	}
	took := make([][]time.Duration, len(kinds))
	for b.Loop() {
		for i, kind := range kinds {
			took[i] = append(took[i], kind.run())
		}
	}
	for i, kind := range kinds {
		slices.Sort(took[i])
		b.ReportMetric(messages/took[i][len(took[i])/2].Seconds(), kind.name+"/s")
	}
	b.ReportMetric(0, "ns/op") // it says nothing here
}

func newStage(b *testing.B) *stage {
	server := servertest.RabbitMQ(b)
	s := &stage{
		TB: b, server: server, log: slog.New(slog.DiscardHandler),
		config:   broker.Config{URL: server.URL, Username: server.Username, Password: setting.Secret(server.Password)},
		database: servertest.Postgres(b, outbox.Schema(), inbox.Schema(), effects),
	}
	require.NoError(b, s.database.Migrate(b.Context()))
	s.publisher = broker.NewPublisher(broker.FixedRoute(s.config, s.log), s.log, topology)
	s.start(s.publisher.Run)
	s.until("publisher connected", func() bool { return s.publisher.Ready(b.Context()) == nil })
	s.during(s.consumer(broker.Subscription{Handle: nothing}), func() {}) // declares the queue
	return s
}

// start runs a part until the returned function is called, or the benchmark ends.
func (s *stage) start(part func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(s.Context())
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	stop = func() {
		cancel()
		if err, open := <-done; open {
			require.NoError(s, err)
			close(done)
		}
	}
	s.Cleanup(stop)
	return stop
}

func (s *stage) until(what string, ok func() bool) {
	servertest.Eventually(s.TB, time.Minute, what, ok)
}

// countInto is a handler that only counts.
func countInto(handled *atomic.Int64) broker.BatchHandler {
	return func(_ context.Context, deliveries []broker.Delivery) error {
		handled.Add(int64(len(deliveries)))
		return nil
	}
}

func nothing(context.Context, broker.Delivery) error { return nil }

func (s *stage) consumer(subscription broker.Subscription) *broker.Consumer {
	subscription.Queue, subscription.Exchange, subscription.Reads = "bench.facts", "facts", []string{"fact.known.1"}
	own := broker.Topology{Service: "bench", Subscriptions: []broker.Subscription{subscription}}
	return broker.NewConsumer(broker.FixedRoute(s.config, s.log), s.log, own, s.publisher)
}

// during runs the consumer while do is.
func (s *stage) during(consumer *broker.Consumer, do func()) {
	stop := s.start(consumer.Run)
	s.until("consumer connected", func() bool { return consumer.Ready(s.Context()) == nil })
	do()
	stop()
}

func fact() message.Message {
	return message.Message{
		ID: uuid.New(), Exchange: "facts", Key: "fact.known.1.0.0", ContentType: "application/json",
		Body:    []byte(`{"user_uuid":"9e405590-c62f-400e-b7ee-b790552405f0","erasure_id":"e0c8559aadf6012502e3428332255ca1"}`),
		Headers: map[string]string{"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, Time: time.Now(),
	}
}

func facts(n int) []message.Message {
	all := make([]message.Message, n)
	for i := range all {
		all[i] = fact()
	}
	return all
}

// fill puts a turn's messages into the queue.
func (s *stage) fill() {
	for range messages / batch {
		for _, err := range s.publisher.Publish(s.Context(), facts(batch)) {
			require.NoError(s, err)
		}
	}
}

func (s *stage) empty() { s.purge("bench.facts") }

func (s *stage) purge(queues ...string) {
	for _, queue := range queues {
		_, err := s.server.Channel(s.TB).QueuePurge(queue, false)
		require.NoError(s, err)
	}
}

func (s *stage) publish() time.Duration {
	defer s.empty()
	began := time.Now()
	s.fill()
	return time.Since(began)
}

func (s *stage) append() {
	require.NoError(s, s.database.DB().WithContext(s.Context()).Transaction(func(tx *gorm.DB) error {
		return outbox.Append(tx, facts(messages)...)
	}))
}

func (s *stage) relay() time.Duration {
	defer s.empty()
	s.append()
	relay := outbox.NewRelay(s.database, s.publisher, s.log)
	began := time.Now()
	stop := s.start(relay.Run)
	s.until("outbox emptied", func() bool { return s.count("outbox") == 0 })
	took := time.Since(began)
	stop()
	return took
}

func (s *stage) count(table string) (n int) {
	require.NoError(s, s.database.DB().WithContext(s.Context()).Raw("SELECT count(*) FROM "+table).Scan(&n).Error)
	return n
}

// handled runs a consumer until the turn's messages are handled.
func (s *stage) handled(subscription broker.Subscription, handled func() int) time.Duration {
	s.fill()
	consumer := s.consumer(subscription)
	began := time.Now()
	var took time.Duration
	s.during(consumer, func() {
		s.until("all handled", func() bool { return handled() == messages })
		took = time.Since(began)
	})
	return took
}

func (s *stage) effects() int { return s.count("effects") }

func (s *stage) clear() {
	require.NoError(s, s.database.DB().Exec("TRUNCATE effects, inbox").Error)
}

// note is a handler's effect: a row for each message that came for the first time.
func (s *stage) note(ctx context.Context, deliveries []broker.Delivery) error {
	return inbox.Once(ctx, s.database, "bench.facts", deliveries, func(tx *gorm.DB, first []broker.Delivery) error {
		ids := make([]uuid.UUID, len(first))
		for i, d := range first {
			ids[i] = d.ID
		}
		return tx.Exec("INSERT INTO effects (message_id) SELECT unnest(?::uuid[])", postgres.Array(ids)).Error
	})
}

func (s *stage) consumeAlone() time.Duration {
	defer s.clear()
	return s.handled(broker.Subscription{Concurrency: 8, Handle: func(ctx context.Context, d broker.Delivery) error {
		return s.note(ctx, []broker.Delivery{d})
	}}, s.effects)
}

func (s *stage) consumeTogether() time.Duration {
	defer s.clear()
	return s.handled(broker.Subscription{Together: s.note, Batch: together, Concurrency: 2}, s.effects)
}
