package broker

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode"

	amqp "github.com/rabbitmq/amqp091-go"
)

// lookHeader names the look that has replayed or renewed a letter, or the departure that has carried it here.
const lookHeader = "x-look"

// brokersHeaders are the broker's own about a message in one queue, or would make it route a copy elsewhere.
var brokersHeaders = []string{
	"x-delivery-count", "x-acquired-count", "x-death", "x-first-death-exchange", "x-first-death-queue",
	"x-first-death-reason", "x-last-death-exchange", "x-last-death-queue", "x-last-death-reason", "CC", "BCC",
}

// Letter is a dead letter: a message that could not be handled, and its history.
type Letter struct {
	// ID is its message_id, or one made from its content if it has none that a person could type.
	ID string
	// Queue is where it failed.
	Queue string
	// Exchange and Key are what it was first published with, Type what it says it is.
	Exchange, Key, Type string
	App, ContentType    string
	Time                time.Time
	// Headers are those it has by now: a message that its own service has moved has kept the texts among them.
	Headers map[string]any
	Body    []byte

	// Reason is why the last attempt failed, or what the broker says if it was the broker that put the letter here.
	Reason                    string
	Attempts, Waits, Replays  int
	FirstFailure, LastFailure time.Time // zero if unknown

	raw     amqp.Delivery
	returns int    // how often it has been delivered, and come back
	look    string // the look that has moved it last
}

// readLetter takes apart what lies in the queue's dead letters. There is nothing that it cannot read.
func readLetter(queue string, raw amqp.Delivery) *Letter {
	text := func(name string) string {
		s, _ := raw.Headers[name].(string)
		return s
	}
	l := &Letter{
		Queue: queue, Exchange: text(exchangeHeader), Key: text(keyHeader), Type: raw.Type,
		App: raw.AppId, ContentType: raw.ContentType, Time: raw.Timestamp, Headers: raw.Headers, Body: raw.Body,
		Reason: text(reasonHeader), Attempts: count(raw.Headers, attemptHeader), Waits: count(raw.Headers, waitsHeader),
		Replays: count(raw.Headers, replaysHeader), FirstFailure: moment(text(firstHeader)), LastFailure: moment(text(lastHeader)),
		raw: raw, look: text(lookHeader),
		returns: max(count(raw.Headers, "x-delivery-count"), count(raw.Headers, "x-acquired-count")),
	}
	l.readDeath()
	l.ID = l.id()
	return l
}

// readDeath adds what the broker tells about a message that it moved here itself: it may have come too often, or lain
// too long. Then it, and not the handler, had the last word.
func (l *Letter) readDeath() {
	deaths, _ := l.raw.Headers["x-death"].([]any)
	for _, entry := range deaths {
		death, _ := entry.(amqp.Table)
		if death["queue"] != l.Queue {
			continue // an earlier stop on its way, such as a retry queue
		}
		before := ""
		if l.Reason != "" {
			before = "; before that: " + l.Reason
		}
		l.Reason = clip(fmt.Sprintf("broker: %v%s", death["reason"], before))
		if at, ok := death["time"].(time.Time); ok {
			l.LastFailure = at.UTC()
			if l.FirstFailure.IsZero() {
				l.FirstFailure = l.LastFailure
			}
		}
		keys, _ := death["routing-keys"].([]any)
		if exchange, ok := death["exchange"].(string); ok && l.Exchange == "" && len(keys) > 0 {
			l.Exchange, l.Key = exchange, fmt.Sprint(keys[0])
		}
		return
	}
}

func (l *Letter) id() string {
	id := l.raw.MessageId
	if id != "" && len(id) <= 64 && strings.IndexFunc(id, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }) < 0 {
		return id
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "%q %q %q %d %q", id, l.Type, l.Key, l.Time.Unix(), l.Body)
	return fmt.Sprintf("unnamed-%x", hash.Sum(nil)[:8])
}

// replayed is the letter on its way back to where it failed: as if it came for the first time, its history beside it.
func (d *DeadLetters) replayed(l *Letter) (to string, out amqp.Publishing) {
	headers := l.headers(d.look)
	delete(headers, attemptHeader)
	delete(headers, waitsHeader)
	headers[replaysHeader] = strconv.Itoa(l.Replays + 1)
	return l.Queue, l.copied(headers)
}

// renewed is the letter as a message that has never been delivered.
func (d *DeadLetters) renewed(l *Letter) (to string, out amqp.Publishing) {
	return DeadQueue(l.Queue), l.copied(l.headers(d.look))
}

// headers are the letter's, with the look that moves it. What the broker had to say is put in our own words, as its words do not survive publishing:
// some versions drop them, and some would take a message that comes by again for one that goes in circles.
func (l *Letter) headers(look string) amqp.Table {
	headers := maps.Clone(l.raw.Headers)
	if headers == nil {
		headers = amqp.Table{}
	}
	for _, name := range brokersHeaders {
		delete(headers, name)
	}
	for name, value := range map[string]string{
		sourceHeader: l.Queue, reasonHeader: l.Reason,
		exchangeHeader: l.Exchange, keyHeader: cmp.Or(l.Key, l.Type),
		firstHeader: stamp(l.FirstFailure), lastHeader: stamp(l.LastFailure),
	} {
		if value != "" {
			headers[name] = value
		}
	}
	headers[lookHeader] = look
	fit(headers)
	return headers
}

// copied leaves out what would make the copy expire, or be refused because somebody else has published it first.
func (l *Letter) copied(headers amqp.Table) amqp.Publishing {
	return amqp.Publishing{
		Headers:         headers,
		ContentType:     l.raw.ContentType,
		ContentEncoding: l.raw.ContentEncoding,
		DeliveryMode:    amqp.Persistent,
		Priority:        l.raw.Priority,
		CorrelationId:   l.raw.CorrelationId,
		ReplyTo:         l.raw.ReplyTo,
		MessageId:       l.raw.MessageId,
		Timestamp:       l.raw.Timestamp,
		Type:            l.raw.Type,
		AppId:           l.raw.AppId,
		Body:            l.raw.Body,
	}
}

func count(headers amqp.Table, name string) int {
	switch n := headers[name].(type) {
	case nil, []byte, []any, amqp.Table:
		return 0
	default:
		number, _ := strconv.Atoi(fmt.Sprint(n))
		return max(number, 0)
	}
}

func moment(text string) time.Time {
	at, _ := time.Parse(time.RFC3339, text)
	return at.UTC()
}

func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}
