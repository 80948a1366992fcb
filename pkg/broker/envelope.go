package broker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"

	"github.com/tizza/tizza/pkg/message"
)

// publication is a message as the broker package sends it.
type publication struct {
	message.Message
	id, kind, app string // its properties message_id, type and app_id: they stay when it moves, right or wrong
	ttl           string // how long it lies in the queue before it expires, in milliseconds; for ever if empty

	letter *amqp.Publishing // what it is instead of all that but exchange, key and id: a dead letter, as it was
}

// first is a message that this publisher is the first to publish.
func (p *Publisher) first(m message.Message) publication {
	return publication{Message: m, id: m.ID.String(), kind: m.Key, app: p.service}
}

// publishing writes a message as AMQP has it.
func (m publication) publishing(position int) amqp.Publishing {
	if m.letter != nil {
		m.letter.Headers[positionHeader] = strconv.Itoa(position)
		return *m.letter
	}
	headers := make(amqp.Table, len(m.Headers)+1)
	for name, value := range m.Headers {
		headers[name] = value
	}
	headers[positionHeader] = strconv.Itoa(position)
	return amqp.Publishing{
		Headers:      headers,
		ContentType:  m.ContentType,
		DeliveryMode: amqp.Persistent,
		Expiration:   m.ttl,
		MessageId:    m.id,
		Timestamp:    m.Time,
		Type:         m.kind,
		AppId:        m.app,
		Body:         m.Body,
	}
}

// Delivery is a message as a consumer gets it.
type Delivery struct {
	message.Message
	// Type is what the message says it is; the zero value if it does not say.
	Type message.Type
	// App is who published it.
	App string
	// Attempt counts from 1. Deliveries that ended with a lost connection do not count.
	Attempt int
	// Redelivered says that the broker has, or may have, delivered it before.
	Redelivered bool

	waits    int    // times that it has waited for something else
	id, kind string // its properties message_id and type as they came
}

// Trace is the headers that carry the trace in which the message was made, for a message that this one brings about.
// What cannot be one, by its length (https://www.w3.org/TR/trace-context/ asks for 512 bytes) or its characters, is left
// out: a trace decides nothing.
func (d Delivery) Trace() map[string]string {
	trace := map[string]string{}
	for _, name := range otel.GetTextMapPropagator().Fields() {
		value, ok := d.Headers[name]
		if ok && len(value) <= 512 && strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) < 0 {
			trace[name] = value
		}
	}
	return trace
}

// inTrace is ctx with the delivery's trace.
func (d Delivery) inTrace(ctx context.Context) context.Context {
	return otel.GetTextMapPropagator().Extract(ctx, propagation.MapCarrier(d.Trace()))
}

// read takes a delivery apart. Its error means that the message can never be handled; what could be read is there all
// the same.
func read(d amqp.Delivery) (Delivery, error) {
	out := Delivery{
		Message: message.Message{
			Exchange:    d.Exchange,
			Key:         d.RoutingKey,
			ContentType: d.ContentType,
			Body:        d.Body,
			Time:        d.Timestamp,
			Headers:     make(map[string]string, len(d.Headers)),
		},
		App:         d.AppId,
		Redelivered: d.Redelivered,
		id:          d.MessageId,
		kind:        d.Type,
	}
	for name, value := range d.Headers {
		if text, ok := value.(string); ok {
			out.Headers[name] = text
		}
	}
	delete(out.Headers, positionHeader)
	if exchange, moved := out.Headers[exchangeHeader]; moved {
		out.Exchange, out.Key = exchange, out.Headers[keyHeader]
	}
	out.Attempt = tally(out.Headers[attemptHeader]) + 1
	out.waits = tally(out.Headers[waitsHeader])
	var err error
	if out.Type, err = typeOf(out.kind, out.Key); err != nil {
		return out, err
	}
	if out.ID, err = uuid.Parse(d.MessageId); err != nil {
		return out, fmt.Errorf("message_id %.64q is not a UUID", d.MessageId)
	}
	return out, nil
}

// typeOf is the type that the message states or else, also if it states one that is none, that of its key. One that says
// nothing has none.
func typeOf(stated, key string) (message.Type, error) {
	parsed, err := message.ParseType(stated)
	if err == nil {
		return parsed, nil
	}
	if parsed, notKey := message.ParseType(key); notKey == nil {
		return parsed, nil
	}
	if stated == "" {
		return message.Type{}, nil
	}
	return message.Type{}, err
}

// understood returns an error unless the message is one of those kinds. One that does not say what it is, such as one
// that somebody has put into the queue by hand, is taken for what it should be: reading it will tell.
func (d Delivery) understood(kinds ...string) error {
	if len(kinds) == 0 || d.Type == (message.Type{}) || slices.Contains(kinds, d.Type.Kind()) {
		return nil
	}
	return fmt.Errorf("%s: this queue reads %s", d.Type, strings.Join(kinds, ", "))
}

// moved is the delivery on its way to another queue of the same service, its history in headers.
func (d Delivery) moved(exchange, queue string, reason error, v verdict) publication {
	now := time.Now().UTC().Format(time.RFC3339)
	out := publication{Message: d.Message, id: d.id, kind: d.kind, app: d.App, ttl: v.step.ttl()}
	out.Headers = maps.Clone(d.Headers)
	if out.Headers[firstHeader] == "" {
		out.Headers[firstHeader] = now
	}
	out.Headers[exchangeHeader], out.Headers[keyHeader] = d.Exchange, d.Key
	out.Headers[sourceHeader], out.Headers[lastHeader] = queue, now
	out.Headers[attemptHeader] = strconv.Itoa(v.failed)
	if v.waits > 0 {
		out.Headers[waitsHeader] = strconv.Itoa(v.waits)
	}
	out.Headers[reasonHeader] = clip(reason.Error())
	fit(out.Headers)
	out.Exchange, out.Key = exchange, v.step.queue(queue)
	if v.dead {
		out.Key, out.ttl = DeadQueue(queue), ""
	}
	return out
}
