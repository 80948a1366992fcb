package broker

import (
	"context"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// redeclareEvery bounds how long a queue or binding that somebody deleted stays away.
const redeclareEvery = 30 * time.Second

// Exchange is one that its owner declares; everybody else only binds to it or publishes on it.
type Exchange struct {
	Name string
	Kind string // amqp.ExchangeTopic, amqp.ExchangeFanout …
}

func (e Exchange) declare(ch *amqp.Channel) error {
	if err := ch.ExchangeDeclare(e.Name, e.Kind, true, false, false, false, nil); err != nil {
		return fmt.Errorf("declare exchange %s: %w", e.Name, err)
	}
	return nil
}

// redelivery is the exchange through which a service moves its own messages between its own queues, so that no
// service needs the right to publish on the default exchange, which reaches every queue.
func redelivery(service string) string { return service + ".redelivery" }

func retryQueue(queue string) string { return queue + ".retry" }
func deadQueue(queue string) string  { return queue + ".dead" }

// declare makes the subscription's three queues and all bindings. It fails while the exchange to bind to does not
// exist: its owner declares it, and the caller tries again.
func (s Subscription) declare(ch *amqp.Channel, service string) error {
	own := redelivery(service)
	if err := (Exchange{own, amqp.ExchangeDirect}).declare(ch); err != nil {
		return err
	}
	queues := []struct{ name, expiresTo string }{
		{s.Queue, deadQueue(s.Queue)},
		{retryQueue(s.Queue), s.Queue},
		{deadQueue(s.Queue), ""},
	}
	for _, q := range queues {
		if _, err := ch.QueueDeclare(q.name, true, false, false, false, quorum(own, q.expiresTo)); err != nil {
			return fmt.Errorf("declare queue %s: %w", q.name, err)
		}
		if err := ch.QueueBind(q.name, q.name, own, false, nil); err != nil {
			return fmt.Errorf("bind queue %s to %s: %w", q.name, own, err)
		}
	}
	for _, key := range s.Keys {
		if err := ch.QueueBind(s.Queue, key, s.Exchange, false, nil); err != nil {
			return fmt.Errorf("bind queue %s to %s by %s: %w", s.Queue, s.Exchange, key, err)
		}
	}
	return nil
}

// quorum gives the arguments of a queue: replicated, never dropping what it cannot hold, and dead-lettering at least
// once. What may change over a queue's life (limits) belongs in a policy: redeclaring with other arguments fails.
func quorum(exchange, key string) amqp.Table {
	arguments := amqp.Table{"x-queue-type": "quorum", "x-overflow": "reject-publish"}
	if key != "" {
		arguments["x-dead-letter-exchange"] = exchange
		arguments["x-dead-letter-routing-key"] = key
		arguments["x-dead-letter-strategy"] = "at-least-once"
	}
	return arguments
}

// keepDeclared declares at once and then again and again until ctx ends. It returns the first failure: the channel
// that failed is closed, and with it the connection is done with.
func keepDeclared(ctx context.Context, conn *socket, declare func(*amqp.Channel) error, declared func()) error {
	ch, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("open channel to declare on: %w", err)
	}
	again := time.NewTicker(redeclareEvery)
	defer again.Stop()
	for {
		if err := declare(ch); err != nil {
			return err
		}
		declared()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-again.C:
		}
	}
}
