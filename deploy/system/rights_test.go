package system

import (
	"net/http"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shared is the contract's table of messages (§7) as rights: who says and who hears what on an exchange. Names of
// messages are without their versions; all messages of an exchange that is not a topic are "*". What is not here nobody
// may do.
var shared = []struct {
	exchange, kind, owner string
	says, hears           map[string]string // user → message
}{
	{"users", amqp.ExchangeTopic, "auth",
		map[string]string{"auth": "user.deleted", "pizza": "user.erased", "likes": "user.erased", "events": "user.erased"},
		map[string]string{"auth": "user.erased", "pizza": "user.deleted", "likes": "user.deleted", "events": "user.deleted"}},
	{"pizzas", amqp.ExchangeTopic, "pizza",
		map[string]string{"pizza": "pizza.deleted"},
		map[string]string{"likes": "pizza.deleted", "events": "pizza.deleted"}},
	{"sessions", amqp.ExchangeFanout, "auth",
		map[string]string{"auth": "*"},
		map[string]string{"auth": "*", "pizza": "*", "likes": "*", "events": "*"}},
}

// builtIn are exchanges that every virtual host has; the first is the default one, which reaches every queue.
var builtIn = []string{"", "amq.direct", "amq.fanout", "amq.headers", "amq.match", "amq.topic"}

var (
	keysToSay  = []string{"user.deleted.1.0.0", "user.deleted.2.0.0", "user.deleted.10.2.3", "user.deleted", "user.erased.1.0.0", "user.erasedx.1.0.0", "pizza.deleted.1.0.0", "likes.user-deleted", "x.user.deleted.2.0.0", ""}
	keysToHear = []string{"user.deleted.2.#", "user.deleted.2.0.0", "user.erased.1.#", "pizza.deleted.1.#", "#", "*.deleted.#", "user.#", "likes.user-deleted", ""}
)

// covers says whether a right to a message covers a routing or binding key.
func covers(message, key string) bool {
	return message == "*" || message != "" && strings.HasPrefix(key, message+".")
}

func TestRightsAtTheBrokerAreTheContractsAndNoMore(t *testing.T) {
	vhost := twin(t)
	for _, user := range services {
		t.Run(user, func(t *testing.T) {
			as := open(t, vhost, user, user+"-development")
			for _, x := range shared {
				for _, key := range keysToSay {
					as.try(covers(x.says[user], key), "publish on "+x.exchange+" by "+key, publish(x.exchange, key))
				}
				for _, key := range keysToHear {
					as.try(covers(x.hears[user], key), "bind to "+x.exchange+" by "+key, bind(user+".test", x.exchange, key))
				}
				as.try(x.owner == user, "declare exchange "+x.exchange, declareExchange(x.exchange, x.kind))
				if x.owner != user {
					as.try(false, "delete exchange "+x.exchange, func(ch *amqp.Channel) error { return ch.ExchangeDelete(x.exchange, false, false) })
					as.try(false, "unbind "+x.owner+"'s queue", func(ch *amqp.Channel) error { return ch.QueueUnbind(x.owner+".test", "k", x.exchange, nil) })
				}
			}
			for _, exchange := range builtIn {
				for _, key := range keysToSay {
					as.try(false, "publish on built-in "+exchange+" by "+key, publish(exchange, key))
				}
				as.try(false, "bind to built-in "+exchange, bind(user+".test", exchange, "k"))
			}
			for _, owner := range services {
				as.tryAllOf(owner, owner == user)
			}
			for _, name := range []string{"stray", user, user + "x.queue", "x." + user + ".queue"} {
				as.try(false, "declare queue "+name, declare(name))
			}
		})
	}
}

// tryAllOf tries everything with what one service owns alone: its exchange for redelivery and its queues.
func (u user) tryAllOf(owner string, own bool) {
	redelivery := owner + ".redelivery"
	u.try(own, "publish on "+redelivery, publish(redelivery, "none"))
	u.try(own, "bind to "+redelivery, bind(u.name+".test", redelivery, "none"))
	u.try(own, "declare exchange "+redelivery, declareExchange(redelivery, amqp.ExchangeDirect))
	u.try(own, "declare a new queue of "+owner, declare(owner+".new"))
	u.try(own, "declare a replica's queue of "+owner, func(ch *amqp.Channel) error {
		name := owner + ".sessions.replica"
		if _, err := ch.QueueDeclare(name, false, true, true, false, nil); err != nil {
			return err
		}
		return ch.QueueBind(name, "", "sessions", false, nil)
	})
	queues := u.vhost.queuesOf(owner)
	require.GreaterOrEqual(u.t, len(queues), 3, "a queue, where it waits and where it ends")
	for _, queue := range append(queues, owner+".new") {
		for verb, do := range map[string]func(*amqp.Channel) error{
			"consume": func(ch *amqp.Channel) error {
				_, err := ch.Consume(queue, "", false, false, false, false, nil)
				return err
			},
			"get from": func(ch *amqp.Channel) error { _, _, err := ch.Get(queue, false); return err },
			"purge":    func(ch *amqp.Channel) error { _, err := ch.QueuePurge(queue, false); return err },
			"bind":     bind(queue, u.name+".redelivery", "none"),
		} {
			u.try(own, verb+" "+queue, do)
		}
		u.try(own, "delete "+queue, func(ch *amqp.Channel) error { _, err := ch.QueueDelete(queue, false, false, false); return err })
	}
	if own { // as it was, for those who come later
		u.vhost.restore(u.t)
	}
}

func TestServicesAdministerNothingAtTheBrokerAndGuestsStayOut(t *testing.T) {
	for _, name := range services {
		for _, path := range []string{"/api/whoami", "/api/queues", "/api/users", "/api/definitions"} {
			assert.Equal(t, http.StatusUnauthorized, rabbitAs(t, name, name+"-development", http.MethodGet, path, nil, nil), "%s asks for %s", name, path)
		}
	}
	_, err := dial("/", "guest", "guest")
	require.ErrorIs(t, err, amqp.ErrCredentials)
}

func TestADeadLetterStaysHoweverOftenItIsLookedAt(t *testing.T) {
	vhost := twin(t)
	const queue, looks = "likes.user-deleted.dead", 1100 // the backstop of other queues is 1000
	as := open(t, vhost, "likes", "likes-development")
	ch, err := as.conn.Channel()
	require.NoError(t, err)
	require.NoError(t, publish("likes.redelivery", queue)(ch))
	for range looks {
		d, found, err := ch.Get(queue, false)
		require.NoError(t, err)
		require.True(t, found)
		require.NoError(t, d.Nack(false, true))
	}
	_, found, err := ch.Get(queue, false)
	require.NoError(t, err)
	assert.True(t, found)
}
