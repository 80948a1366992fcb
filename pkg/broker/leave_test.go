package broker_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/servertest"
)

func TestWhoeverPublishesLateAtABrokerThatWasLeftIsHeard(t *testing.T) {
	t.Parallel()
	old, other, town := servertest.RabbitMQ(t), servertest.RabbitMQ(t), newTown(t)
	town.press(at(old))
	readers := newClub("reader")
	town.join(readers, at(old))
	town.arrived(old)
	town.put(other.URL)
	town.arrived(other)

	sleeper := broker.NewPublisher(broker.FixedRoute(at(old), quiet), quiet, broker.Topology{Service: "press"})
	w := &bench{t: t}
	w.run(sleeper.Run)
	late, torn := sheet(`{}`), sheet(`"torn"`)
	for _, m := range []message.Message{late, torn, sheet(`"soaked"`)} { // the last one fails for minutes: not there
		servertest.Eventually(t, patience, "taken by the old broker", func() bool { return sleeper.Publish(t.Context(), []message.Message{m})[0] == nil })
	}

	servertest.Eventually(t, patience, "read", func() bool {
		readers.mu.Lock()
		defer readers.mu.Unlock()
		return readers.effects[late.ID] == 1
	})
	town.arrived(other)
	assert.Empty(t, readers.leftAt(t, old))
	letters := readers.lettersAt(t, other)
	require.Len(t, letters, 1)
	assert.Equal(t, torn.ID.String(), letters[0].MessageId)
}

func TestABrokerThatWasLeftIsOpenAgainWhileSomebodyIsMissing(t *testing.T) {
	t.Parallel()
	old, other, town := servertest.RabbitMQ(t), servertest.RabbitMQ(t), newTown(t)
	press, readers := town.press(at(old)), newClub("reader")
	member := town.join(readers, at(old))
	town.arrived(old)
	town.put(other.URL)
	town.arrived(other)

	town.mu.Lock()
	town.absent = []string{"critic"} // it may come, not know of the move, and speak at the old one
	town.mu.Unlock()
	servertest.Eventually(t, patience, "open", func() bool { return member.route.Standings()[broker.Label(old.URL)] == "draining" })
	assert.Equal(t, broker.Label(other.URL), press.route.Publishing(), "messages go where they went")
	town.mu.Lock()
	town.absent = nil
	town.mu.Unlock()
	town.arrived(other)
}

func TestMessagesLeaveABrokerThatDiedWithoutWaitingForThoseWhoAreMissing(t *testing.T) {
	t.Parallel()
	old, other, town := servertest.RabbitMQ(t), servertest.RabbitMQ(t), newTown(t)
	line, config := newCable(t, old.URL), at(old)
	config.URL = line.url
	press, readers := town.press(config), newClub("reader")
	town.join(readers, config)
	town.arrived(&servertest.Broker{URL: line.url})
	stuck := sheet(`{}`)
	readers.mu.Lock() // nobody reads it before the broker dies
	unlock := sync.OnceFunc(readers.mu.Unlock)
	defer unlock()
	servertest.Eventually(t, patience, "taken", func() bool { return press.Publish(t.Context(), []message.Message{stuck})[0] == nil })
	line.cut()
	unlock()
	town.mu.Lock()
	town.absent = []string{"critic"}
	town.mu.Unlock()

	town.put(other.URL)

	for range 10 {
		before := readers.effect()
		m := sheet(`{}`)
		press.print(t.Context(), m)
		servertest.Eventually(t, patience, "papers flow", func() bool { return readers.effect() > before })
	}
	assert.Equal(t, broker.Label(other.URL), press.route.Publishing())
	town.mu.Lock()
	town.absent = nil
	town.mu.Unlock()
	town.arrived(other) // what cannot be reached does not hold them

	line.mend()
	servertest.Eventually(t, patience, "what lay there is read when it is back", func() bool { return len(readers.leftAt(t, old)) == 0 })
	town.arrived(other)
	readers.mu.Lock()
	defer readers.mu.Unlock()
	assert.Equal(t, 1, readers.effects[stuck.ID])
}

func TestAProcessWhoseKeyNamesAnotherBrokerNeverPublishesAtTheConfiguredOne(t *testing.T) {
	t.Parallel()
	old, other, town := servertest.RabbitMQ(t), servertest.RabbitMQ(t), newTown(t)
	town.lost = time.Hour // however slow the machine is, nobody is taken for lost
	town.put(other.URL)
	press, readers := town.press(at(old)), newClub("reader")
	town.join(readers, at(old))
	channel := old.Channel(t) // what would be published at the old one would stay
	require.NoError(t, channel.ExchangeDeclare("news", amqp.ExchangeTopic, true, false, false, false, nil))
	_, err := channel.QueueDeclare("archive", true, false, false, false, nil)
	require.NoError(t, err)
	require.NoError(t, channel.QueueBind("archive", "#", "news", false, nil))
	end := press.work(t, 2, func() message.Message { return sheet(`{}`) })
	servertest.Eventually(t, patience, "papers flow", func() bool { return readers.effect() > 20 })
	end()
	town.arrived(other)
	archived, _ := old.Depth(t, "archive")
	assert.Zero(t, archived)
}

func TestAConfiguredBrokerThatIsDownKeepsNobodyFromTheOneThatTheKeyNames(t *testing.T) {
	t.Parallel()
	other, town := servertest.RabbitMQ(t), newTown(t)
	config := at(other)
	config.URL = "amqp://127.0.0.1:1/nowhere"
	town.put(other.URL)
	press, readers := town.press(config), newClub("reader")
	member := town.join(readers, config)
	town.arrived(other)
	for _, c := range []*citizen{press.citizen, member} {
		for _, p := range c.parts {
			require.NoError(t, p.Ready(t.Context()))
			require.NoError(t, p.Started(t.Context()))
		}
	}
	press.print(t.Context(), sheet(`{}`))
	servertest.Eventually(t, patience, "read", func() bool { return readers.effect() == 1 })
}

func TestAMoveThatWasInterruptedIsFinishedByTheNextProcess(t *testing.T) {
	t.Parallel()
	old, other, town := servertest.RabbitMQ(t), servertest.RabbitMQ(t), newTown(t)
	press, readers := town.press(at(other)), newClub("reader")
	first := town.join(readers, at(other))
	town.arrived(other)
	town.put(old.URL)
	town.arrived(old)
	readers.mu.Lock()
	unlock := sync.OnceFunc(readers.mu.Unlock)
	defer unlock()
	torn := sheet(`"torn"`)
	press.print(t.Context(), torn)
	servertest.Eventually(t, patience, "a dead letter", func() bool { return readers.leftAt(t, old)["reader.news.dead"] == 1 })
	done := make(chan struct{})
	go func() { // it dies with a message in hand
		defer close(done)
		first.stop()
	}()
	unlock()
	<-done
	left := sheet(`{}`)
	press.print(t.Context(), left) // lies in the queue while nobody reads
	press.stop()
	town.mu.Lock()
	town.forgetful = 3
	town.mu.Unlock()
	town.put("") // while nobody is there

	town.press(at(other))
	town.join(readers, at(other))

	servertest.Eventually(t, patience, "read", func() bool {
		readers.mu.Lock()
		defer readers.mu.Unlock()
		return readers.effects[left.ID] == 1
	})
	servertest.Eventually(t, patience, "the letter is brought", func() bool { return readers.leftAt(t, other)["reader.news.dead"] == 1 })
	town.arrived(other)
	assert.Empty(t, readers.leftAt(t, old))
}

func TestADeadLetterThatCannotBeBroughtIsHeld(t *testing.T) {
	t.Parallel()
	old, other, town := servertest.RabbitMQ(t), servertest.RabbitMQ(t), newTown(t)
	press, readers := town.press(at(old)), newClub("reader")
	member := town.join(readers, at(old))
	town.arrived(old)
	for range 3 {
		press.print(t.Context(), sheet(`"torn"`))
	}
	servertest.Eventually(t, patience, "dead letters", func() bool { return readers.leftAt(t, old)["reader.news.dead"] == 3 })
	atMost := func(letters int) {
		other.Manage(t, http.MethodPut, "/api/policies/"+other.Vhost+"/full",
			map[string]any{"pattern": `\.dead$`, "definition": map[string]any{"max-length": letters}, "apply-to": "queues"}, nil)
	}
	atMost(1)
	town.put(other.URL)
	servertest.Eventually(t, patience, "one, or two, arrived", func() bool { return readers.leftAt(t, other)["reader.news.dead"] > 0 })
	for range 30 {
		assert.Empty(t, readers.leftAt(t, old), "the others are in the hand of who brings them")
		assert.Equal(t, "draining", member.route.Standings()[broker.Label(old.URL)])
		select {
		case <-t.Context().Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	member.stop()
	letter, ok, err := old.Channel(t).Get("reader.news.dead", false)
	require.NoError(t, err)
	require.True(t, ok, "back when who held it has gone")
	assert.LessOrEqual(t, broker.CountIn(letter.Headers, "x-delivery-count"), 2, "RabbitMQ 4 drops what has come back twenty times")
	require.NoError(t, letter.Nack(false, true))
	atMost(100)
	town.join(readers, at(old))
	brought := map[string]bool{}
	servertest.Eventually(t, patience, "all arrived", func() bool { // the queue takes no more until some are taken out
		for _, d := range readers.lettersAt(t, other) {
			brought[d.MessageId] = true
		}
		return len(brought) == 3
	})
	town.arrived(other)
}

func TestDeadLettersDoNotGoInCirclesWhereTwoAddressesAreOneBroker(t *testing.T) {
	t.Parallel()
	old, town := servertest.RabbitMQ(t), newTown(t)
	press, readers := town.press(at(old)), newClub("reader")
	member := town.join(readers, at(old))
	town.join(readers, at(old))
	town.arrived(old)
	torn := sheet(`"torn"`)
	press.print(t.Context(), torn)
	servertest.Eventually(t, patience, "a dead letter", func() bool { return readers.leftAt(t, old)["reader.news.dead"] == 1 })
	same := strings.Replace(old.URL, "127.0.0.1", "localhost", 1)
	require.NotEqual(t, old.URL, same)
	town.put(same)
	town.arrived(&servertest.Broker{URL: same})
	letters := readers.lettersAt(t, old)
	require.Len(t, letters, 1)
	assert.Equal(t, torn.ID.String(), letters[0].MessageId)
	assert.Less(t, member.carried(t), 3.0)
}

func TestADeadLetterThatHasToStayIsNotReturnedUntilTheBrokerDropsIt(t *testing.T) {
	t.Parallel()
	old, town := servertest.RabbitMQ(t), newTown(t)
	press, readers := town.press(at(old)), newClub("reader")
	member := town.join(readers, at(old))
	town.arrived(old)
	press.print(t.Context(), sheet(`"torn"`))
	servertest.Eventually(t, patience, "a dead letter", func() bool { return readers.leftAt(t, old)["reader.news.dead"] == 1 })
	same := strings.Replace(old.URL, "127.0.0.1", "localhost", 1)
	town.put(same)
	town.arrived(&servertest.Broker{URL: same})
	for range 30 {
		require.Len(t, member.route.Standings(), 1, "who knows that it comes back leaves it alone")
		select {
		case <-t.Context().Done():
		case <-time.After(100 * time.Millisecond):
		}
	}

	returns := func(d amqp.Delivery) int {
		return max(broker.CountIn(d.Headers, "x-delivery-count"), broker.CountIn(d.Headers, "x-acquired-count"))
	}
	channel := old.Channel(t)
	servertest.Eventually(t, patience, "returned often, by processes that did not know it yet", func() bool {
		letter, ok, err := channel.Get("reader.news.dead", false)
		require.NoError(t, err)
		if ok {
			require.NoError(t, letter.Nack(false, true))
		}
		return ok && returns(letter) >= 12
	})
	next := town.join(readers, at(old))
	servertest.Eventually(t, patience, "a copy takes its place", func() bool { return next.carried(t) > 0 })
	town.arrived(&servertest.Broker{URL: same})
	letters := readers.lettersAt(t, old)
	require.Len(t, letters, 1)
	assert.Less(t, returns(letters[0]), 10)
}
