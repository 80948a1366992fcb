package broker

import (
	"context"
	"crypto/sha256"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
	"golang.org/x/sync/errgroup"

	"github.com/tizza/tizza/pkg/message"
)

// carry brings the dead letters of a broker that was left to where messages go now, as they are, for as long as the link
// lasts. One that cannot be brought is held, not returned: RabbitMQ 4 drops what comes back too often.
func (c *Consumer) carry(ctx context.Context, l *link, conn *socket) error {
	for {
		err := c.route.until(ctx, func() bool { return c.route.isLeaving(l.site) })
		if err == nil {
			err = c.carryAway(ctx, l, conn)
		}
		if err != nil {
			return err
		}
	}
}

// isLeaving reports whether the letters of a site belong elsewhere. The mutex is held.
func (r *Route) isLeaving(s *site) bool {
	return s.standing == draining && !r.circles(s.URL) && r.publishing != nil && r.publishing != s
}

// carryAway returns nil when the site's letters do not belong elsewhere any more.
func (c *Consumer) carryAway(ctx context.Context, l *link, conn *socket) error {
	ch, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("open channel for dead letters: %w", err)
	}
	defer func() { _ = ch.Close() }() // what is held goes back
	if err := ch.Qos(MaxLetters, 0, false); err != nil {
		return fmt.Errorf("set prefetch for dead letters: %w", err)
	}
	leaving, back := context.WithCancel(ctx)
	defer back()
	group, leaving := errgroup.WithContext(leaving)
	group.Go(func() error {
		_ = c.route.until(leaving, func() bool { return !c.route.isLeaving(l.site) })
		back()
		return nil
	})
	for _, s := range c.topology.Subscriptions {
		deliveries, err := ch.Consume(DeadQueue(s.Queue), "", false, false, false, false, nil)
		if err != nil {
			return fmt.Errorf("consume %s: %w", DeadQueue(s.Queue), err)
		}
		group.Go(func() error { return c.carryFrom(leaving, l, s.Queue, deliveries) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

func (c *Consumer) carryFrom(ctx context.Context, l *link, queue string, deliveries <-chan amqp.Delivery) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case d, ok := <-deliveries:
			if !ok {
				return fmt.Errorf("queue %s ended its deliveries", DeadQueue(queue))
			}
			if err := c.carryOne(ctx, l, readLetter(queue, d)); err != nil {
				return err
			}
		}
	}
}

func (c *Consumer) carryOne(ctx context.Context, l *link, letter *Letter) error {
	l.inHand.Add(1)
	defer l.inHand.Add(-1)
	mark := c.route.mark(l.site)
	if letter.look == mark && letter.returns < renewFrom { // else a copy takes its place
		c.log.Warn("dead letters stay: the broker that was left is the one that messages go to now", "broker", l.site.name)
		c.route.mu.Lock()
		defer c.route.mu.Unlock()
		c.route.turns(l.site.URL)
		return nil
	}
	carried := letter.copied(letter.headers(mark))
	out := publication{Message: message.Message{Exchange: redelivery(c.topology.Service), Key: DeadQueue(letter.Queue)}, id: carried.MessageId, letter: &carried}
	elsewhere := func() *site {
		if to := c.route.destination(); to != l.site {
			return to
		}
		return nil
	}
	for ctx.Err() == nil {
		if c.publisher.publishAt(context.WithoutCancel(ctx), elsewhere, []publication{out})[0] == nil {
			c.counts.ended(letter.Queue, "carried")
			return letter.raw.Ack(false)
		}
		c.declareSoon() // perhaps somebody has deleted the queue
		if !pause(ctx, movePause) {
			break
		}
	}
	return nil
}

// mark names a departure: the same in every process that drains the broker.
func (r *Route) mark(s *site) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	hash := sha256.Sum256([]byte(s.URL))
	return fmt.Sprintf("left-%x@%d", hash[:8], r.active.revision)
}
