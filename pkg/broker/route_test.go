package broker_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
)

func TestAMoveUnderLoadForthAndBackLosesNothingAndLeavesNothing(t *testing.T) {
	t.Parallel()
	old, other, town := servertest.RabbitMQ(t), servertest.RabbitMQ(t), newTown(t)
	press, readers, critics := town.press(at(old)), newClub("reader"), newClub("critic")
	town.join(readers, at(old))
	town.join(readers, at(old))
	town.join(critics, at(old))
	town.arrived(old)
	servertest.Eventually(t, patience, "the first papers taken", func() bool {
		return press.Publish(t.Context(), []message.Message{sheet(`{}`)})[0] == nil && readers.effect() > 0 && critics.effect() > 0
	})
	end := press.work(t, 4, func() message.Message {
		switch rand.IntN(100) {
		case 0, 1:
			return sheet(`"torn"`)
		case 2, 3, 4:
			return sheet(`"wet"`)
		}
		return sheet(`{}`)
	})
	for range 3 {
		for _, to := range []string{other.URL, ""} {
			town.put(to)
			revision := town.revision
			servertest.Eventually(t, patience, "everybody follows", func() bool { return len(town.Missing(broker.RouteKey, revision)) == 0 })
			come := readers.came.Load()
			servertest.Eventually(t, patience, "papers flow", func() bool { return readers.came.Load() > come+50 })
		}
	}
	end()
	town.arrived(old)

	good, torn := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	for _, m := range press.sent {
		if string(m.Body) == `"torn"` {
			torn[m.ID] = true
		} else {
			good[m.ID] = true
		}
	}
	for _, c := range []*club{readers, critics} {
		servertest.Eventually(t, patience, "all have had their effect", func() bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			for id := range good {
				if c.effects[id] != 1 {
					return false
				}
			}
			return true
		})
		assert.Empty(t, c.leftAt(t, other), "the broker that was left is empty")
		servertest.Eventually(t, patience, "only dead letters stay", func() bool { left := c.leftAt(t, old); return len(left) == 1 && left[c.queue()+".dead"] > 0 })
		letters := map[string]bool{}
		for _, d := range c.lettersAt(t, old) {
			letters[d.MessageId] = true
		}
		assert.Len(t, letters, len(torn))
		for id := range torn {
			assert.Contains(t, letters, id.String())
		}
	}
	t.Logf("%d papers, %d of them torn; readers had %d deliveries", len(press.sent), len(torn), readers.came.Load())
}

func TestAnUnusableBrokerKeepsTheOldOne(t *testing.T) {
	t.Parallel()
	old, town := servertest.RabbitMQ(t), newTown(t)
	closed, poor := servertest.RabbitMQ(t), servertest.RabbitMQ(t)
	username, password := old.User(t, ".*", ".*", ".*")
	poor.Manage(t, http.MethodPut, "/api/permissions/"+poor.Vhost+"/"+username, map[string]string{"configure": "^$", "write": ".*", "read": ".*"}, nil)
	config := at(old)
	config.Username, config.Password = username, setting.Secret(password)
	press, readers := town.press(config), newClub("reader")
	config.AllowedHosts = []string{"127.0.0.1", "169.254.0.0/16"}
	member := town.join(readers, config)
	town.arrived(old)
	for name, test := range map[string]struct {
		url, reason string
		final       bool
	}{
		"not a URL":          {"://nonsense hunter2", "not an amqp or amqps URL", true},
		"not amqp":           {"http://127.0.0.1:5672/hunter2", "not an amqp or amqps URL", true},
		"credentials":        {"amqp://me:hunter2@127.0.0.1:5672/", "credentials", true},
		"a query":            {"amqp://127.0.0.1:5672/?heartbeat=hunter2", "a query", true},
		"link-local":         {"amqp://169.254.169.254/hunter2", "link-local", true},
		"link-local, mapped": {"amqp://[::ffff:169.254.169.254]/hunter2", "link-local", true},
		"not allowed":        {"amqp://127.0.0.2:5672/hunter2", "the host is not among DISCOVERY_ALLOWED_HOSTS", true},
		"an odd address":     {"amqp://2852039166/hunter2", "unusual form", true},
		"no host":            {"amqp:///hunter2", "with a host", true},
		"NUL":                {"amqp://127.0.0.1/hunter2\x00", "not an amqp or amqps URL", true},
		"large":              {fmt.Sprintf("amqp://127.0.0.1/hunter2%0100000d", 0), "2 KiB", true},
		"nobody there":       {"amqp://127.0.0.1:1/hunter2", "cannot be reached", false},
		"no right there":     {closed.URL, "refuses the virtual host", false},
		"not all rights":     {poor.URL, "refuses the user, or a right", false},
	} {
		t.Run(name, func(t *testing.T) {
			err := member.route.Follow(t.Context(), "url", test.url, 7)
			require.ErrorContains(t, err, test.reason)
			assert.NotContains(t, err.Error(), "hunter2")
			assert.NotContains(t, err.Error(), closed.Vhost)
			final, ok := err.(interface{ Final() bool }) //nolint:errorlint // what a caller looks for
			assert.Equal(t, test.final, ok && final.Final())
			assert.Equal(t, map[string]string{broker.Label(old.URL): "active"}, member.route.Standings())
			before := readers.effect()
			press.print(t.Context(), sheet(`{}`))
			servertest.Eventually(t, patience, "papers flow", func() bool { return readers.effect() > before })
		})
	}
}

func TestADeadLetterIsCarriedWithItsHistory(t *testing.T) {
	t.Parallel()
	old, other, town := servertest.RabbitMQ(t), servertest.RabbitMQ(t), newTown(t)
	press, readers := town.press(at(old)), newClub("reader")
	town.join(readers, at(old))
	town.arrived(old)
	torn := sheet(`"torn"`)
	press.print(t.Context(), torn)
	foreign := dead("was down") // by nobody's rules
	foreign.Headers["x-number"], foreign.MessageId, foreign.ContentEncoding = int32(7), "not a UUID", "none"
	channel := old.Channel(t)
	require.NoError(t, channel.Confirm(false))
	put(t, channel, "reader.news.dead", foreign)
	servertest.Eventually(t, patience, "two dead letters", func() bool { return readers.leftAt(t, old)["reader.news.dead"] == 2 })

	town.put(other.URL)
	town.arrived(other)

	assert.Empty(t, readers.leftAt(t, old))
	letters := readers.lettersAt(t, other)
	require.Len(t, letters, 2)
	for _, d := range letters {
		if d.MessageId == torn.ID.String() {
			assert.Equal(t, "torn", d.Headers["x-reason"])
			assert.Equal(t, "1", d.Headers["x-attempt"])
			assert.Equal(t, "news", d.Headers["x-exchange"])
			assert.Equal(t, torn.Headers["traceparent"], d.Headers["traceparent"])
			assert.Equal(t, torn.Key, d.Type)
			assert.Equal(t, "press", d.AppId)
			assert.Equal(t, torn.Body, d.Body)
			assert.Equal(t, torn.Time.Unix(), d.Timestamp.Unix())
			continue
		}
		assert.Equal(t, foreign.MessageId, d.MessageId)
		assert.Equal(t, int32(7), d.Headers["x-number"])
		assert.Equal(t, "was down", d.Headers["x-reason"])
		assert.Equal(t, "none", d.ContentEncoding)
	}
}

func TestNobodyPublishesAtTheNewBrokerBeforeAllAreThere(t *testing.T) {
	t.Parallel()
	old, other, town := servertest.RabbitMQ(t), servertest.RabbitMQ(t), newTown(t)
	press, readers := town.press(at(old)), newClub("reader")
	member := town.join(readers, at(old))
	town.arrived(old)
	town.mu.Lock()
	town.absent = []string{"critic"}
	town.mu.Unlock()
	town.put(other.URL)
	both := map[string]string{broker.Label(old.URL): "draining", broker.Label(other.URL): "active"}
	servertest.Eventually(t, patience, "at both", func() bool { return fmt.Sprint(member.route.Standings()) == fmt.Sprint(both) })

	for range 20 {
		before := readers.effect()
		press.print(t.Context(), sheet(`{}`))
		servertest.Eventually(t, patience, "papers flow", func() bool { return readers.effect() > before })
		assert.Equal(t, broker.Label(old.URL), press.route.Publishing())
	}
	assert.Equal(t, both, member.route.Standings(), "all that time")
	told := member.metrics(t)
	for name, value := range map[string]float64{
		"broker_site " + broker.Label(old.URL) + " draining": 1, "broker_site " + broker.Label(old.URL) + " publishing": 1,
		"broker_site " + broker.Label(other.URL) + " active": 1, "broker_moves_total applied": 1,
		"broker_connected " + broker.Label(other.URL) + " reader.consumer": 1, "broker_connected " + broker.Label(other.URL) + " reader.publisher": 1,
	} {
		assert.Equal(t, value, told[name], "%s in %v", name, told)
	}
	assert.Contains(t, told, "broker_draining_messages "+broker.Label(old.URL))
	assert.NotContains(t, told, "broker_connected "+broker.Label(old.URL)+" reader.consumer", "a broker that is left says nothing of how things are")
	town.mu.Lock()
	town.absent = nil
	town.mu.Unlock()
	town.arrived(other)
}

func TestBroadcastsAreHeardAllThroughAMove(t *testing.T) {
	t.Parallel()
	old, other, town := servertest.RabbitMQ(t), servertest.RabbitMQ(t), newTown(t)
	press, readers, critics := town.press(at(old)), newClub("reader"), newClub("critic")
	town.join(readers, at(old))
	town.join(critics, at(old))
	town.arrived(old)
	end := press.work(t, 2, func() message.Message {
		m := paper("radio.on.1.0.0")
		m.Exchange = "radio"
		return m
	})
	for _, to := range []*servertest.Broker{other, old, other} {
		town.put(to.URL)
		town.arrived(to)
	}
	end()
	require.NotEmpty(t, press.sent)
	for _, m := range press.sent {
		for _, c := range []*club{readers, critics} {
			servertest.Eventually(t, patience, "heard by "+c.name, func() bool { return c.hasHeard(m.ID) })
		}
	}
	t.Logf("%d broadcasts", len(press.sent))
}

func TestFlipsWithinMillisecondsEndWhereTheLastOneSays(t *testing.T) {
	t.Parallel()
	old, other, third, town := servertest.RabbitMQ(t), servertest.RabbitMQ(t), servertest.RabbitMQ(t), newTown(t)
	press, readers := town.press(at(old)), newClub("reader")
	town.join(readers, at(old))
	town.join(readers, at(old))
	town.arrived(old)
	servertest.Eventually(t, patience, "read", func() bool {
		return press.Publish(t.Context(), []message.Message{sheet(`{}`)})[0] == nil
	})
	end := press.work(t, 2, func() message.Message { return sheet(`{}`) })
	brokers := []*servertest.Broker{old, other, third}
	for range 40 {
		town.put(brokers[rand.IntN(3)].URL)
		select {
		case <-t.Context().Done():
		case <-time.After(rand.N(30 * time.Millisecond)):
		}
	}
	town.put(third.URL)
	servertest.Eventually(t, patience, "all there", func() bool { return len(town.Missing(broker.RouteKey, town.revision)) == 0 })
	end()
	town.arrived(third)
	servertest.Eventually(t, patience, "all read", func() bool {
		readers.mu.Lock()
		defer readers.mu.Unlock()
		for _, m := range press.sent {
			if readers.effects[m.ID] == 0 {
				return false
			}
		}
		return true
	})
	assert.Empty(t, readers.leftAt(t, old))
	assert.Empty(t, readers.leftAt(t, other))
}

func TestWhatDoesNotRunHereIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	old, other, town := servertest.RabbitMQ(t), servertest.RabbitMQ(t), newTown(t)
	town.press(at(old))
	town.arrived(old)
	var consumer *broker.Consumer
	c := town.settle("reader", at(old), func(route *broker.Route) []part {
		publisher := broker.NewPublisher(route, quiet, broker.Topology{Service: "reader"})
		consumer = broker.NewConsumer(route, quiet, readerTopology(broker.Subscription{Handle: nobody}), publisher)
		return []part{publisher}
	})
	require.ErrorContains(t, c.route.Follow(t.Context(), "url", other.URL, 1), "reader.consumer: does not run yet")
	consumer.Idle()
	require.NoError(t, c.route.Follow(t.Context(), "url", other.URL, 1))
}

func TestTheBrokerThatIsActiveAlreadyIsAppliedOnlyWhenItIsUsable(t *testing.T) {
	t.Parallel()
	old, other, town := servertest.RabbitMQ(t), servertest.RabbitMQ(t), newTown(t)
	town.put(other.URL)
	press, readers, critics := town.press(at(old)), newClub("reader"), newClub("critic")
	town.join(readers, at(old))
	first := town.join(critics, at(old))
	town.arrived(other)
	first.stop()
	for _, queue := range critics.queues() { // whoever rebuilt the old broker left nothing in it
		_, err := old.Channel(t).QueueDelete(queue, false, false, false)
		require.NoError(t, err)
	}
	var consumer *broker.Consumer // does not run yet
	second := town.settle("critic", at(old), func(route *broker.Route) []part {
		publisher := broker.NewPublisher(route, quiet, broker.Topology{Service: "critic"})
		consumer = broker.NewConsumer(route, quiet, broker.Topology{Service: "critic", Subscriptions: []broker.Subscription{
			{Queue: critics.queue(), Exchange: "news", Reads: []string{"paper.out.1"}, Handle: critics.read},
		}}, publisher)
		return []part{publisher}
	})

	town.put("")
	require.ErrorContains(t, second.route.Follow(t.Context(), "url", "", town.revision), "critic.consumer: does not run yet")
	assert.Contains(t, town.Missing(broker.RouteKey, town.revision), "critic")
	press.print(t.Context(), sheet(`{}`))

	w := &bench{t: t}
	w.run(consumer.Run)
	servertest.Eventually(t, patience, "both have it", func() bool { return readers.effect() == 1 && critics.effect() == 1 })
	town.arrived(old)
}

func TestABrokerIsDrainedThoughAMoveBackToItFailedMeanwhile(t *testing.T) {
	t.Parallel()
	old, other, town := servertest.RabbitMQ(t), servertest.RabbitMQ(t), newTown(t)
	town.press(at(old))
	readers := newClub("reader")
	member := town.join(readers, at(old))
	town.arrived(old)
	town.put(other.URL)
	town.arrived(other)
	channel := old.Channel(t)
	require.NoError(t, channel.ExchangeDelete("news", false, false)) // without it nobody can consume there
	failed := make(chan error, 1)
	go func() { failed <- member.route.Follow(t.Context(), "url", old.URL, 3) }()
	servertest.Eventually(t, patience, "open", func() bool { return member.route.Standings()[broker.Label(old.URL)] != "" })
	late := sheet(`{}`)
	require.NoError(t, channel.Confirm(false))
	put(t, channel, "reader.news", amqp.Publishing{MessageId: late.ID.String(), Type: late.Key, Body: late.Body})

	require.ErrorContains(t, receive(t, failed), "lacks what another service has to declare")
	require.NoError(t, channel.ExchangeDeclare("news", amqp.ExchangeTopic, true, false, false, false, nil))
	servertest.Eventually(t, patience, "read", func() bool { return readers.effect() == 1 })
	town.arrived(other)
}

func TestABrokerThatMessagesGoToIsNotDroppedWhenTheMoveToItFails(t *testing.T) {
	t.Parallel()
	old, town := servertest.RabbitMQ(t), newTown(t)
	press := town.press(at(old))
	town.arrived(old)
	const nowhere = "amqp://127.0.0.1:1/"
	failed := make(chan error, 1)
	go func() { failed <- press.route.Follow(t.Context(), "url", nowhere, 1) }()
	servertest.Eventually(t, patience, "open", func() bool { return press.route.Standings()[broker.Label(nowhere)] == "coming" })
	town.mu.Lock()
	town.absent = []string{"critic"}
	town.mu.Unlock()
	press.route.SendTo(nowhere)
	require.ErrorContains(t, receive(t, failed), "cannot be reached")
	assert.Equal(t, "draining", press.route.Standings()[broker.Label(nowhere)])
}

func TestMessagesLeaveABrokerThatHasAnAlarmWithoutWaitingForThoseWhoAreMissing(t *testing.T) {
	t.Parallel()
	old, other, town := servertest.RabbitMQ(t), servertest.RabbitMQ(t), newTown(t)
	press, readers := town.press(at(old)), newClub("reader")
	town.join(readers, at(old))
	town.arrived(old)
	town.mu.Lock()
	town.absent = []string{"critic"}
	town.mu.Unlock()
	press.Alarm(true)
	town.put(other.URL)
	press.print(t.Context(), sheet(`{}`))
	assert.Equal(t, broker.Label(other.URL), press.route.Publishing())
	servertest.Eventually(t, patience, "read", func() bool { return readers.effect() == 1 })
}

func TestThePasswordGoesToNoHostThatIsNotAllowed(t *testing.T) {
	t.Parallel()
	old, town := servertest.RabbitMQ(t), newTown(t)
	allowed, foreign := newEar(t, "127.0.0.1"), newEar(t, "127.0.0.2")
	town.history = []string{foreign.url, allowed.url}
	config := at(old)
	config.AllowedHosts = []string{"127.0.0.1"}
	town.join(newClub("reader"), config)
	town.press(at(old)) // declares the exchange
	servertest.Eventually(t, patience, "the brokers that the journal names are looked at, and again", func() bool { return allowed.calls.Load() > 1 })
	assert.Zero(t, foreign.calls.Load())
}

func TestTheConfiguredBrokerMayBeAnywhere(t *testing.T) {
	t.Parallel()
	config := broker.Config{URL: "amqp://rabbit.example/", AllowedHosts: []string{".test"}}
	require.NoError(t, config.Validate())
	for _, address := range []string{"", config.URL, "amqp://rabbit.test/"} {
		_, err := config.At(address)
		require.NoError(t, err, address)
	}
	_, err := config.At("amqp://evil.example/")
	require.EqualError(t, err, "the host is not among DISCOVERY_ALLOWED_HOSTS")
	config.AllowedHosts = []string{"http://x"}
	require.ErrorContains(t, config.Validate(), "DISCOVERY_ALLOWED_HOSTS")
}
