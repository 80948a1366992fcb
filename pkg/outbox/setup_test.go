package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
)

const patience = 30 * time.Second

func TestMain(m *testing.M) {
	otel.SetTextMapPropagator(propagation.TraceContext{})
	if point := os.Getenv(deathVariable); point != "" {
		die(point) // this process is a child of a test
		return
	}
	goleak.VerifyTestMain(m)
}

func open(t *testing.T) *postgres.Database {
	t.Parallel()
	return servertest.Postgres(t, outbox.Schema())
}

// fake takes messages as a broker does, without delay.
type fake struct {
	mu     sync.Mutex
	taken  []message.Message
	tries  int   // messages, taken or not
	asked  int   // whether it is down
	down   error // nothing can be published
	refuse func(message.Message) error
	// closes names the exchange that does not exist: whoever publishes to it loses the channel, and all that is in the
	// same batch.
	closes string
}

func (b *fake) Ready(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	return b.down
}

func (b *fake) Publish(_ context.Context, messages []message.Message) []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	results := make([]error, len(messages))
	b.tries += len(messages)
	for _, m := range messages {
		if b.closes != "" && m.Exchange == b.closes {
			for i := range results {
				results[i] = errors.New("channel closed: no exchange " + m.Exchange)
			}
			return results
		}
	}
	for i, m := range messages {
		if results[i] = b.down; b.refuse != nil {
			results[i] = b.refuse(m)
		}
		if results[i] == nil {
			b.taken = append(b.taken, m)
		}
	}
	return results
}

func (b *fake) set(change func(*fake)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

func (b *fake) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.taken)
}

func newRelay(database *postgres.Database, to outbox.Publisher) *outbox.Relay {
	return outbox.NewRelay(database, to, slog.New(slog.DiscardHandler))
}

// start runs a part until the test ends or it is stopped.
func start(t *testing.T, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return stop
}

func note(key string) message.Message {
	return message.Message{ID: uuid.New(), Exchange: "notes", Key: key, ContentType: "application/json", Body: []byte(`{}`)}
}

func notes(count int) []message.Message {
	messages := make([]message.Message, count)
	for i := range messages {
		messages[i] = note("note.made.1.0.0")
	}
	return messages
}

func add(t *testing.T, database *postgres.Database, messages ...message.Message) {
	t.Helper()
	require.NoError(t, appendTo(t.Context(), database, messages...))
}

func appendTo(ctx context.Context, database *postgres.Database, messages ...message.Message) error {
	return database.DB().WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		return outbox.Append(tx, messages...)
	})
}

func rows(t *testing.T, database *postgres.Database, where ...string) (n int) {
	t.Helper()
	query := "SELECT count(*) FROM outbox"
	for _, condition := range where {
		query += " WHERE " + condition
	}
	require.NoError(t, database.DB().WithContext(t.Context()).Raw(query).Scan(&n).Error)
	return n
}

func execute(t *testing.T, database *postgres.Database, statement string, values ...any) {
	t.Helper()
	require.NoError(t, database.DB().WithContext(t.Context()).Exec(statement, values...).Error)
}

func emptied(t *testing.T, database *postgres.Database) {
	t.Helper()
	servertest.Eventually(t, patience, "outbox emptied", func() bool { return rows(t, database) == 0 })
}

// lines is a log that a test can read.
type lines struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}

func (l *lines) log() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// rabbit is a real broker with the exchange notes and a queue that takes all of it.
type rabbit struct {
	t       *testing.T
	server  *servertest.Broker
	channel *amqp.Channel
	config  broker.Config
}

func newRabbit(t *testing.T) *rabbit {
	server := servertest.RabbitMQ(t)
	r := &rabbit{t: t, server: server, channel: server.Channel(t), config: broker.Config{
		URL: server.URL, Username: server.Username, Password: setting.Secret(server.Password),
	}}
	require.NoError(t, r.channel.ExchangeDeclare("notes", amqp.ExchangeTopic, true, false, false, false, nil))
	_, err := r.channel.QueueDeclare("reader.notes", true, false, false, false, nil)
	require.NoError(t, err)
	r.bind()
	return r
}

func (r *rabbit) bind() {
	require.NoError(r.t, r.channel.QueueBind("reader.notes", "#", "notes", false, nil))
}

// publisher is connected when it is returned.
func (r *rabbit) publisher() *broker.Publisher {
	log := slog.New(slog.DiscardHandler)
	publisher := broker.NewPublisher(broker.FixedRoute(r.config, log), log, broker.Topology{Service: "writer"})
	start(r.t, publisher.Run)
	servertest.Eventually(r.t, patience, "publisher connected", func() bool { return publisher.Ready(r.t.Context()) == nil })
	return publisher
}

// arrived takes everything out of the queue.
func (r *rabbit) arrived() (deliveries []amqp.Delivery) {
	queue, err := r.channel.QueueDeclarePassive("reader.notes", true, false, false, false, nil)
	require.NoError(r.t, err)
	incoming, err := r.channel.Consume(queue.Name, "reader", true, false, false, false, nil)
	require.NoError(r.t, err)
	late := time.After(patience)
	for len(deliveries) < queue.Messages {
		select {
		case d := <-incoming:
			deliveries = append(deliveries, d)
		case <-late:
			require.FailNow(r.t, "the queue did not give what it has")
		}
	}
	require.NoError(r.t, r.channel.Cancel("reader", false))
	return deliveries
}

// copies counts what is in the queue by id.
func (r *rabbit) copies() map[string]int {
	copies := map[string]int{}
	for _, d := range r.arrived() {
		copies[d.MessageId]++
	}
	return copies
}
