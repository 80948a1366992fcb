package topology_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
	"github.com/tizza/tizza/pkg/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ignore(context.Context, broker.Delivery) error { return nil }

// letters is a service with one of everything: an exchange of its own, a queue, and somebody else's broadcast.
var letters = broker.Topology{
	Service:       "letters",
	Exchanges:     []broker.Exchange{{Name: "post", Kind: amqp.ExchangeTopic}},
	Subscriptions: []broker.Subscription{{Queue: "letters.sent", Exchange: "post", Reads: []string{"post.sent.1"}, Handle: ignore}},
	Broadcasts:    []broker.Broadcast{{Exchange: "news", Handle: ignore}},
}

// world is a broker at which letters runs, until stop.
type world struct {
	*amqp.Channel

	server *servertest.Broker
	stop   func()
}

func start(t *testing.T) *world {
	t.Helper()
	server := servertest.RabbitMQ(t)
	w := &world{Channel: server.Channel(t), server: server}
	require.NoError(t, w.ExchangeDeclare("news", amqp.ExchangeFanout, true, false, false, false, nil))
	config := broker.Config{URL: server.URL, Username: server.Username, Password: setting.Secret(server.Password)}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	route := broker.FixedRoute(config, log)
	publisher := broker.NewPublisher(route, log, letters)
	consumer, listener := broker.NewConsumer(route, log, letters, publisher), broker.NewListener(route, log, letters)
	ctx, cancel := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	for _, run := range []func(context.Context) error{publisher.Run, consumer.Run, listener.Run} {
		parts.Go(func() { assert.NoError(t, run(ctx)) })
	}
	w.stop = func() {
		cancel()
		parts.Wait()
	}
	t.Cleanup(w.stop)
	servertest.Eventually(t, time.Minute, "letters is connected", func() bool {
		return publisher.Ready(ctx) == nil && consumer.Ready(ctx) == nil && listener.Ready(ctx) == nil
	})
	return w
}

func (w *world) management() topology.Management {
	return topology.Management{URL: w.server.ManagementURL, Username: w.server.Username, Password: setting.Secret(w.server.Password)}
}

// look returns what is found, without what to do.
func (w *world) look(t *testing.T) (found []string, problems int) {
	t.Helper()
	seen, err := w.management().Look(t.Context(), w.server.URL)
	require.NoError(t, err)
	findings := topology.Check(letters, seen)
	for _, f := range findings {
		assert.NotEmpty(t, f.Do)
		found = append(found, f.Object+" "+f.What)
	}
	return found, topology.Problems(findings)
}

func TestEachDifferenceIsFoundAndNothingElse(t *testing.T) {
	t.Parallel()
	quorum := amqp.Table{"x-queue-type": "quorum", "x-overflow": "drop-head"}
	cases := []struct {
		name    string
		disturb func(*world) error
		found   []string
		fine    bool
	}{
		{name: "nothing", disturb: func(*world) error { return nil }, fine: true},
		{name: "an exchange is gone", disturb: func(w *world) error { return w.ExchangeDelete("post", false, false) },
			found: []string{"exchange post is missing", "queue letters.sent is not bound to post by post.sent.1.#"}},
		{name: "an exchange of somebody else is gone", disturb: func(w *world) error { return w.ExchangeDelete("news", false, false) },
			found: []string{"exchange news is missing", "exchange news is heard by no replica of letters"}},
		{name: "an exchange is of another type", disturb: func(w *world) error {
			if err := w.ExchangeDelete("post", false, false); err != nil {
				return err
			}
			return w.ExchangeDeclare("post", amqp.ExchangeFanout, false, false, false, false, nil)
		}, found: []string{"exchange post is transient and fanout, not durable and topic", "queue letters.sent is not bound to post by post.sent.1.#"}},
		{name: "a queue is gone", disturb: remake("letters.sent.retry", nil), found: []string{"queue letters.sent.retry is missing"}},
		{name: "a queue is classic", disturb: remake("letters.sent.dead", amqp.Table{}), found: []string{
			"queue letters.sent.dead was made differently: it is a classic queue, not a quorum one; x-overflow is not set, and should be reject-publish",
			"queue letters.sent.dead is not bound to letters.redelivery by letters.sent.dead",
		}},
		{name: "a queue has other arguments", disturb: remake("letters.sent.dead", amqp.Table{"x-queue-type": "quorum", "x-overflow": "drop-head", "x-max-length": 5}), found: []string{
			"queue letters.sent.dead was made differently: x-max-length is 5, and should not be set; x-overflow is drop-head, and should be reject-publish",
			"queue letters.sent.dead is not bound to letters.redelivery by letters.sent.dead",
		}},
		{name: "a binding is gone", disturb: func(w *world) error { return w.QueueUnbind("letters.sent", "post.sent.1.#", "post", nil) },
			found: []string{"queue letters.sent is not bound to post by post.sent.1.#"}},
		{name: "a binding is nobody's", disturb: func(w *world) error { return w.QueueBind("letters.sent", "#", "post", false, nil) },
			found: []string{"queue letters.sent gets messages from post by #, which nobody declared"}},
		{name: "an exchange is bound behind another", disturb: func(w *world) error { return w.ExchangeBind("post", "k", "letters.redelivery", false, nil) },
			found: []string{"exchange post gets messages from letters.redelivery by k, which nobody declared"}},
		{name: "a stranger listens to what is moved", disturb: func(w *world) error {
			if _, err := w.QueueDeclare("spy", false, true, true, false, nil); err != nil {
				return err
			}
			return w.QueueBind("spy", "letters.sent.dead", "letters.redelivery", false, nil)
		}, found: []string{"queue spy gets messages from letters.redelivery by letters.sent.dead, which nobody declared"}},
		{name: "letters does not run", disturb: func(w *world) error { w.stop(); return nil },
			found: []string{"queue letters.sent is consumed by nobody (0 messages)", "exchange news is heard by no replica of letters"}},
		{name: "somebody consumes what waits", disturb: func(w *world) error {
			_, err := w.Consume("letters.sent.retry", "", false, false, false, false, nil)
			return err
		}, found: []string{"queue letters.sent.retry is consumed, which is for nobody to do"}},
		{name: "a queue was left behind", disturb: func(w *world) error {
			_, err := w.QueueDeclare("letters.read", true, false, false, false, quorum)
			return err
		}, found: []string{"queue letters.read is not declared by letters (0 messages)"}},
		{name: "an exchange was left behind", disturb: func(w *world) error {
			return w.ExchangeDeclare("letters.old", amqp.ExchangeFanout, true, false, false, false, amqp.Table{"alternate-exchange": "post"})
		}, found: []string{"exchange letters.old is not declared by letters"}},
		{name: "a message is dead", disturb: func(w *world) error {
			if _, err := w.QueuePurge("letters.sent.dead", false); err != nil {
				return err
			}
			return w.PublishWithContext(context.Background(), "letters.redelivery", "letters.sent.dead", true, false, amqp.Publishing{DeliveryMode: amqp.Persistent})
		}, found: []string{"queue letters.sent.dead holds 1 message"}, fine: true},
	}
	// All of them at once: RabbitMQ's management hears of a consumer only after some seconds.
	worlds := make([]*world, len(cases))
	for i := range cases {
		worlds[i] = start(t)
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) { worlds[i].expect(t, c.disturb, c.found, c.fine) })
	}
}

// expect disturbs until what is found is this. More than once: letters mends what it can in between, each half minute.
func (w *world) expect(t *testing.T, disturb func(*world) error, expected []string, fine bool) {
	var found []string
	var problems int
	defer func() {
		if t.Failed() {
			t.Logf("found %q", found)
		}
	}()
	var disturbed time.Time
	servertest.Eventually(t, 20*time.Second, "the difference is found", func() bool {
		if time.Since(disturbed) > 5*time.Second {
			require.NoError(t, disturb(w))
			disturbed = time.Now()
		}
		found, problems = w.look(t)
		return slices.Equal(expected, found)
	})
	assert.Equal(t, fine, problems == 0)
}

// remake deletes a queue and declares it with other arguments, unless they are nil.
func remake(queue string, arguments amqp.Table) func(*world) error {
	return func(w *world) error {
		_, err := w.QueueDelete(queue, false, false, false)
		if err == nil && arguments != nil {
			_, err = w.QueueDeclare(queue, true, false, false, false, arguments)
		}
		return err
	}
}

func TestTheListSaysWhatIsDeclared(t *testing.T) {
	t.Parallel()
	var names []string
	for _, i := range topology.List(letters) {
		names = append(names, i.Kind+" "+i.Name+" "+i.Type+" "+i.From())
	}
	assert.Subset(t, names, []string{
		"exchange post topic ", "exchange letters.redelivery direct ",
		"queue letters.sent quorum letters.redelivery by letters.sent, post by post.sent.1.#",
		"queue letters.sent.dead quorum letters.redelivery by letters.sent.dead",
		"broadcast letters.news.* classic news",
	})
}

func TestOnlyWhoMonitorsMayLook(t *testing.T) {
	t.Parallel()
	server := servertest.RabbitMQ(t)
	for tags, refused := range map[string]bool{"": true, "management": true, "monitoring": false, "administrator": false} {
		t.Run("a user with the tag "+tags, func(t *testing.T) {
			name, password := server.User(t, "^$", "^$", "^$")
			server.Manage(t, http.MethodPut, "/api/users/"+name, map[string]string{"password": password, "tags": tags}, nil)
			_, err := topology.Management{URL: server.ManagementURL, Username: name, Password: setting.Secret(password)}.Look(t.Context(), server.URL)
			if !refused {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "tag monitoring")
			assert.ErrorContains(t, err, name)
			assert.NotContains(t, err.Error(), password)
		})
	}
	t.Run("nobody whose password is wrong", func(t *testing.T) {
		_, err := topology.Management{URL: server.ManagementURL, Username: server.Username, Password: "hunter2"}.Look(t.Context(), server.URL)
		require.ErrorContains(t, err, "RABBITMQ_PASSWORD")
		assert.NotContains(t, err.Error(), "hunter2")
	})
}

func TestThePasswordGoesNowhereElse(t *testing.T) {
	t.Parallel()
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer other.Close()
	first := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer first.Close()
	_, err := topology.Management{URL: first.URL, Username: "u", Password: "p"}.Look(t.Context(), "amqp://host")
	require.ErrorContains(t, err, "302")
	assert.False(t, asked)
}

func TestAManagementThatIsNoneIsAnError(t *testing.T) {
	t.Parallel()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }))
	defer page.Close()
	for url, said := range map[string]string{page.URL: "understand", "http://127.0.0.1:1": "ask RabbitMQ's management"} {
		_, err := topology.Management{URL: url}.Look(t.Context(), "amqp://host")
		assert.ErrorContains(t, err, said)
	}
}
