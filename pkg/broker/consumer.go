package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"golang.org/x/sync/errgroup"
)

const (
	defaultConcurrency = 8
	handleTimeout      = 30 * time.Second
)

// Patience is how long a consumer may take to stop: as long as a handler that has just begun, and what it says.
const Patience = handleTimeout + confirmTimeout + 5*time.Second

// Handler handles one message. What it returns decides what happens to the message; see the package's documentation.
// Its context outlives the connection and a shutdown, so that what has begun is finished; it ends after 30 s.
type Handler func(context.Context, Delivery) error

// Subscription is one queue, what it is bound to, and who handles its messages.
type Subscription struct {
	Queue    string
	Exchange string
	Keys     []string // binding keys on Exchange
	Handle   Handler
	// Concurrency is how many messages are handled at once, 8 if 0. The broker hands over four times as many ahead.
	Concurrency int
}

// Consumer consumes a service's queues over one connection.
type Consumer struct {
	link          link
	service       string
	publisher     *Publisher
	subscriptions []Subscription
}

// NewConsumer makes a consumer of the service's subscriptions. What fails is moved by publisher, which must run too.
func NewConsumer(config Config, log *slog.Logger, service string, publisher *Publisher, subscriptions ...Subscription) *Consumer {
	return &Consumer{
		link:          link{config: config, name: service + ".consumer", log: log},
		service:       service,
		publisher:     publisher,
		subscriptions: subscriptions,
	}
}

// Run consumes until ctx ends, and returns when the last handler has.
func (c *Consumer) Run(ctx context.Context) error { return c.link.run(ctx, c.use) }

// Ready returns an error while the queues are not declared and consumed.
func (c *Consumer) Ready(ctx context.Context) error { return c.link.ready(ctx) }

// Started returns an error until the queues have been declared and consumed for the first time.
func (c *Consumer) Started(context.Context) error {
	if !c.link.wasUp.Load() {
		return errors.New("the queues have not been declared and consumed yet")
	}
	return nil
}

func (c *Consumer) use(ctx context.Context, conn *socket) error {
	group, ctx := errgroup.WithContext(ctx)
	declared := make(chan struct{})
	once := sync.OnceFunc(func() { close(declared) })
	group.Go(func() error {
		return keepDeclared(ctx, conn, func(ch *amqp.Channel) error {
			for _, s := range c.subscriptions {
				if err := s.declare(ch, c.service); err != nil {
					return err
				}
			}
			return nil
		}, once)
	})
	select {
	case <-declared:
	case <-ctx.Done():
		return group.Wait()
	}
	for _, s := range c.subscriptions {
		deliveries, err := s.consume(conn)
		if err != nil {
			group.Go(func() error { return err })
			return group.Wait()
		}
		for range s.concurrency() {
			group.Go(func() error { return c.work(ctx, s, deliveries) })
		}
	}
	c.link.connected()
	return group.Wait()
}

func (s Subscription) concurrency() int {
	if s.Concurrency > 0 {
		return s.Concurrency
	}
	return defaultConcurrency
}

func (s Subscription) consume(conn *socket) (<-chan amqp.Delivery, error) {
	ch, err := conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("open channel for %s: %w", s.Queue, err)
	}
	if err := ch.Qos(4*s.concurrency(), 0, false); err != nil {
		return nil, fmt.Errorf("set prefetch for %s: %w", s.Queue, err)
	}
	deliveries, err := ch.Consume(s.Queue, "", false, false, false, false, nil)
	if err != nil {
		return nil, fmt.Errorf("consume %s: %w", s.Queue, err)
	}
	return deliveries, nil
}

// work handles deliveries one after another. What was handed over and not begun when ctx ends goes back to its
// queue with the connection.
func (c *Consumer) work(ctx context.Context, s Subscription, deliveries <-chan amqp.Delivery) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case d, ok := <-deliveries:
			if !ok {
				return fmt.Errorf("queue %s ended its deliveries", s.Queue)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := c.handle(ctx, s, d); err != nil {
				return err
			}
		}
	}
}

// handle runs the handler and does with the message what it says. Its error is the channel's, not the message's.
func (c *Consumer) handle(ctx context.Context, s Subscription, d amqp.Delivery) error {
	delivery, err := read(d)
	if err != nil {
		err = Permanent(err)
	} else {
		err = c.call(ctx, s.Handle, delivery)
	}
	if err == nil {
		return d.Ack(false)
	}
	failed, delay, dead := verdict(delivery.Attempt, err)
	target := retryQueue(s.Queue)
	if dead {
		target = deadQueue(s.Queue)
	}
	if !c.move(ctx, delivery.moved(redelivery(c.service), s.Queue, target, failed, err, delay)) {
		return d.Nack(false, true)
	}
	c.report(s.Queue, delivery, err, dead)
	return d.Ack(false)
}

// move brings a message to another queue, however long that takes: while it cannot, there is no use in handling more.
// It gives up when ctx ends.
func (c *Consumer) move(ctx context.Context, out publication) bool {
	for {
		if err := c.publisher.publish(context.WithoutCancel(ctx), []publication{out})[0]; err == nil {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(firstDelay):
		}
	}
}

// call runs the handler; a panic is a failure like any other.
func (c *Consumer) call(ctx context.Context, handle Handler, d Delivery) (err error) {
	ctx = otel.GetTextMapPropagator().Extract(context.WithoutCancel(ctx), propagation.MapCarrier(d.Headers))
	ctx, cancel := context.WithTimeout(ctx, handleTimeout)
	defer cancel()
	defer func() {
		if cause := recover(); cause != nil {
			c.link.log.ErrorContext(ctx, "message handler panicked", "key", d.Key, "stack", string(debug.Stack()))
			err = fmt.Errorf("handler panicked: %v", cause)
		}
	}()
	return handle(ctx, d)
}

// report logs what failed by itself, and dead letters. What only waits for something else is that one's to log.
func (c *Consumer) report(queue string, d Delivery, err error, dead bool) {
	switch {
	case dead:
		c.link.log.Error("message became a dead letter", "queue", queue, "message_id", d.ID, "key", d.Key, "attempt", d.Attempt, "error", err)
	case !errors.As(err, new(laterError)):
		c.link.log.Warn("message failed, will be retried", "queue", queue, "message_id", d.ID, "key", d.Key, "attempt", d.Attempt, "error", err)
	}
}
