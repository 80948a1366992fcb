package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"golang.org/x/sync/errgroup"
)

const handleTimeout = 30 * time.Second

// Patience is how long a consumer may take to stop: as long as a handler that has just begun, and what it says.
const Patience = handleTimeout + confirmTimeout + 5*time.Second

// Handler handles one message. What it returns decides what happens to the message; see the package's documentation.
// Its context outlives the connection and a shutdown, so that what has begun is finished; it ends after 30 s.
type Handler func(context.Context, Delivery) error

// BatchHandler handles several messages as one; see Subscription.Together. Its context ends like a Handler's.
type BatchHandler func(context.Context, []Delivery) error

// Consumer consumes a service's queues, or listens to its broadcasts, over one connection.
type Consumer struct {
	link      link
	topology  Topology
	publisher *Publisher
	missing   chan struct{} // asks for the topology to be declared at once
	counts    consumerCounts
}

// NewConsumer makes a consumer of the topology's subscriptions. What fails is moved by publisher, which must run too.
func NewConsumer(config Config, log *slog.Logger, topology Topology, publisher *Publisher) *Consumer {
	topology.Broadcasts = nil
	return newConsumer(config, log, topology, topology.Service+".consumer", publisher)
}

// NewListener makes a consumer of the topology's broadcasts: for every process that has something to do with them, also
// one that consumes no queue.
func NewListener(config Config, log *slog.Logger, topology Topology) *Consumer {
	topology.Subscriptions = nil
	return newConsumer(config, log, topology, topology.Service+".listener", nil)
}

func newConsumer(config Config, log *slog.Logger, topology Topology, name string, publisher *Publisher) *Consumer {
	return &Consumer{
		link:      link{config: config, name: name, log: log},
		topology:  topology,
		publisher: publisher,
		missing:   make(chan struct{}, 1),
		counts:    newConsumerCounts(),
	}
}

// Run consumes until ctx ends, and returns when the last handler has.
func (c *Consumer) Run(ctx context.Context) error { return c.link.run(ctx, c.use) }

// Ready returns an error while the queues are not declared and consumed.
func (c *Consumer) Ready(ctx context.Context) error { return c.link.ready(ctx) }

// Started returns an error until the queues have been declared and consumed for the first time.
func (c *Consumer) Started(context.Context) error {
	if c.link.started() != nil {
		return errors.New("the queues have not been declared and consumed yet")
	}
	return nil
}

// declareSoon has the topology declared without waiting for the next time.
func (c *Consumer) declareSoon() {
	select {
	case c.missing <- struct{}{}:
	default:
	}
}

func (c *Consumer) use(ctx context.Context, conn *socket) error {
	group, ctx := errgroup.WithContext(ctx)
	declared := make(chan struct{})
	once := sync.OnceFunc(func() { close(declared) })
	group.Go(func() error { return keepDeclared(ctx, conn, c.topology.declareQueues, once, c.missing) })
	select {
	case <-declared:
	case <-ctx.Done():
		return group.Wait()
	}
	workers, err := c.hire(conn)
	if err != nil {
		group.Go(func() error { return err })
		return group.Wait()
	}
	for _, w := range workers {
		group.Go(func() error { return w(ctx) })
	}
	c.link.connected()
	return group.Wait()
}

// hire opens a channel for each worker: a prefetch of its own, and acknowledgements that can only mean its own messages.
func (c *Consumer) hire(conn *socket) (workers []func(context.Context) error, err error) {
	for _, s := range c.topology.Subscriptions {
		for range s.concurrency() {
			w := &worker{consumer: c, subscription: s}
			if w.channel, w.deliveries, err = s.consume(conn); err != nil {
				return nil, err
			}
			workers = append(workers, w.run)
		}
	}
	for _, b := range c.topology.Broadcasts {
		l := &listener{consumer: c, broadcast: b}
		if l.deliveries, err = b.consume(conn, c.topology.Service); err != nil {
			return nil, err
		}
		workers = append(workers, l.run)
	}
	return workers, nil
}

func (s Subscription) consume(conn *socket) (*amqp.Channel, <-chan amqp.Delivery, error) {
	ch, err := conn.Channel()
	if err != nil {
		return nil, nil, fmt.Errorf("open channel for %s: %w", s.Queue, err)
	}
	if err := ch.Qos(s.prefetch(), 0, false); err != nil {
		return nil, nil, fmt.Errorf("set prefetch for %s: %w", s.Queue, err)
	}
	deliveries, err := ch.Consume(s.Queue, "", false, false, false, false, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("consume %s: %w", s.Queue, err)
	}
	return ch, buffered(deliveries, s.prefetch()), nil
}

// buffered lays ready what has come, for a worker who takes what is there: the client library holds out one delivery at
// a time. There is room for all that the broker hands over ahead.
func buffered(deliveries <-chan amqp.Delivery, prefetch int) <-chan amqp.Delivery {
	ready := make(chan amqp.Delivery, prefetch)
	go func() {
		defer close(ready)
		for d := range deliveries {
			ready <- d
		}
	}()
	return ready
}

func (s Subscription) batch() int {
	switch {
	case s.Together == nil:
		return 1
	case s.Batch > 0:
		return s.Batch
	}
	return 50
}

func (s Subscription) concurrency() int {
	switch {
	case s.Concurrency > 0:
		return s.Concurrency
	case s.Together != nil:
		return 2
	}
	return 8
}

func (s Subscription) prefetch() int {
	switch {
	case s.Prefetch > 0:
		return max(s.Prefetch, s.batch())
	case s.Together != nil:
		return 2 * s.batch()
	}
	return 4
}
