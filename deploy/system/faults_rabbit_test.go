package system

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// letter is a message as RabbitMQ's management API shows and takes it.
type letter struct {
	Properties      properties `json:"properties"`
	RoutingKey      string     `json:"routing_key"`
	Payload         string     `json:"payload"`
	PayloadEncoding string     `json:"payload_encoding"`
}

type properties struct {
	Type         string         `json:"type"`
	MessageID    string         `json:"message_id"`
	ContentType  string         `json:"content_type"`
	DeliveryMode int            `json:"delivery_mode"`
	Headers      map[string]any `json:"headers,omitempty"`
}

// reason is why it is a dead letter.
func (l letter) reason() string {
	reason, _ := l.Properties.Headers["x-reason"].(string)
	return reason
}

// say publishes a message as the administrator, who may everywhere. Some queue takes it.
func say(t *testing.T, exchange string, l letter) {
	t.Helper()
	if l.PayloadEncoding == "" {
		l.PayloadEncoding = "string"
	}
	l.Properties.DeliveryMode = 2
	var answer struct{ Routed bool }
	rabbit(t, http.MethodPost, "/api/exchanges/%2F/"+exchange+"/publish", l, &answer)
	require.True(t, answer.Routed, "%s on %s", l.RoutingKey, exchange)
}

// take removes up to n messages from a queue, if there is one, and returns them.
func take(t *testing.T, queue string, n int) (letters []letter) {
	t.Helper()
	ask := map[string]any{"count": n, "ackmode": "ack_requeue_false", "encoding": "auto"}
	rabbitAs(t, setting["RABBITMQ_USERNAME"], setting["RABBITMQ_PASSWORD"], http.MethodPost, "/api/queues/%2F/"+queue+"/get", ask, &letters)
	return letters
}

// buried waits for n dead letters of a queue and takes them away. It does not look at how many there are, which RabbitMQ
// says only every few seconds.
func (f *fault) buried(queue string, n int) (letters []letter) {
	f.Helper()
	there := within(f.T, patience, func() bool {
		letters = append(letters, take(f.T, queue+".dead", n+100)...)
		return len(letters) >= n
	})
	assert.True(f, there && len(letters) == n, "%d dead letters in %s.dead, not %d", len(letters), queue, n)
	return letters
}

// unburied takes away the dead letters of queues when the test is over, should it not have done so itself.
func (f *fault) unburied(queues ...string) {
	f.Cleanup(func() {
		for _, queue := range queues {
			take(f.T, queue+".dead", 1000)
		}
	})
}

// bound says whether a holder's queue is there and gets what it is to forget.
func bound(t *testing.T, holder string) bool {
	t.Helper()
	var bindings []struct{}
	path := "/api/bindings/%2F/e/users/q/" + holder + ".user-deleted"
	status := rabbitAs(t, setting["RABBITMQ_USERNAME"], setting["RABBITMQ_PASSWORD"], http.MethodGet, path, nil, &bindings)
	return status == http.StatusOK && len(bindings) > 0
}

// overhear copies what is published with the key on users into a queue of the test's own, and returns its name.
func overhear(t *testing.T, key string) string {
	t.Helper()
	name := "system." + strings.ToLower(t.Name())
	rabbit(t, http.MethodPut, "/api/queues/%2F/"+name, map[string]any{"durable": true}, nil)
	t.Cleanup(func() { rabbit(t, http.MethodDelete, "/api/queues/%2F/"+name, nil, nil) })
	rabbit(t, http.MethodPost, "/api/bindings/%2F/e/users/q/"+name, map[string]any{"routing_key": key}, nil)
	return name
}
