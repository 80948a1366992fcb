package system

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/deploy/local/cluster"
)

// brokerAt is a RabbitMQ: where services find it, and its management API.
type brokerAt struct{ url, management string }

// theBroker is the one that the system starts with.
func theBroker() brokerAt {
	return brokerAt{setting["RABBITMQ_URL"], setting["RABBITMQ_MANAGEMENT_URL"]}
}

// secondBroker is a node of its own with the same users and rights. It starts with the first test that asks for it, and
// ends with the last test.
var secondBroker = cluster.Options{Dir: ".local/second", BrokerOnly: true, FreePorts: true, Fast: true, Fresh: true}

var startSecondBroker = sync.OnceValues(func() (b brokerAt, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()
	second, err := cluster.Open(secondBroker)
	if err != nil {
		return b, err
	}
	if err := second.Up(ctx); err != nil {
		return b, err
	}
	at := func(port string) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(second.Ports()[port])) }
	return brokerAt{"amqp://" + at(cluster.RabbitMQPort), "http://" + at(cluster.ManagementPort)}, nil
})

// stopSecondBroker ends it, if any test has started it.
func stopSecondBroker(ctx context.Context) error {
	second, err := cluster.Open(secondBroker)
	if err != nil {
		return err
	}
	_, err = second.Down(ctx)
	return err
}

func anotherBroker(t *testing.T) brokerAt {
	t.Helper()
	b, err := startSecondBroker()
	require.NoError(t, err)
	return b
}

// holding are the queues that hold any messages, and how many queues for dead letters there are.
func (b brokerAt) holding(ctx context.Context, t *testing.T) (found map[string]int, dead int) {
	t.Helper()
	var queues []struct {
		Name     string
		Messages int
	}
	require.Equal(t, http.StatusOK, b.ask(ctx, t, http.MethodGet, "/api/queues?disable_stats=true&enable_queue_totals=true", nil, &queues))
	found = map[string]int{}
	for _, q := range queues {
		if q.Messages > 0 {
			found[q.Name] = q.Messages
		}
		if strings.HasSuffix(q.Name, ".dead") {
			dead++
		}
	}
	return found, dead
}

// emptied waits until no queue there holds a message.
func (b brokerAt) emptied(ctx context.Context, t *testing.T) {
	t.Helper()
	var found map[string]int
	assert.True(t, within(t, 4*patience, func() bool { // the last step of retries takes a minute
		found, _ = b.holding(ctx, t)
		return len(found) == 0
	}), "nothing is left at %s: %v", b.url, found)
}

// left waits until no service is connected there any more.
func (b brokerAt) left(ctx context.Context, t *testing.T) {
	t.Helper()
	var connections []struct{ User string }
	assert.True(t, within(t, 4*patience, func() bool {
		require.Equal(t, http.StatusOK, b.ask(ctx, t, http.MethodGet, "/api/connections", nil, &connections))
		return len(connections) == 0
	}), "nobody is left at %s: %v", b.url, connections)
}

// ask asks the management API as the administrator; in and out are JSON, or nil.
func (b brokerAt) ask(ctx context.Context, t *testing.T, method, path string, in, out any) int {
	t.Helper()
	return askRabbit(ctx, t, b.management+path, method, setting["RABBITMQ_USERNAME"], setting["RABBITMQ_PASSWORD"], in, out)
}

func askRabbit(ctx context.Context, t *testing.T, url, method, name, password string, in, out any) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	body, err := json.Marshal(in)
	require.NoError(t, err)
	if in == nil {
		body = nil
	}
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	require.NoError(t, err)
	request.SetBasicAuth(name, password)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { assert.NoError(t, response.Body.Close()) }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	if out != nil && response.StatusCode/100 == 2 {
		require.NoError(t, json.Unmarshal(answer, out), "%s", answer)
	}
	return response.StatusCode
}
