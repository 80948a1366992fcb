package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
)

// A test that kills a process starts its own binary again. The child works on the test's servers and kills itself, as
// the kernel would, where it is told to.
const (
	deathVariable = "OUTBOX_TEST_DIES" // where: one of these two
	beforePublish = "before publish"
	beforeSettle  = "before settle"

	batchVariable    = "OUTBOX_TEST_BATCH"  // in which of the batches, from 1
	appendVariable   = "OUTBOX_TEST_APPEND" // how many messages it appends itself
	databaseVariable = "OUTBOX_TEST_DATABASE"
	brokerVariable   = "OUTBOX_TEST_BROKER"
	usernameVariable = "OUTBOX_TEST_USERNAME"
	passwordVariable = "OUTBOX_TEST_PASSWORD"
)

const shortLease = 6 * time.Second

// deadly kills the process around a batch.
type deadly struct {
	outbox.Publisher
	point string
	batch int // counts down
}

func (d *deadly) Publish(ctx context.Context, messages []message.Message) []error {
	d.batch--
	if d.batch == 0 && d.point == beforePublish {
		kill()
	}
	results := d.Publisher.Publish(ctx, messages)
	if d.batch == 0 && errors.Join(results...) == nil {
		kill()
	}
	return results
}

func kill() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// die is what the child does.
func die(point string) {
	ctx := context.Background()
	database, err := postgres.Open(postgres.Config{URL: setting.Secret(os.Getenv(databaseVariable)), MaxConns: 2}, outbox.Schema())
	if err == nil {
		err = database.Migrate(ctx)
	}
	batch, _ := strconv.Atoi(os.Getenv(batchVariable))
	count, _ := strconv.Atoi(os.Getenv(appendVariable))
	if err == nil {
		err = appendTo(ctx, database, notes(count)...)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	publisher := broker.NewPublisher(broker.FixedRoute(broker.Config{
		URL: os.Getenv(brokerVariable), Username: os.Getenv(usernameVariable), Password: setting.Secret(os.Getenv(passwordVariable)),
	}, slog.Default()), slog.Default(), broker.Topology{Service: "writer"})
	go func() { _ = publisher.Run(ctx) }()
	_ = newRelay(database, &deadly{Publisher: publisher, point: point, batch: batch}).LeaseFor(shortLease).Run(ctx)
}

// child starts the child; the function waits until it is dead.
func (r *rabbit) child(database *postgres.Database, point string, batch, appends int) (dead func()) {
	r.t.Helper()
	binary, err := os.Executable()
	require.NoError(r.t, err)
	var output lines
	command := exec.CommandContext(r.t.Context(), binary)
	command.Stdout, command.Stderr = &output, &output
	command.Env = append(os.Environ(),
		deathVariable+"="+point, batchVariable+"="+strconv.Itoa(batch), appendVariable+"="+strconv.Itoa(appends),
		databaseVariable+"="+database.URL(), brokerVariable+"="+r.config.URL,
		usernameVariable+"="+r.config.Username, passwordVariable+"="+r.config.Password.Reveal())
	require.NoError(r.t, command.Start())
	return func() {
		r.t.Helper()
		var exit *exec.ExitError
		require.ErrorAs(r.t, command.Wait(), &exit, output.String())
		require.Equal(r.t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal(), output.String())
	}
}

func TestWhatWasCommittedIsSentAlthoughTheProcessWasKilledBeforeItPublished(t *testing.T) {
	database := open(t)
	rabbit := newRabbit(t)
	rabbit.child(database, beforePublish, 1, 50)()
	require.Equal(t, 50, rows(t, database, "state = 'claimed'"))
	require.Empty(t, rabbit.copies())

	start(t, newRelay(database, rabbit.publisher()).LeaseFor(shortLease).Run)
	emptied(t, database)

	copies := rabbit.copies()
	assert.Len(t, copies, 50)
	for id, n := range copies {
		assert.Equal(t, 1, n, id)
	}
}

func TestWhatWasConfirmedIsSentAgainWithTheSameIDWhenTheProcessWasKilledBeforeItSettled(t *testing.T) {
	database := open(t)
	rabbit := newRabbit(t)
	rabbit.child(database, beforeSettle, 1, 50)()
	require.Equal(t, 50, rows(t, database, "state = 'claimed'"))
	first := rabbit.copies()
	require.Len(t, first, 50)

	start(t, newRelay(database, rabbit.publisher()).LeaseFor(shortLease).Run)
	emptied(t, database)

	assert.Equal(t, first, rabbit.copies())
}

func TestOneOfTwoRelaysIsKilledAndNothingIsLost(t *testing.T) {
	database := open(t)
	rabbit := newRabbit(t)
	messages := notes(5000)
	add(t, database, messages...)
	dead := rabbit.child(database, beforeSettle, 2, 0)
	servertest.Eventually(t, patience, "the first is at work", func() bool { return rows(t, database, "state = 'claimed'") > 0 })
	start(t, newRelay(database, rabbit.publisher()).LeaseFor(shortLease).Run)
	dead()
	emptied(t, database)

	once, twice := 0, 0
	copies := rabbit.copies()
	for _, m := range messages {
		switch copies[m.ID.String()] {
		case 1:
			once++
		case 2:
			twice++
		}
	}
	assert.Equal(t, 200, twice, "the batch that was not settled, and no other")
	assert.Equal(t, len(messages), once+twice)
}
