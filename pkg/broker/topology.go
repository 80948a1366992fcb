package broker

import (
	"context"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// redeclareEvery bounds how long a queue or binding that somebody deleted stays away.
const redeclareEvery = 30 * time.Second

// Topology is all that a service declares at the broker. Everybody declares the same, however often and in whatever
// order they start: exchanges by those who own them, queues by those who consume them.
type Topology struct {
	Service       string // queues and the exchange for redelivery begin with its name
	Exchanges     []Exchange
	Subscriptions []Subscription
	Broadcasts    []Broadcast
}

// Exchange is one that its owner declares; everybody else only binds to it or publishes on it.
type Exchange struct {
	Name string
	Kind string // amqp.ExchangeTopic, amqp.ExchangeFanout …
}

// Subscription is a queue of a service, what it is bound to, and who handles its messages. All replicas of the service
// share the queue and compete for its messages.
type Subscription struct {
	Queue    string
	Exchange string
	// Reads names the messages that Handle understands, each with its major version: "user.deleted.2". The queue is
	// bound to all their minor versions. Any other message becomes a dead letter at once.
	Reads []string
	// Formerly names messages that Handle understands, but the queue does not ask for: a binding to them is taken away.
	// A release may not take away what the replicas of the one before live on: between reading one major version and
	// reading another lies a release that reads both (deploy/versions.md).
	Formerly []string

	// Handle handles one message at a time. A subscription has either this or Together.
	Handle Handler
	// Together handles a batch in one transaction. Its nil means that all are done. Whatever else it returns means that
	// nothing has happened: then each message is handled alone, as a batch of one, and what is returned for it counts.
	Together BatchHandler
	// Batch is the most messages that Together gets, 50 if 0. It gets those that are there, and waits for no more.
	Batch int
	// Concurrency is how many workers handle messages, each one message or batch at a time; 8 if 0, 2 with Together.
	Concurrency int
	// Prefetch is how many messages the broker hands to each worker ahead; 4 if 0, two batches with Together.
	Prefetch int
}

// Do has the deliveries handled as a worker has: by Together, or the only one by Handle.
func (s Subscription) Do(ctx context.Context, deliveries ...Delivery) error {
	if s.Together != nil {
		return s.Together(ctx, deliveries)
	}
	return s.Handle(ctx, deliveries[0])
}

// Broadcast is an exchange of which every replica of the service hears everything while it is connected. What is said
// while it is not, it never hears: it has to ask for that elsewhere.
type Broadcast struct {
	Exchange string
	Reads    []string // as in a Subscription
	// Handle handles one message after another. An error is logged, and that is all.
	Handle Handler
}

// Queue is a queue as it has to be at the broker.
type Queue struct {
	Name      string
	Arguments map[string]any
	Bindings  []Binding
}

// Binding sends an exchange's messages with a fitting key to a queue.
type Binding struct{ Exchange, Key string }

// Redelivery is the exchange through which a service moves its own messages between its own queues, by their names, so
// that no service needs the right to publish on the default exchange, which reaches every queue.
func (t Topology) Redelivery() Exchange {
	return Exchange{redelivery(t.Service), amqp.ExchangeDirect}
}

// Queues lists every queue of the service that outlives a connection.
func (t Topology) Queues() []Queue {
	var queues []Queue
	for _, s := range t.Subscriptions {
		queues = append(queues, s.queues(t.Service)...)
	}
	return queues
}

// Subscription returns the one of that queue.
func (t Topology) Subscription(queue string) (Subscription, bool) {
	for _, s := range t.Subscriptions {
		if s.Queue == queue {
			return s, true
		}
	}
	return Subscription{}, false
}

func (s Subscription) queues(service string) []Queue {
	own := redelivery(service)
	first := quorum(own, s.Queue, DeadQueue(s.Queue))
	for _, kind := range s.Reads {
		first.Bindings = append(first.Bindings, Binding{s.Exchange, allOf(kind)})
	}
	queues := []Queue{first}
	for _, step := range steps {
		queues = append(queues, quorum(own, step.queue(s.Queue), s.Queue))
	}
	return append(queues, quorum(own, DeadQueue(s.Queue), ""))
}

func redelivery(service string) string { return service + ".redelivery" }

// DeadQueue is where the messages of a queue end that can not be handled.
func DeadQueue(queue string) string { return queue + deadSuffix }

const deadSuffix = ".dead"

// allOf is the binding key of all minor versions of a message.
func allOf(kind string) string { return kind + ".#" }

// quorum describes a queue: replicated, never dropping what it cannot hold, and dead-lettering at least once. What may
// change over a queue's life (limits) belongs in a policy: redeclaring with other arguments fails.
func quorum(exchange, name, deadTo string) Queue {
	arguments := map[string]any{"x-queue-type": "quorum", "x-overflow": "reject-publish"}
	if deadTo != "" {
		arguments["x-dead-letter-exchange"] = exchange
		arguments["x-dead-letter-routing-key"] = deadTo
		arguments["x-dead-letter-strategy"] = "at-least-once"
	}
	return Queue{Name: name, Arguments: arguments, Bindings: []Binding{{exchange, name}}}
}

// declareExchanges is the publisher's part.
func (t Topology) declareExchanges(ch *amqp.Channel) error {
	for _, e := range t.Exchanges {
		if err := e.declare(ch); err != nil {
			return err
		}
	}
	return nil
}

// declareQueues is the consumer's part. It fails while an exchange to bind to does not exist: its owner declares it, and
// the caller tries again.
func (t Topology) declareQueues(ch *amqp.Channel) error {
	if len(t.Subscriptions) == 0 {
		return nil
	}
	if err := t.Redelivery().declare(ch); err != nil {
		return err
	}
	for _, q := range t.Queues() {
		if err := q.declare(ch); err != nil {
			return err
		}
	}
	for _, s := range t.Subscriptions {
		for _, kind := range s.Formerly {
			if err := ch.QueueUnbind(s.Queue, allOf(kind), s.Exchange, nil); err != nil {
				return fmt.Errorf("unbind queue %s from %s by %s: %w", s.Queue, s.Exchange, allOf(kind), err)
			}
		}
	}
	return nil
}

func (e Exchange) declare(ch *amqp.Channel) error {
	if err := ch.ExchangeDeclare(e.Name, e.Kind, true, false, false, false, nil); err != nil {
		return fmt.Errorf("declare exchange %s: %w", e.Name, err)
	}
	return nil
}

func (q Queue) declare(ch *amqp.Channel) error {
	if _, err := ch.QueueDeclare(q.Name, true, false, false, false, q.Arguments); err != nil {
		return fmt.Errorf("declare queue %s: %w", q.Name, err)
	}
	for _, b := range q.Bindings {
		if err := ch.QueueBind(q.Name, b.Key, b.Exchange, false, nil); err != nil {
			return fmt.Errorf("bind queue %s to %s by %s: %w", q.Name, b.Exchange, b.Key, err)
		}
	}
	return nil
}

// keepDeclared declares at once, then again and again, and whenever something turns out to be missing, until ctx ends.
// It returns the first failure: the channel that failed is closed, and with it the connection is done with.
func keepDeclared(ctx context.Context, conn *socket, declare func(*amqp.Channel) error, declared func(), missing <-chan struct{}) error {
	ch, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("open channel to declare on: %w", err)
	}
	again := time.NewTicker(redeclareEvery)
	defer again.Stop()
	for {
		answered := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			select {
			case <-answered:
			case <-time.After(dialTimeout): // a broker under an alarm never answers
				_ = conn.raw.Close()
			}
		})
		err := declare(ch)
		close(answered)
		stop()
		if err != nil {
			return err
		}
		declared()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-again.C:
		case <-missing:
		}
	}
}
