package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
)

// MaxLetters is how many letters may be replayed or discarded between one Next and another one. A channel of RabbitMQ
// has some 32 acknowledgements on their way to a quorum queue; it holds back the others, and forgets them when it is
// closed. Taking a letter waits for what is on its way.
const MaxLetters = 16

// ErrTooManyLetters says that it is time for Next, or Close.
var ErrTooManyLetters = fmt.Errorf("broker: more than %d letters at once", MaxLetters)

// renewFrom is how many deliveries a dead letter may have behind it and still be put back as it is. RabbitMQ 4 drops a
// message of a quorum queue that comes back for the 21st time, and a dead letter has nowhere else to go.
const renewFrom = 10

// DeadLetters is one look through the dead letters of some of a service's queues, over a connection of its own.
//
// AMQP knows no reading without taking: a letter that Next returned is out of its queue for everybody else until it is
// kept, replayed or discarded, or the connection ends, and then it is where it was. The broker counts each return, and
// may drop a message for too many of them; so a letter that has come back often is renewed instead: a copy is published
// to the same queue and confirmed before the original is acknowledged. A crash in between leaves two copies, never none.
//
// A look ends after as many letters as there were when it began, and never returns a letter that it has itself replayed
// or renewed. It holds nothing of the letters that it keeps. It is not safe for concurrent use.
type DeadLetters struct {
	conn    *socket
	channel *amqp.Channel
	returns chan amqp.Return
	closed  chan *amqp.Error
	blocked atomic.Bool
	cause   error // why the channel closed, once that is known

	exchange string // for redelivery
	look     string // names this look in the headers of what it moves
	queues   []deadQueue
	acked    int // since the last letter was taken

	published func() // called between publishing and acknowledging, in tests
}

// deadQueue is the dead letters of a queue.
type deadQueue struct {
	source string
	left   int            // how many letters it may still give
	first  *amqp.Delivery // taken already; nil: no more
}

// OpenDeadLetters begins a look through the dead letters of the queues, in their order. It tries once, for some seconds.
func OpenDeadLetters(ctx context.Context, config Config, topology Topology, queues ...string) (*DeadLetters, error) {
	conn, err := dial(ctx, config, topology.Service+".dead-letters", 0)
	if err != nil {
		return nil, err
	}
	d := &DeadLetters{conn: conn, exchange: topology.Redelivery().Name, look: uuid.NewString(), published: func() {}}
	err = d.bounded(func() error { return d.open(topology, queues) })
	if err != nil {
		d.hangUp()
		return nil, err
	}
	return d, nil
}

func (d *DeadLetters) open(topology Topology, queues []string) (err error) {
	if d.channel, err = d.conn.Channel(); err != nil {
		return fmt.Errorf("open channel: %w", err)
	}
	d.returns = d.channel.NotifyReturn(make(chan amqp.Return, MaxLetters))
	d.closed = d.channel.NotifyClose(make(chan *amqp.Error, 1))
	d.watch(d.conn.NotifyBlocked(make(chan amqp.Blocking, 8)))
	if err := d.channel.Confirm(false); err != nil {
		return fmt.Errorf("ask for confirms: %w", err)
	}
	// A renewed letter needs its way back into the queue before the first one is taken out.
	if err := topology.Redelivery().declare(d.channel); err != nil {
		return err
	}
	for _, queue := range queues {
		if err := d.openQueue(queue); err != nil {
			return err
		}
	}
	return nil
}

func (d *DeadLetters) openQueue(source string) error {
	name := DeadQueue(source)
	_, err := d.channel.QueueDeclarePassive(name, true, false, false, false, nil)
	if refused, ok := errors.AsType[*amqp.Error](err); ok && refused.Code == amqp.NotFound {
		return fmt.Errorf("the broker has no queue %s: the service declares it when it runs", name)
	}
	if err != nil {
		return fmt.Errorf("look at queue %s: %w", name, err)
	}
	if err := d.channel.QueueBind(name, name, d.exchange, false, nil); err != nil {
		return fmt.Errorf("bind queue %s to %s: %w", name, d.exchange, err)
	}
	// How many there are is told with a letter. A declaration tells it too, but under load a quorum queue says 0 there.
	first, ok, err := d.channel.Get(name, false)
	if err != nil {
		return fmt.Errorf("get a letter of %s: %w", name, err)
	}
	if ok {
		d.queues = append(d.queues, deadQueue{source, 1 + int(first.MessageCount), &first})
	}
	return nil
}

// Len is how many letters the look may still return.
func (d *DeadLetters) Len() int {
	sum := 0
	for _, q := range d.queues {
		sum += q.left
	}
	return sum
}

// Next takes the next letter. It returns io.EOF when there are no more, and the context's error when that has ended. The
// letter has to be handed to Keep, Replay or Discard.
func (d *DeadLetters) Next(ctx context.Context) (*Letter, error) {
	for len(d.queues) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		queue := &d.queues[0]
		raw, err := d.take(queue)
		if err != nil {
			return nil, fmt.Errorf("get a letter of %s: %w", DeadQueue(queue.source), err)
		}
		if raw == nil {
			d.queues = d.queues[1:]
			continue
		}
		letter := readLetter(queue.source, *raw)
		if letter.look == d.look { // it has come back in the place of one that others have taken
			continue
		}
		return letter, nil
	}
	return nil, io.EOF
}

// take gets one more letter of the queue, nil if there is none, or none that was there when the look began.
func (d *DeadLetters) take(queue *deadQueue) (raw *amqp.Delivery, err error) {
	if raw, queue.first = queue.first, nil; raw != nil {
		queue.left--
		return raw, nil
	}
	if queue.left == 0 {
		return nil, nil
	}
	err = d.bounded(func() error {
		next, ok, err := d.channel.Get(DeadQueue(queue.source), false)
		if ok {
			raw = &next
		}
		return err
	})
	d.acked = 0
	queue.left--
	return raw, err
}

// Keep leaves letters where they are: they are back in their queue when the look is closed, or are renewed now. After an
// error they are where they were all the same.
func (d *DeadLetters) Keep(letters ...*Letter) error {
	for _, letter := range letters {
		if letter.returns < renewFrom {
			continue
		}
		if err := d.move([]*Letter{letter}, d.renewed)[0]; err != nil {
			return fmt.Errorf("renew letter %s, which has been looked at often: %w", letter.ID, err)
		}
	}
	return nil
}

// Replay sends letters back to the queue where they failed, with all attempts before them. It returns one error per
// letter: nil if the broker has confirmed it and the queue took it. The others are kept.
func (d *DeadLetters) Replay(letters ...*Letter) []error {
	results := d.move(letters, d.replayed)
	for i, err := range results {
		if err != nil {
			results[i] = errors.Join(err, d.Keep(letters[i]))
		}
	}
	return results
}

// Discard removes letters for good. After an error some may still be there.
func (d *DeadLetters) Discard(letters ...*Letter) error {
	if d.acked+len(letters) > MaxLetters {
		return ErrTooManyLetters
	}
	d.acked += len(letters)
	err := d.bounded(func() error {
		for _, letter := range letters {
			if err := letter.raw.Ack(false); err != nil {
				return err
			}
		}
		return d.heard()
	})
	if err != nil {
		return fmt.Errorf("discard letters: %w", err)
	}
	return nil
}
