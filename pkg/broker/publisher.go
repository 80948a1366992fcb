package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"golang.org/x/sync/errgroup"

	"github.com/tizza/tizza/pkg/message"
)

// MaxBatch is the most messages that one Publish takes.
const MaxBatch = 1000

const confirmTimeout = 10 * time.Second

// What Publish says of a message that it could not deliver for certain.
var (
	ErrUnrouted  = errors.New("broker: no queue took the message")
	ErrRefused   = errors.New("broker: message refused")
	ErrUnknown   = errors.New("broker: no confirm came, the message may or may not have arrived")
	ErrBlocked   = errors.New("broker: publishers are blocked by an alarm")
	ErrBatchSize = fmt.Errorf("broker: more than %d messages at once", MaxBatch)
)

// Publisher publishes with confirms and returns, where its route says.
type Publisher struct {
	*part
	topology Topology
	counts   publisherCounts
	batch    sync.Mutex // one at a time: returns and confirms of a channel are the batch's
}

// channel is one open channel in confirm mode.
type channel struct {
	*amqp.Channel
	conn    *socket
	returns chan amqp.Return
	alarm   alarm
	gone    chan struct{} // closed when the channel is
	cause   error         // set before gone is closed
}

// NewPublisher makes a publisher for the service. It declares the topology's exchanges. The route moves to no broker before
// the publisher is connected there: it has to run, or to be told that it is Idle.
func NewPublisher(route *Route, log *slog.Logger, topology Topology) *Publisher {
	p := &Publisher{
		part:     newPart(route, log, topology.Service, "publisher"),
		topology: topology,
		counts:   newPublisherCounts(),
	}
	p.frame, p.publishes = publisherFrame, true
	route.join(p.part)
	return p
}

// Run keeps the publisher connected until ctx ends.
func (p *Publisher) Run(ctx context.Context) error { return p.run(ctx, p.use) }

// Ready returns an error while nothing can be published: not connected, or blocked by an alarm.
func (p *Publisher) Ready(context.Context) error {
	switch ch := p.channelTo(p.route.destination()); {
	case ch == nil || ch.IsClosed():
		return ErrDisconnected
	case ch.alarm.on():
		return ErrBlocked
	}
	return nil
}

// Started returns an error until the publisher has been connected for the first time.
func (p *Publisher) Started(context.Context) error { return p.everStarted() }

// channelTo is the open channel to a site, nil if there is none.
func (p *Publisher) channelTo(s *site) *channel {
	if l := p.at(s); l != nil {
		return l.channel.Load()
	}
	return nil
}

func (p *Publisher) use(ctx context.Context, l *link, conn *socket) error {
	ch, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("open channel to publish on: %w", err)
	}
	if err := ch.Confirm(false); err != nil {
		return fmt.Errorf("ask for confirms: %w", err)
	}
	// The client hands over a return before it resolves the confirm that follows it, as long as there is room: a
	// buffer of a batch's size makes "confirmed, and nothing in returns" mean "routed".
	open := &channel{Channel: ch, conn: conn, returns: ch.NotifyReturn(make(chan amqp.Return, MaxBatch)), gone: make(chan struct{}), alarm: newAlarm()}
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	blocked := conn.NotifyBlocked(make(chan amqp.Blocking, 8))
	defer l.channel.Store(nil)

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return keepDeclared(ctx, conn, p.topology.declareExchanges, func() {
			l.channel.CompareAndSwap(nil, open)
			l.connected()
		}, nil)
	})
	group.Go(func() error {
		defer close(open.gone)
		open.cause = p.watch(ctx, open, closed, blocked)
		return open.cause
	})
	return group.Wait()
}

// watch returns when the channel is closed, with what the broker has to say about it.
func (p *Publisher) watch(ctx context.Context, open *channel, closed <-chan *amqp.Error, blocked <-chan amqp.Blocking) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-closed:
			return fmt.Errorf("publishing channel closed: %w", asError(err))
		case alarm, ok := <-blocked:
			if !ok {
				blocked = nil
				continue
			}
			open.alarm.set(alarm.Active)
			p.log.Warn("broker alarm changed", "connection", p.name, "blocked", alarm.Active, "reason", alarm.Reason)
		}
	}
}

func asError(err *amqp.Error) error {
	if err == nil { // a typed nil would pass for an error
		return amqp.ErrClosed
	}
	return err
}

// Publish sends the messages and waits for all their confirms, which come pipelined. It returns one error per
// message, nil for each that the broker has confirmed and at least one queue has taken (or that is Optional).
// Whatever the error, publishing the message again is safe for consumers that keep an inbox.
func (p *Publisher) Publish(ctx context.Context, messages []message.Message) []error {
	batch := make([]publication, len(messages))
	for i, m := range messages {
		batch[i] = p.first(m)
	}
	return p.publishAt(ctx, p.route.destination, batch)
}

// publishAt publishes where to says when it is this batch's turn.
func (p *Publisher) publishAt(ctx context.Context, to func() *site, batch []publication) []error {
	if len(batch) > MaxBatch {
		return failAll(batch, ErrBatchSize)
	}
	p.batch.Lock()
	defer p.batch.Unlock()
	results := p.send(ctx, p.channelTo(to()), batch)
	p.counts.add(results)
	return results
}

func (p *Publisher) send(ctx context.Context, ch *channel, batch []publication) []error {
	switch {
	case ch == nil:
		return failAll(batch, ErrDisconnected)
	case ch.alarm.on():
		return failAll(batch, ErrBlocked)
	}
	// A write to a broker that has stopped reading hangs, whatever its context: only cutting the socket ends it.
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = ch.conn.raw.Close() })()

	results := make([]error, len(batch))
	confirms := make([]*amqp.DeferredConfirmation, len(batch))
	for i, m := range batch {
		confirms[i], results[i] = ch.PublishWithDeferredConfirmWithContext(ctx, m.Exchange, m.Key, true, false, m.publishing(i))
	}
	for i, confirm := range confirms {
		if results[i] != nil {
			results[i] = fmt.Errorf("%w: %w", ErrUnknown, results[i])
			continue
		}
		results[i] = ch.await(ctx, confirm)
	}
	takeReturns(ch.returns, len(batch), func(i int, id string) {
		if id == batch[i].id && results[i] == nil && !batch[i].Optional { // else of an earlier batch that was given up
			results[i] = ErrUnrouted
		}
	})
	return results
}

// await waits for one confirm. A channel that dies resolves its confirms as not acknowledged: that is no refusal, nobody
// knows what became of the message. What closed the channel may be about another message of the batch.
func (c *channel) await(ctx context.Context, confirm *amqp.DeferredConfirmation) error {
	select {
	case <-confirm.Done():
	case <-c.alarm.raised(): // it may last, and the connection is good: the confirm may still come, too late for us
		return ErrBlocked
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnknown, ctx.Err())
	}
	switch {
	case confirm.Acked():
		return nil
	case !c.IsClosed():
		return ErrRefused
	}
	<-c.gone
	return fmt.Errorf("%w: %w", ErrUnknown, c.cause)
}

// takeReturns calls mark with what has come back although it was confirmed: its place in a batch of that size, and its
// message id.
func takeReturns(returns <-chan amqp.Return, size int, mark func(i int, id string)) {
	for {
		select {
		case returned, ok := <-returns:
			if !ok {
				return
			}
			if i, err := strconv.Atoi(fmt.Sprint(returned.Headers[positionHeader])); err == nil && i >= 0 && i < size {
				mark(i, returned.MessageId)
			}
		default:
			return
		}
	}
}

func failAll(batch []publication, err error) []error {
	results := make([]error, len(batch))
	for i := range results {
		results[i] = err
	}
	return results
}
