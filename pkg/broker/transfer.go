package broker

import (
	"fmt"
	"slices"
	"strconv"

	amqp "github.com/rabbitmq/amqp091-go"
)

// move publishes a copy of each letter, to the queue that copied says, and acknowledges those that the broker has
// confirmed and a queue took. It returns one error per letter. What is not acknowledged is still where it was, also if
// this process ends between the two; then there may be two of it, with one message_id.
func (d *DeadLetters) move(letters []*Letter, copied func(*Letter) (to string, out amqp.Publishing)) []error {
	results := make([]error, len(letters))
	if d.acked+len(letters) > MaxLetters {
		return slices.Repeat([]error{ErrTooManyLetters}, len(letters))
	}
	err := d.bounded(func() error {
		d.publish(letters, copied, results)
		if d.channel.IsClosed() {
			return amqp.ErrClosed
		}
		d.published()
		for i, letter := range letters {
			if results[i] == nil {
				d.acked++
				_ = letter.raw.Ack(false) // it has been moved, whatever becomes of the original; see inbox
			}
		}
		return nil
	})
	for i := range results {
		if results[i] != nil && err != nil {
			results[i] = fmt.Errorf("%w: %w", ErrUnknown, err)
		}
	}
	return results
}

// publish sends all and then waits for all.
func (d *DeadLetters) publish(letters []*Letter, copied func(*Letter) (string, amqp.Publishing), results []error) {
	confirms := make([]*amqp.DeferredConfirmation, len(letters))
	for i, letter := range letters {
		to, out := copied(letter)
		out.Headers[positionHeader] = strconv.Itoa(i)
		confirms[i], results[i] = d.channel.PublishWithDeferredConfirm(d.exchange, to, true, false, out)
	}
	for i, confirm := range confirms {
		if results[i] != nil {
			continue
		}
		if !confirm.Wait() { // it comes, or the socket is cut, which resolves it too
			results[i] = ErrRefused
		}
	}
	takeReturns(d.returns, len(letters), func(i int, _ string) { // of this batch: one without an answer is a channel's last
		if results[i] == nil {
			results[i] = ErrUnrouted
		}
	})
}
