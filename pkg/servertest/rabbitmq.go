package servertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Broker is a RabbitMQ virtual host of the test's own, with nothing declared in it.
type Broker struct {
	URL           string // amqp://127.0.0.1:5672/<vhost>, without credentials
	Username      string // an administrator's
	Password      string
	Vhost         string
	ManagementURL string // without a path or credentials
}

// RabbitMQ returns a virtual host, deleted with everything in it when the test ends.
func RabbitMQ(t testing.TB) *Broker {
	t.Helper()
	address, err := url.Parse(setting(t, "TEST_RABBITMQ_URL"))
	if err != nil || address.User == nil {
		t.Fatal("TEST_RABBITMQ_URL is not a URL with credentials")
	}
	password, _ := address.User.Password()
	b := &Broker{
		Username:      address.User.Username(),
		Password:      password,
		Vhost:         "servertest-" + unique(),
		ManagementURL: setting(t, "TEST_RABBITMQ_MANAGEMENT_URL"),
	}
	address.User, address.Path = nil, "/"+b.Vhost
	b.URL = address.String()

	b.manage(t.Context(), t, http.MethodPut, "/api/vhosts/"+b.Vhost, nil, nil)
	t.Cleanup(func() {
		ctx, cancel := cleanupContext()
		defer cancel()
		b.manage(ctx, t, http.MethodDelete, "/api/vhosts/"+b.Vhost, nil, nil)
	})
	b.permit(t, b.Username, ".*", ".*", ".*")
	return b
}

// User creates a user with these rights in the virtual host (regular expressions,
// as in rabbitmqctl set_permissions), deleted when the test ends.
func (b *Broker) User(t testing.TB, configure, write, read string) (username, password string) {
	t.Helper()
	username, password = "servertest-"+unique(), unique()
	b.manage(t.Context(), t, http.MethodPut, "/api/users/"+username, map[string]string{"password": password, "tags": ""}, nil)
	t.Cleanup(func() {
		ctx, cancel := cleanupContext()
		defer cancel()
		b.manage(ctx, t, http.MethodDelete, "/api/users/"+username, nil, nil)
	})
	b.permit(t, username, configure, write, read)
	return username, password
}

func (b *Broker) permit(t testing.TB, username, configure, write, read string) {
	t.Helper()
	b.manage(t.Context(), t, http.MethodPut, "/api/permissions/"+b.Vhost+"/"+username,
		map[string]string{"configure": configure, "write": write, "read": read}, nil)
}

// Channel opens a connection and a channel as the administrator, both closed when
// the test ends.
func (b *Broker) Channel(t testing.TB) *amqp.Channel {
	t.Helper()
	connection, channel := b.dial(t)
	t.Cleanup(func() { _ = connection.Close() })
	return channel
}

// Depth returns how many messages are ready in a queue, and false if there is no
// such queue.
func (b *Broker) Depth(t testing.TB, queue string) (messages int, exists bool) {
	t.Helper()
	connection, channel := b.dial(t)
	defer connection.Close()
	found, err := channel.QueueDeclarePassive(queue, true, false, false, false, nil)
	return found.Messages, err == nil
}

func (b *Broker) dial(t testing.TB) (*amqp.Connection, *amqp.Channel) {
	t.Helper()
	connection, err := amqp.DialConfig(b.URL, amqp.Config{
		SASL:      []amqp.Authentication{&amqp.PlainAuth{Username: b.Username, Password: b.Password}},
		Vhost:     b.Vhost,
		Heartbeat: 10 * time.Second,
	})
	if err != nil {
		t.Fatalf("connect to the test vhost: %v", err)
	}
	channel, err := connection.Channel()
	if err != nil {
		_ = connection.Close()
		t.Fatalf("open a channel: %v", err)
	}
	return connection, channel
}

// CloseConnections cuts every connection to the virtual host, as an operator
// would, and returns how many there were. The management API learns of a new
// connection only after some seconds: poll until the number is right.
func (b *Broker) CloseConnections(t testing.TB) int {
	t.Helper()
	var connections []struct {
		Name string `json:"name"`
	}
	b.manage(t.Context(), t, http.MethodGet, "/api/vhosts/"+b.Vhost+"/connections", nil, &connections)
	for _, c := range connections {
		b.manage(t.Context(), t, http.MethodDelete, "/api/connections/"+url.PathEscape(c.Name), nil, nil)
	}
	return len(connections)
}

// Manage calls the management API as the administrator; in and out are JSON and
// may be nil. It fails the test unless the answer is a 2xx or, to a DELETE, a 404.
func (b *Broker) Manage(t testing.TB, method, path string, in, out any) {
	t.Helper()
	b.manage(t.Context(), t, method, path, in, out)
}

func (b *Broker) manage(ctx context.Context, t testing.TB, method, path string, in, out any) {
	t.Helper()
	if err := b.call(ctx, method, path, in, out); err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		if method != http.MethodDelete {
			t.FailNow()
		}
	}
}

func (b *Broker) call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	if in == nil {
		body = []byte("{}")
	}
	request, err := http.NewRequestWithContext(ctx, method, b.ManagementURL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.SetBasicAuth(b.Username, b.Password)
	request.Header.Set("Content-Type", "application/json")
	request.Close = true // no idle connection that a leak check would find
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	gone := method == http.MethodDelete && response.StatusCode == http.StatusNotFound
	if response.StatusCode/100 != 2 && !gone {
		return fmt.Errorf("%s: %s", response.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}
