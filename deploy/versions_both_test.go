package deploy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/proto/corpus"
)

// publish puts an example into the queues that ask for it, as whoever wrote it would.
func publish(t *testing.T, channel *amqp.Channel, id uuid.UUID, e corpus.Example) {
	t.Helper()
	require.NoError(t, channel.PublishWithContext(t.Context(), "users", e.Type, true, false, amqp.Publishing{
		MessageId: id.String(), Type: e.Type, ContentType: e.ContentType, Body: e.Body, DeliveryMode: amqp.Persistent,
	}))
}

// declare makes the exchange, as its owner would, and a consumer of a release that the page knows.
func (s *system) declare(t *testing.T, c *consumer, release string) *amqp.Channel {
	t.Helper()
	channel := s.server.Channel(t)
	require.NoError(t, channel.ExchangeDeclare("users", "topic", true, false, false, false, nil))
	c.release(t, named(t, openPage(t).consumers(t), release, func(r reading) string { return r.name }))
	return channel
}

func TestOneEventInTwoVersionsHasOneEffect(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	for _, c := range s.consumers {
		t.Run("at a consumer that reads both: "+c.name, func(t *testing.T) {
			channel := s.declare(t, c, "asks for both")
			event := uuid.New()
			var copies int64
			for _, major := range []int{1, 2} {
				for _, e := range corpus.Of("user.deleted", major) {
					if e.Value == "full" {
						publish(t, channel, event, e)
						copies++
					}
				}
			}
			servertest.Eventually(t, patience, "all copies handled", func() bool { return c.counter(1).Load()+c.counter(2).Load() == copies })

			assert.NotZero(t, c.counter(1).Load())
			assert.NotZero(t, c.counter(2).Load())
			all, _ := c.effects(t)
			assert.EqualValues(t, 1, all)
			assert.Zero(t, s.depth(t, c.queue()+".dead"))
		})
	}
}

func TestTheOldVersionIsReadAndRefusedAsItsExamplesSay(t *testing.T) {
	t.Parallel()
	for _, e := range corpus.Of("user.deleted", 1) {
		var said struct {
			User int64 `json:"user_id"`
		}
		require.NoError(t, json.Unmarshal(e.Plain(), &said))
		number, err := gone(delivery(t, e))
		require.NoError(t, err, e.Path)
		assert.Equal(t, said.User, number, e.Path)
	}
	for _, e := range corpus.Bad("user.deleted", 1) {
		_, err := gone(delivery(t, e))
		assert.Error(t, err, e.Path)
	}
}

func delivery(t *testing.T, e corpus.Example) broker.Delivery {
	t.Helper()
	of, err := message.ParseType(e.Type)
	require.NoError(t, err)
	return broker.Delivery{Message: message.Message{ID: uuid.New(), Key: e.Type, ContentType: e.ContentType, Body: e.Body}, Type: of}
}

func TestAVersionThatAQueueDoesNotReadIsADeadLetterWithItsReason(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	c := s.consumers[0]
	channel := s.declare(t, c, "as it was")
	// A release that read the new version has been here, and this one knows nothing of its binding.
	require.NoError(t, channel.QueueBind(c.queue(), newKind+".#", "users", false, nil))
	example := corpus.Released("user.deleted.2.0.0", "full", "application/json")
	publish(t, channel, uuid.New(), example)

	var letter amqp.Delivery
	servertest.Eventually(t, patience, "a dead letter", func() (found bool) {
		var err error
		letter, found, err = channel.Get(c.queue()+".dead", false)
		return err == nil && found
	})
	assert.Equal(t, "user.deleted.2.0.0: this queue reads user.deleted.1", letter.Headers["x-reason"])
	assert.True(t, strings.Contains(openPage(t).text, letter.Headers["x-reason"].(string)), "the page says so too")
	assert.Equal(t, string(example.Body), string(letter.Body), "nothing is lost")
	assert.Equal(t, example.Type, letter.Type)
	all, _ := c.effects(t)
	assert.Zero(t, all)
}
