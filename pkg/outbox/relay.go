package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
)

const (
	batchSize  = 200
	lease      = 30 * time.Second // longer than a batch's confirms may take
	pollEvery  = time.Second
	listenWait = 5 * time.Second // between attempts to listen
	settleTime = 10 * time.Second
)

// Publisher brings messages to the broker.
type Publisher interface {
	// Publish returns one error per message; nil means confirmed and routed.
	Publish(context.Context, []message.Message) []error
	// Ready returns an error while publishing cannot work at all.
	Ready(context.Context) error
}

// Relay brings rows from the outbox to the broker. Several may run on one table.
type Relay struct {
	database  *postgres.Database
	publisher Publisher
	log       *slog.Logger
	wake      chan struct{}
	failing   bool
}

// NewRelay makes a relay from the database's outbox to the publisher.
func NewRelay(database *postgres.Database, publisher Publisher, log *slog.Logger) *Relay {
	return &Relay{database: database, publisher: publisher, log: log, wake: make(chan struct{}, 1)}
}

// Run relays until ctx ends, then finishes the batch at hand.
func (r *Relay) Run(ctx context.Context) error {
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		r.listen(ctx)
	}()
	defer func() { <-listening }()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		sent, err := r.relay(ctx)
		if ctx.Err() != nil {
			return nil
		}
		r.report(sent, err)
		if sent == batchSize {
			continue // there may be more
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

// relay sends one batch, and says how much of it arrived.
func (r *Relay) relay(ctx context.Context) (sent int, err error) {
	select {
	case <-r.database.Migrated():
	default:
		return 0, nil // not yet: the table may not exist
	}
	if err := r.publisher.Ready(ctx); err != nil {
		return 0, err // claiming what cannot be sent would only make it wait for its lease
	}
	rows, err := claim(ctx, r.database.DB(), batchSize, lease)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	// What is claimed is brought to its end, also when the relay is told to stop.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lease-settleTime)
	defer cancel()
	return r.send(ctx, rows)
}

// send publishes the rows, deletes those that arrived, which it counts, and gives back the others.
func (r *Relay) send(ctx context.Context, rows []row) (int, error) {
	var failures []error
	messages := make([]message.Message, 0, len(rows))
	ids := make([]int64, 0, len(rows))
	for _, row := range rows {
		m, err := row.message()
		if err != nil {
			failures = append(failures, err, postpone(ctx, r.database.DB(), []int64{row.ID}, err))
			continue
		}
		messages, ids = append(messages, m), append(ids, row.ID)
	}
	var delivered []int64
	failed := map[string][]int64{}
	reasons := map[string]error{}
	for i, err := range r.publisher.Publish(ctx, messages) {
		if err == nil {
			delivered = append(delivered, ids[i])
			continue
		}
		failed[err.Error()] = append(failed[err.Error()], ids[i])
		reasons[err.Error()] = err
	}
	failures = append(failures, settle(ctx, r.database.DB(), delivered))
	for text, ids := range failed {
		err := fmt.Errorf("publish %d outbox rows from %d on: %w", len(ids), ids[0], reasons[text])
		failures = append(failures, err, postpone(ctx, r.database.DB(), ids, reasons[text]))
	}
	return len(delivered), errors.Join(failures...)
}

// report logs a change between working and failing, not every failure in between. It works again when everything that
// was tried arrived: a look that found nothing to try proves nothing.
func (r *Relay) report(sent int, err error) {
	switch {
	case err != nil && !r.failing:
		r.failing = true
		r.log.Warn("outbox relay is held up, trying again until it works", "error", err)
	case err == nil && sent > 0 && r.failing:
		r.failing = false
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
