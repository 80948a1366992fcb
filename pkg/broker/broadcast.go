package broker

import (
	"context"
	"crypto/rand"
	"fmt"
	"runtime/debug"

	amqp "github.com/rabbitmq/amqp091-go"
)

// listener hears one broadcast.
type listener struct {
	consumer   *Consumer
	broadcast  Broadcast
	deliveries <-chan amqp.Delivery
}

// consume makes a queue that is this connection's alone and goes with it: it is no use to anyone else, and what it
// holds is of no use later.
func (b Broadcast) consume(conn *socket, service string) (<-chan amqp.Delivery, error) {
	ch, err := conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("open channel for %s: %w", b.Exchange, err)
	}
	queue := service + "." + b.Exchange + "." + rand.Text()
	if _, err := ch.QueueDeclare(queue, false, true, true, false, nil); err != nil {
		return nil, fmt.Errorf("declare queue %s: %w", queue, err)
	}
	if err := ch.QueueBind(queue, "", b.Exchange, false, nil); err != nil {
		return nil, fmt.Errorf("bind queue %s to %s: %w", queue, b.Exchange, err)
	}
	deliveries, err := ch.Consume(queue, "", true, true, false, false, nil)
	if err != nil {
		return nil, fmt.Errorf("consume %s: %w", queue, err)
	}
	return deliveries, nil
}

func (l *listener) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case d, ok := <-l.deliveries:
			if !ok {
				return fmt.Errorf("broadcast %s ended its deliveries", l.broadcast.Exchange)
			}
			l.handle(ctx, d)
		}
	}
}

func (l *listener) handle(ctx context.Context, raw amqp.Delivery) {
	name := l.broadcast.Exchange
	l.consumer.counts.received(name, raw.Redelivered)
	defer l.consumer.counts.begin(name, 1)()
	d, err := read(raw)
	if err == nil {
		err = d.understood(l.broadcast.Reads...)
	}
	if err == nil {
		err = l.call(ctx, d)
	}
	if err != nil {
		l.consumer.counts.ended(name, "dropped")
		l.consumer.log.Error("broadcast not understood", "exchange", name, "message_id", d.id, "type", d.kind, "error", err)
	}
}

func (l *listener) call(ctx context.Context, d Delivery) (err error) {
	ctx, cancel := context.WithTimeout(d.inTrace(context.WithoutCancel(ctx)), handleTimeout)
	defer cancel()
	defer func() {
		if cause := recover(); cause != nil {
			l.consumer.log.ErrorContext(ctx, "broadcast handler panicked", "exchange", l.broadcast.Exchange, "stack", string(debug.Stack()))
			err = fmt.Errorf("handler panicked: %v", cause)
		}
	}()
	return l.broadcast.Handle(ctx, d)
}
