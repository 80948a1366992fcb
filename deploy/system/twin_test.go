package system

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// user is a connection of one of the broker's users to a virtual host.
type user struct {
	t     *testing.T
	name  string
	vhost *virtualHost
	conn  *amqp.Connection
}

func open(t *testing.T, vhost *virtualHost, name, password string) user {
	t.Helper()
	conn, err := dial(vhost.name, name, password)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	u := user{t: t, name: name, vhost: vhost, conn: conn}
	u.try(true, "declare a queue of its own", declare(name+".test"))
	return u
}

// try does something on a channel of its own, which a refusal closes.
func (u user) try(allowed bool, what string, do func(*amqp.Channel) error) {
	u.t.Helper()
	ch, err := u.conn.Channel()
	require.NoError(u.t, err)
	defer func() { _ = ch.Close() }()
	err = do(ch)
	if allowed {
		assert.NoError(u.t, err, "%s has to: %s", u.name, what)
		return
	}
	refusal, ok := errors.AsType[*amqp.Error](err)
	assert.True(u.t, ok && refusal.Code == amqp.AccessRefused, "%s must not: %s; the broker says %v", u.name, what, err)
}

// publish sends an empty message. A refusal comes as the channel's end, after the publish.
func publish(exchange, key string) func(*amqp.Channel) error {
	return func(ch *amqp.Channel) error {
		if err := ch.Confirm(false); err != nil {
			return err
		}
		closed := ch.NotifyClose(make(chan *amqp.Error, 1))
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		confirm, err := ch.PublishWithDeferredConfirmWithContext(ctx, exchange, key, false, false, amqp.Publishing{})
		if err != nil {
			return err
		}
		if acked, err := confirm.WaitContext(ctx); err != nil || acked {
			return err
		}
		return <-closed
	}
}

func bind(queue, exchange, key string) func(*amqp.Channel) error {
	return func(ch *amqp.Channel) error { return ch.QueueBind(queue, key, exchange, false, nil) }
}

func declare(queue string) func(*amqp.Channel) error {
	return func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclare(queue, true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
		return err
	}
}

func declareExchange(name, kind string) func(*amqp.Channel) error {
	return func(ch *amqp.Channel) error { return ch.ExchangeDeclare(name, kind, true, false, false, false, nil) }
}

func dial(vhost, name, password string) (*amqp.Connection, error) {
	return amqp.DialConfig(setting["RABBITMQ_URL"], amqp.Config{SASL: []amqp.Authentication{&amqp.PlainAuth{Username: name, Password: password}}, Vhost: vhost})
}

// virtualHost is a twin of the one that the system uses: the same users with the same rights, the same policies,
// exchanges and queues, and no service, so that what is tried there disturbs nobody.
type virtualHost struct {
	name        string
	definitions map[string]any
}

func twin(t *testing.T) *virtualHost {
	t.Helper()
	v := &virtualHost{name: "twin-" + newName()}
	rabbit(t, http.MethodGet, "/api/definitions/%2F", nil, &v.definitions)
	rabbit(t, http.MethodPut, "/api/vhosts/"+v.name, struct{}{}, nil)
	t.Cleanup(func() { rabbit(t, http.MethodDelete, "/api/vhosts/"+v.name, nil, nil) })
	v.restore(t)
	for _, kind := range []string{"permissions", "topic-permissions"} {
		var rights []map[string]any
		rabbit(t, http.MethodGet, "/api/vhosts/%2F/"+kind, nil, &rights)
		require.Greater(t, len(rights), len(services))
		for _, right := range rights {
			rabbit(t, http.MethodPut, fmt.Sprintf("/api/%s/%s/%s", kind, v.name, right["user"]), right, nil)
		}
	}
	return v
}

// restore declares again what is in the system's own.
func (v *virtualHost) restore(t *testing.T) {
	rabbit(t, http.MethodPost, "/api/definitions/"+v.name, v.definitions, nil)
}

func (v *virtualHost) queuesOf(service string) []string {
	var names []string
	for _, q := range v.definitions["queues"].([]any) {
		if name, _ := q.(map[string]any)["name"].(string); strings.HasPrefix(name, service+".") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
