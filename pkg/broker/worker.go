package broker

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// movePause is between attempts to move a message that failed.
const movePause = time.Second

// worker handles the messages of one queue, a batch after the other, on a channel of its own.
type worker struct {
	consumer     *Consumer
	link         *link
	subscription Subscription
	channel      *amqp.Channel
	deliveries   <-chan amqp.Delivery
	told         time.Time // when it was last logged that messages wait
}

// outcome is a message and what has become of it.
type outcome struct {
	raw      amqp.Delivery
	delivery Delivery
	state    state
	err      error // what was said of it when it failed
}

type state int

const (
	open   state = iota // not handled: it goes back to its queue
	failed              // it has to be moved
	done                // it can be acknowledged
)

func (o *outcome) say(err error) {
	o.state, o.err = done, err
	if err != nil {
		o.state = failed
	}
}

// those are the ones of a batch in that state.
func those(batch []*outcome, in state) []*outcome {
	var found []*outcome
	for _, o := range batch {
		if o.state == in {
			found = append(found, o)
		}
	}
	return found
}

// run returns when ctx ends, or when the channel is of no more use. What was handed over and not begun by then goes back
// to its queue with the connection.
func (w *worker) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case d, ok := <-w.deliveries:
			if !ok {
				return fmt.Errorf("queue %s ended its deliveries", w.subscription.Queue)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := w.handle(ctx, w.gather(d)); err != nil {
				return err
			}
		}
	}
}

// gather takes what else is there already, up to a batch.
func (w *worker) gather(first amqp.Delivery) []*outcome {
	batch := []*outcome{{raw: first}}
	for len(batch) < w.subscription.batch() {
		select {
		case d, ok := <-w.deliveries:
			if !ok {
				return batch
			}
			batch = append(batch, &outcome{raw: d})
		default:
			return batch
		}
	}
	return batch
}

// handle runs the handler and does with the messages what it says. Its error is the channel's, not a message's.
func (w *worker) handle(ctx context.Context, batch []*outcome) error {
	defer w.consumer.counts.begin(w.subscription.Queue, len(batch))()
	w.link.inHand.Add(int64(len(batch)))
	defer w.link.inHand.Add(-int64(len(batch)))
	w.read(batch)
	w.attempt(ctx, batch)
	// While nothing can be moved, there is no use in handling more.
	for moving := those(batch, failed); len(moving) > 0 && w.move(ctx, moving); moving = those(batch, failed) {
	}
	return w.acknowledge(batch)
}

// read takes the messages apart, and judges those that are none of this queue's.
func (w *worker) read(batch []*outcome) {
	kinds := slices.Concat(w.subscription.Reads, w.subscription.Formerly)
	for _, o := range batch {
		var err error
		if o.delivery, err = read(o.raw); err == nil {
			err = o.delivery.understood(kinds...)
		}
		if err != nil {
			o.say(Permanent(err))
		}
		w.consumer.counts.received(w.subscription.Queue, o.raw.Redelivered)
	}
}

// attempt handles what can be read: together if the handler can do that, and alone if that fails, so that one message
// that cannot be handled does not take the others with it.
func (w *worker) attempt(ctx context.Context, batch []*outcome) {
	readable := those(batch, open)
	if len(readable) > 1 && w.call(ctx, readable...) == nil {
		for _, o := range readable {
			o.say(nil)
		}
		return
	}
	for i, o := range readable {
		if (i > 0 || len(readable) > 1) && ctx.Err() != nil {
			return // the rest goes back
		}
		o.say(w.call(ctx, o))
	}
}

// call runs the handler; a panic is a failure like any other.
func (w *worker) call(ctx context.Context, batch ...*outcome) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handleTimeout)
	defer cancel()
	deliveries := make([]Delivery, len(batch))
	for i, o := range batch {
		deliveries[i] = o.delivery
	}
	if len(batch) == 1 {
		ctx = deliveries[0].inTrace(ctx)
	}
	defer func() {
		if cause := recover(); cause != nil {
			w.consumer.log.ErrorContext(ctx, "message handler panicked", "queue", w.subscription.Queue, "stack", string(debug.Stack()))
			err = fmt.Errorf("handler panicked: %v", cause)
		}
	}()
	return w.subscription.Do(ctx, deliveries...)
}

// move brings messages that failed to other queues, and says whether some of them are to be tried again.
func (w *worker) move(ctx context.Context, moving []*outcome) bool {
	verdicts := make([]verdict, len(moving))
	out := make([]publication, len(moving))
	for i, o := range moving {
		verdicts[i] = judge(o.delivery, o.err)
		out[i] = o.delivery.moved(redelivery(w.consumer.topology.Service), w.subscription.Queue, o.err, verdicts[i])
	}
	again := false
	for i, err := range w.consumer.publisher.publishAt(context.WithoutCancel(ctx), w.consumer.route.destination, out) {
		if err != nil {
			again = true
			continue
		}
		moving[i].state = done
		w.report(moving[i], verdicts[i])
	}
	if !again {
		return false
	}
	w.consumer.declareSoon() // perhaps somebody has deleted the queue
	select {
	case <-ctx.Done():
		return false
	case <-time.After(movePause):
		return true
	}
}

// acknowledge lets go of what is done or has been moved. A crash before leaves two copies, never none.
func (w *worker) acknowledge(batch []*outcome) error {
	finished := those(batch, done)
	if len(finished) == len(batch) { // in one frame: on this channel nothing before them is still open
		return w.channel.Ack(batch[len(batch)-1].raw.DeliveryTag, true)
	}
	for _, o := range finished {
		if err := o.raw.Ack(false); err != nil {
			return err
		}
	}
	return nil
}

// toldEvery is how often a worker says that messages wait for something else, which all of them may do together.
const toldEvery = time.Minute

// report counts and logs what has become of a message that failed.
func (w *worker) report(o *outcome, v verdict) {
	queue, d, log := w.subscription.Queue, o.delivery, w.consumer.log
	facts := []any{"queue", queue, "message_id", d.id, "type", d.kind, "attempt", d.Attempt, "error", clip(o.err.Error())}
	switch {
	case v.dead:
		w.consumer.counts.ended(queue, "dead")
		log.Error("message became a dead letter", facts...)
	case IsLater(o.err):
		w.consumer.counts.ended(queue, "later")
		if time.Since(w.told) > toldEvery {
			w.told = time.Now()
			log.Warn("messages wait for something else, and come back until it is there", append(facts, "waits", v.waits)...)
		}
	default:
		w.consumer.counts.ended(queue, "failed")
		log.Warn("message failed, will be retried", facts...)
	}
}
