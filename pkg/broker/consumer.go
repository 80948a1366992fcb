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

// Consumer consumes a service's queues, or listens to its broadcasts, over one connection to each broker that its route
// has open.
type Consumer struct {
	*part
	topology  Topology
	publisher *Publisher
	counts    consumerCounts
}

// NewConsumer makes a consumer of the topology's subscriptions. What fails is moved by publisher, which must run too. The
// route moves to no broker before the queues are consumed there: it has to run, or to be told that it is Idle.
func NewConsumer(route *Route, log *slog.Logger, topology Topology, publisher *Publisher) *Consumer {
	topology.Broadcasts = nil
	return newConsumer(route, log, topology, "consumer", publisher)
}

// NewListener makes a consumer of the topology's broadcasts: for every process that has something to do with them, also
// one that consumes no queue. It has to run or to be Idle, as a consumer has.
func NewListener(route *Route, log *slog.Logger, topology Topology) *Consumer {
	topology.Subscriptions = nil
	return newConsumer(route, log, topology, "listener", nil)
}

func newConsumer(route *Route, log *slog.Logger, topology Topology, kind string, publisher *Publisher) *Consumer {
	c := &Consumer{
		part:      newPart(route, log, topology.Service, kind),
		topology:  topology,
		publisher: publisher,
		counts:    newConsumerCounts(),
	}
	for _, queue := range topology.Queues() {
		c.queues = append(c.queues, queue.Name)
	}
	route.join(c.part)
	return c
}

// Run consumes until ctx ends, and returns when the last handler has.
func (c *Consumer) Run(ctx context.Context) error { return c.run(ctx, c.use) }

// Ready returns an error while the queues are not declared and consumed at the broker that the route names.
func (c *Consumer) Ready(context.Context) error { return c.ready() }

// Started returns an error until the queues have been declared and consumed for the first time.
func (c *Consumer) Started(context.Context) error {
	if c.everStarted() != nil {
		return errors.New("the queues have not been declared and consumed yet")
	}
	return nil
}

// declareSoon has the topology declared where messages go, without waiting for the next time.
func (c *Consumer) declareSoon() {
	l := c.at(c.route.destination())
	if l == nil {
		return
	}
	select {
	case l.missing <- struct{}{}:
	default:
	}
}

func (c *Consumer) use(ctx context.Context, l *link, conn *socket) error {
	group, ctx := errgroup.WithContext(ctx)
	declared := make(chan struct{})
	once := sync.OnceFunc(func() { close(declared) })
	group.Go(func() error { return keepDeclared(ctx, conn, c.topology.declareQueues, once, l.missing) })
	select {
	case <-declared:
	case <-ctx.Done():
		return group.Wait()
	}
	workers, err := c.hire(l, conn)
	if err != nil {
		group.Go(func() error { return err })
		return group.Wait()
	}
	for _, w := range workers {
		group.Go(func() error { return w(ctx) })
	}
	if len(c.topology.Subscriptions) > 0 {
		group.Go(func() error { return c.carry(ctx, l, conn) })
	}
	l.connected()
	return group.Wait()
}

// hire opens a channel for each worker: a prefetch of its own, and acknowledgements that can only mean its own messages.
func (c *Consumer) hire(l *link, conn *socket) (workers []func(context.Context) error, err error) {
	for _, s := range c.topology.Subscriptions {
		for range s.concurrency() {
			w := &worker{consumer: c, link: l, subscription: s}
			if w.channel, w.deliveries, err = s.consume(conn); err != nil {
				return nil, err
			}
			workers = append(workers, w.run)
		}
	}
	for _, b := range c.topology.Broadcasts {
		heard := &listener{consumer: c, broadcast: b}
		if heard.deliveries, err = b.consume(conn, c.topology.Service); err != nil {
			return nil, err
		}
		workers = append(workers, heard.run)
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
