package broker

import (
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/tizza/tizza/pkg/message"
)

// Headers that this package puts beside a message's own.
const (
	positionHeader = "x-position"      // place in its batch: a return is matched by it
	attemptHeader  = "x-attempt"       // failed attempts so far
	reasonHeader   = "x-reason"        // why the last one failed
	firstHeader    = "x-first-failure" // when the first one failed, RFC 3339
	lastHeader     = "x-last-failure"  // when the last one failed, RFC 3339
	sourceHeader   = "x-source-queue"  // the queue it failed in
	exchangeHeader = "x-exchange"      // the exchange it was first published on
	keyHeader      = "x-key"           // the key it was first published with
)

// publishing writes a message as AMQP has it.
func (p *Publisher) publishing(m publication, position int) amqp.Publishing {
	headers := amqp.Table{positionHeader: strconv.Itoa(position)}
	for name, value := range m.Headers {
		headers[name] = value
	}
	out := amqp.Publishing{
		Headers:      headers,
		ContentType:  m.ContentType,
		DeliveryMode: amqp.Persistent,
		MessageId:    m.ID.String(),
		Timestamp:    m.Time,
		Type:         m.Key,
		AppId:        p.app,
		Body:         m.Body,
	}
	if m.delay > 0 {
		out.Expiration = strconv.FormatInt(m.delay.Milliseconds(), 10)
	}
	return out
}

// Delivery is a message as a consumer gets it.
type Delivery struct {
	message.Message
	// Attempt counts from 1. Deliveries that ended with a lost connection do not count.
	Attempt int
	// Redelivered says that the broker has, or may have, delivered it before.
	Redelivered bool
}

// read takes a delivery apart. Its error means that the message can never be handled.
func read(d amqp.Delivery) (Delivery, error) {
	m := message.Message{
		Exchange:    d.Exchange,
		Key:         d.RoutingKey,
		ContentType: d.ContentType,
		Body:        d.Body,
		Time:        d.Timestamp,
		Headers:     make(map[string]string, len(d.Headers)),
	}
	for name, value := range d.Headers {
		if text, ok := value.(string); ok {
			m.Headers[name] = text
		}
	}
	delete(m.Headers, positionHeader)
	if exchange, moved := m.Headers[exchangeHeader]; moved {
		m.Exchange, m.Key = exchange, m.Headers[keyHeader]
	}
	failed, _ := strconv.Atoi(m.Headers[attemptHeader])
	out := Delivery{Message: m, Attempt: failed + 1, Redelivered: d.Redelivered}
	id, err := uuid.Parse(d.MessageId)
	if err != nil {
		return out, fmt.Errorf("message_id %q is not a UUID", d.MessageId)
	}
	out.ID = id
	return out, nil
}

// moved is the delivery on its way to another queue of the same service, its history in headers.
func (d Delivery) moved(exchange, queue, target string, failed int, reason error, delay time.Duration) publication {
	now := time.Now().UTC().Format(time.RFC3339)
	out := d.Message
	out.Headers = make(map[string]string, len(d.Headers)+6)
	out.Headers[firstHeader] = now
	for name, value := range d.Headers {
		out.Headers[name] = value
	}
	out.Headers[exchangeHeader], out.Headers[keyHeader] = d.Exchange, d.Key
	out.Headers[sourceHeader], out.Headers[lastHeader] = queue, now
	out.Headers[attemptHeader] = strconv.Itoa(failed)
	out.Headers[reasonHeader] = clip(reason.Error())
	out.Exchange, out.Key = exchange, target
	return publication{Message: out, delay: delay}
}

// clip keeps headers, which have to fit into one frame, small.
func clip(reason string) string {
	const most = 500
	if len(reason) > most {
		return reason[:most]
	}
	return reason
}
