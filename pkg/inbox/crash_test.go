package inbox_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/inbox"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
)

// What the child is told by its environment: where to die, and where the servers are.
const (
	childDies     = "INBOX_TEST_DIES"
	childDatabase = "INBOX_TEST_DATABASE"
	childBroker   = "INBOX_TEST_BROKER"
	childUser     = "INBOX_TEST_USER"
	childPassword = "INBOX_TEST_PASSWORD"
)

var read = postgres.Schema{Name: "read", Files: fstest.MapFS{"00001_read.sql": {Data: []byte(
	"-- +goose Up\nCREATE TABLE papers_read (message_id uuid NOT NULL);\n")}}}

// reader consumes papers with an effect and an inbox, and calls at when it comes by "before commit" and "before ack".
func reader(config broker.Config, database *postgres.Database, at func(place string)) (*broker.Publisher, *broker.Consumer) {
	topology := broker.Topology{
		Service: "reader", Exchanges: []broker.Exchange{{Name: "news", Kind: "topic"}},
		Subscriptions: []broker.Subscription{{
			Queue: queue, Exchange: "news", Reads: []string{"paper.out.1"},
			Together: func(ctx context.Context, deliveries []broker.Delivery) error {
				err := inbox.Once(ctx, database, queue, deliveries, func(tx *gorm.DB, first []broker.Delivery) error {
					for _, d := range first {
						if err := tx.Exec("INSERT INTO papers_read (message_id) VALUES (?)", d.ID).Error; err != nil {
							return err
						}
					}
					at("before commit")
					return nil
				})
				at("before ack")
				return err
			},
		}},
	}
	log := slog.New(slog.DiscardHandler)
	route := broker.FixedRoute(config, log)
	publisher := broker.NewPublisher(route, log, topology)
	return publisher, broker.NewConsumer(route, log, topology, publisher)
}

func TestAConsumerThatIsKilledLeavesOneEffect(t *testing.T) {
	for place, effects := range map[string]int{"before commit": 0, "before ack": 1} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			database, server := servertest.Postgres(t, inbox.Schema(), read), servertest.RabbitMQ(t)
			config := broker.Config{URL: server.URL, Username: server.Username, Password: setting.Secret(server.Password)}
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChildIsKilledWhileItHandles$")
			child.Env = append(os.Environ(), childDies+"="+place, childDatabase+"="+database.URL(),
				childBroker+"="+server.URL, childUser+"="+server.Username, childPassword+"="+server.Password)

			out, err := child.CombinedOutput()

			killed, ok := err.(*exec.ExitError)                                                                      //nolint:errorlint // what exec returns, unwrapped
			require.True(t, ok && killed.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL, "%v\n%s", err, out) //nolint:forcetypeassert // on Unix
			count := func() (n int) {
				require.NoError(t, database.DB().Raw("SELECT count(*) FROM papers_read").Scan(&n).Error)
				return n
			}
			assert.Equal(t, effects, count(), "what the killed one left")
			publisher, consumer := reader(config, database, func(string) {})
			run(t, publisher.Run)
			run(t, consumer.Run)
			servertest.Eventually(t, time.Minute, "handled again and acknowledged", func() bool {
				var waiting struct{ Messages int }
				server.Manage(t, "GET", "/api/queues/"+server.Vhost+"/"+queue, nil, &waiting)
				return count() == 1 && consumer.Ready(t.Context()) == nil && waiting.Messages == 0
			})
			assert.Equal(t, 1, count())
		})
	}
}

// run runs a part until the test ends.
func run(t *testing.T, part func(context.Context) error) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-done)
	})
}

// TestChildIsKilledWhileItHandles is the other process of the test above, and nothing by itself.
func TestChildIsKilledWhileItHandles(t *testing.T) {
	dies := os.Getenv(childDies)
	if dies == "" {
		return // only as a child
	}
	database, err := postgres.Open(postgres.Config{URL: setting.Secret(os.Getenv(childDatabase)), MaxConns: 4}, inbox.Schema(), read)
	require.NoError(t, err)
	config := broker.Config{URL: os.Getenv(childBroker), Username: os.Getenv(childUser), Password: setting.Secret(os.Getenv(childPassword))}
	publisher, consumer := reader(config, database, func(place string) {
		if place == dies {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	})
	run(t, publisher.Run)
	run(t, consumer.Run)
	servertest.Eventually(t, time.Minute, "the paper is taken", func() bool {
		return publisher.Publish(t.Context(), []message.Message{{ID: uuid.New(), Exchange: "news", Key: "paper.out.1.0.0"}})[0] == nil
	})
	<-t.Context().Done()
}
