package broker

import (
	"cmp"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// watch notes alarms: a broker that blocks its publishers stops reading from them, and all there is to see is silence.
func (d *DeadLetters) watch(alarms <-chan amqp.Blocking) {
	go func() {
		for alarm := range alarms { // until the connection is closed
			d.blocked.Store(alarm.Active)
		}
	}()
}

// Close ends the look: what was not replayed or discarded goes back.
func (d *DeadLetters) Close() error {
	err := d.bounded(d.channel.Close)
	d.hangUp()
	return err
}

func (d *DeadLetters) hangUp() {
	d.conn.hangUp() // whatever is still out goes back
}

// bounded does something on the channel. A broker that has stopped reading hangs it: only cutting the socket ends that.
func (d *DeadLetters) bounded(do func() error) error {
	var silent atomic.Bool
	cut := time.AfterFunc(confirmTimeout, func() {
		silent.Store(true)
		_ = d.conn.raw.Close()
	})
	defer cut.Stop()
	err := do()
	switch {
	case err == nil:
		return nil
	case d.blocked.Load():
		return fmt.Errorf("%w: %w", ErrBlocked, err)
	case silent.Load():
		return fmt.Errorf("broker: no answer within %s: %w", confirmTimeout, err)
	case errors.Is(err, amqp.ErrClosed):
		return d.why(err)
	}
	return err
}

// why is what the broker said when it closed the channel, or else the error.
func (d *DeadLetters) why(err error) error {
	if d.cause == nil && d.closed != nil {
		d.cause = err
		if refused := <-d.closed; refused != nil {
			d.cause = refused
		}
	}
	return cmp.Or(d.cause, err)
}

// heard returns when the channel has got all that was sent on it: an acknowledgement has no answer, but what comes after
// it has.
func (d *DeadLetters) heard() error {
	return (Exchange{d.exchange, amqp.ExchangeDirect}).declare(d.channel)
}
