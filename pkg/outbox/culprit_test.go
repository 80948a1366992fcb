package outbox_test

import (
	"errors"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
)

// withCulprits appends messages to exchanges that close the channel, and others between them.
func withCulprits(t *testing.T, database *postgres.Database, exchanges ...string) (good []message.Message) {
	t.Helper()
	good = notes(20)
	good[7].Key, good[13].Key = "note.changed.1.0.0", "note.changed.1.0.0"
	batch := append([]message.Message(nil), good[:10]...)
	for _, exchange := range exchanges {
		bad := note("note.made.1.0.0")
		bad.Exchange = exchange
		batch = append(batch, bad)
	}
	add(t, database, append(batch, good[10:]...)...)
	return good
}

func TestAMessageThatClosesTheChannelDoesNotSinkItsNeighbours(t *testing.T) {
	database, to := open(t), &fake{closes: "nowhere"}
	good := withCulprits(t, database, "nowhere")
	relay := newRelay(database, to).PollEvery(time.Hour) // so that what fails in the first look stays
	start(t, relay.Run)

	servertest.Eventually(t, patience, "only the culprit is left", func() bool {
		return rows(t, database) == 1 && rows(t, database, "state = 'waiting'") == 1
	})
	assert.Equal(t, len(good), to.count())
	assert.Contains(t, list(t, database)[0].Reason, "no exchange nowhere")
	assert.InDelta(t, 1, metric(t, relay, "outbox_failed_total"), 0, "no neighbour failed")
	assert.InDelta(t, 20, metric(t, relay, "outbox_sent_total"), 0)
}

func TestRowsThatHaveFailedBeforeDoNotMeetNewOnes(t *testing.T) {
	database, to := open(t), &fake{closes: "nowhere"}
	withCulprits(t, database, "nowhere")
	execute(t, database, "UPDATE outbox SET attempts = 3 WHERE exchange = 'nowhere'")
	start(t, newRelay(database, to).PollEvery(time.Hour).Run)

	servertest.Eventually(t, patience, "only the culprit is left", func() bool {
		return rows(t, database) == 1 && rows(t, database, "state = 'waiting'") == 1
	})
	assert.Equal(t, 21, to.tries, "each was published once")
}

func TestAMessageThatSinksItsOwnKindIsLeftAloneInTheEnd(t *testing.T) {
	database := open(t)
	add(t, database, notes(30)...)
	poison := list(t, database)[11].MessageID
	relay := newRelay(database, publish(func(messages []message.Message) []error {
		results := make([]error, len(messages))
		for _, m := range messages {
			if m.ID == poison {
				for i := range results {
					results[i] = errors.New("channel closed: message too large")
				}
			}
		}
		return results
	}))
	start(t, relay.Run)
	servertest.Eventually(t, 2*patience, "only the culprit is left", func() bool {
		return rows(t, database) == 1 && rows(t, database, "state = 'waiting'") == 1
	})
	assert.Equal(t, poison, list(t, database)[0].MessageID)
}

func TestAConnectionThatBreaksInABatchCostsNoRowAnAttempt(t *testing.T) {
	database := open(t)
	add(t, database, notes(20)...)
	broken := true
	var tries int
	relay := newRelay(database, publish(func(messages []message.Message) []error {
		results := make([]error, len(messages))
		tries += len(messages)
		for i := range results {
			if broken {
				results[i] = errors.New("connection reset")
			}
		}
		broken = false
		return results
	})).PollEvery(time.Hour)
	stop := start(t, relay.Run)
	emptied(t, database)
	stop()
	assert.Equal(t, 40, tries)
	assert.InDelta(t, 0, metric(t, relay, "outbox_failed_total"), 0)
}

func TestOnARealBrokerOnlyTheCulpritsAreLeftWithTheirReasons(t *testing.T) {
	database := open(t)
	rabbit := newRabbit(t)
	require.NoError(t, rabbit.channel.ExchangeDeclare("private", amqp.ExchangeTopic, true, false, false, false, nil))
	username, password := rabbit.server.User(t, "^$", "^(notes|nowhere)$", "^$")
	rabbit.config = broker.Config{URL: rabbit.server.URL, Username: username, Password: setting.Secret(password)}
	good := withCulprits(t, database, "nowhere", "private")
	relay := newRelay(database, rabbit.publisher())
	start(t, relay.Run)

	servertest.Eventually(t, patience, "only the culprits are left, with their reasons", func() bool {
		return rows(t, database) == 2 && rows(t, database, "last_error LIKE '%NOT_FOUND%' AND exchange = 'nowhere'") == 1 &&
			rows(t, database, "last_error LIKE '%ACCESS_REFUSED%' AND exchange = 'private'") == 1
	})
	copies := rabbit.copies()
	assert.Len(t, copies, len(good))
	for _, m := range good {
		assert.Contains(t, copies, m.ID.String())
	}

	// What is mended goes out by itself.
	require.NoError(t, rabbit.channel.ExchangeDeclare("nowhere", amqp.ExchangeTopic, true, false, false, false, nil))
	require.NoError(t, rabbit.channel.QueueBind("reader.notes", "#", "nowhere", false, nil))
	_, err := outbox.Retry(t.Context(), database, outbox.Choice{Failed: true}, false)
	require.NoError(t, err)
	servertest.Eventually(t, patience, "one is left", func() bool { return rows(t, database) == 1 })
}
