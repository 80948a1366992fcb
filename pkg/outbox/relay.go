package outbox

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
)

const (
	batchSize  = 200
	leaseTime  = 30 * time.Second // two thirds to publish in, more than one batch's confirms may take; one to settle in
	pollEvery  = time.Second
	listenWait = 5 * time.Second // between attempts to listen
)

// Publisher brings messages to the broker.
type Publisher interface {
	// Publish returns one error per message; nil means confirmed and routed.
	Publish(context.Context, []message.Message) []error
	// Ready returns an error while publishing cannot work at all.
	Ready(context.Context) error
}

// Relay brings rows from the outbox to the broker. Several may run on one table. It is a prometheus.Collector.
type Relay struct {
	database  *postgres.Database
	publisher Publisher
	log       *slog.Logger
	lease     time.Duration
	poll      time.Duration
	wake      chan struct{}
	down      bool // it was, at the last report
	sent      prometheus.Counter
	failures  prometheus.Counter
}

// NewRelay makes a relay from the database's outbox to the publisher.
func NewRelay(database *postgres.Database, publisher Publisher, log *slog.Logger) *Relay {
	return &Relay{
		database: database, publisher: publisher, log: log,
		lease: leaseTime, poll: pollEvery, wake: make(chan struct{}, 1),
		sent: newSent(), failures: newFailures(),
	}
}

// Run relays until ctx ends, then finishes the batch at hand.
func (r *Relay) Run(ctx context.Context) error {
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		r.listen(ctx)
	}()
	defer func() { <-listening }()
	poll := time.NewTicker(r.poll)
	defer poll.Stop()
	for {
		claimed, sent, err := r.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		r.report(sent, err)
		if claimed == batchSize && err == nil {
			continue // there may be more; what failed has been moved ahead
		}
		wake := r.wake
		if err != nil {
			wake = nil // something is down: new rows do not make it come back, the next poll sees
		}
		select {
		case <-ctx.Done():
			return nil
		case <-poll.C:
		case <-wake:
		}
	}
}

// look sends one batch, and says how many rows it took and how many of them arrived. Its error means that something is
// down, not that a row failed.
func (r *Relay) look(ctx context.Context) (claimed, sent int, err error) {
	select {
	case <-r.database.Migrated():
	default:
		return 0, 0, nil // not yet: the table may not exist
	}
	if err := r.publisher.Ready(ctx); err != nil {
		return 0, 0, err // claiming what cannot be sent would only make it wait for its lease
	}
	rows, err := claim(ctx, r.database.DB(), batchSize, r.lease)
	if err != nil || len(rows) == 0 {
		return 0, 0, err
	}
	sent, err = r.send(ctx, rows)
	return len(rows), sent, err
}

// report logs a change between working and being held up, not every failure in between. It works again when something
// has arrived: a look that found nothing to send proves nothing.
func (r *Relay) report(sent int, err error) {
	switch {
	case err != nil && !r.down:
		r.down = true
		r.log.Warn("outbox relay is held up, trying again until it works", "error", err)
	case err == nil && sent > 0 && r.down:
		r.down = false
		r.log.Info("outbox relay works again")
	}
}

// listen wakes the relay when a transaction with messages commits. It has a connection of its own, since a pooled
// one cannot wait, and does without when there is none: polling finds the rows too.
func (r *Relay) listen(ctx context.Context) {
	for ctx.Err() == nil {
		_ = r.listenOnce(ctx) // the relay's own queries report what is down
		select {
		case <-ctx.Done():
		case <-time.After(listenWait):
		}
	}
}

func (r *Relay) listenOnce(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, r.database.URL())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+wakeChannel); err != nil {
		return err
	}
	for {
		select { // once right after listening, for what came before
		case r.wake <- struct{}{}:
		default:
		}
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}
