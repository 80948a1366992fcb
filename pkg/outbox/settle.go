package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/postgres"
)

// settle deletes what arrived, which it counts, and gives back the rest.
func (r *Relay) settle(ctx context.Context, letters []*letter) (int, error) {
	arrived := filter(letters, func(l *letter) bool { return l.fate == delivered })
	rest := filter(letters, func(l *letter) bool { return l.fate != delivered })
	r.sent.Add(float64(len(arrived)))
	r.failures.Add(float64(len(filter(rest, func(l *letter) bool { return l.fate != returned }))))

	ids := make([]int64, len(arrived))
	for i, l := range arrived {
		ids[i] = l.ID
	}
	removing := remove(ctx, r.database.DB(), ids)
	held, releasing := release(ctx, r.database.DB(), rest)
	if removing == nil {
		r.logGone(arrived)
	}
	r.logFailed(filter(rest, func(l *letter) bool { return held[l.ID] }))
	return len(arrived), errors.Join(removing, releasing)
}

// remove deletes what was delivered. A row that another relay has claimed meanwhile goes too: it has been sent.
func remove(ctx context.Context, db *gorm.DB, delivered []int64) error {
	if len(delivered) == 0 {
		return nil
	}
	err := indexed(ctx, db, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM outbox WHERE id = ANY(?)", postgres.Array(delivered)).Error
	})
	if err != nil {
		return fmt.Errorf("settle outbox rows: %w", err)
	}
	return nil
}

// release gives back what did not arrive, each row by its verdict, and returns the ids of those that it still held: what
// another relay has claimed since, or an operator has touched, is left alone. A claim is known by the end of its lease;
// the number of its attempt comes again when an attempt is given back.
func release(ctx context.Context, db *gorm.DB, letters []*letter) (held map[int64]bool, err error) {
	if len(letters) == 0 {
		return nil, nil
	}
	var (
		ids, pauses     []int64
		leases          []time.Time
		attempts        []int
		states, reasons []string
	)
	for _, l := range letters {
		v := l.verdict()
		ids, leases = append(ids, l.ID), append(leases, l.AvailableAt)
		states, attempts = append(states, string(v.state)), append(attempts, v.attempts)
		pauses, reasons = append(pauses, v.pause.Microseconds()), append(reasons, clip(l.reason.Error()))
	}
	var released []int64
	err = indexed(ctx, db, func(tx *gorm.DB) error {
		return tx.Raw(`
			UPDATE outbox SET state = v.state, attempts = v.attempts, last_error = v.reason,
				available_at = now() + v.pause * interval '1 microsecond',
				parked_at = CASE WHEN v.state = 'parked' THEN coalesce(parked_at, now()) ELSE parked_at END
			FROM unnest(?::bigint[], ?::timestamptz[], ?::text[], ?::integer[], ?::bigint[], ?::text[])
				AS v (id, lease, state, attempts, pause, reason)
			WHERE outbox.id = ANY(?) AND outbox.id = v.id AND outbox.available_at = v.lease
			RETURNING outbox.id`,
			postgres.Array(ids), postgres.Array(leases), postgres.Array(states), postgres.Array(attempts),
			postgres.Array(pauses), postgres.Array(reasons), postgres.Array(ids)).Scan(&released).Error
	})
	if err != nil {
		return nil, fmt.Errorf("give outbox rows back: %w", err)
	}
	held = make(map[int64]bool, len(released))
	for _, id := range released {
		held[id] = true
	}
	return held, nil
}

// logGone tells of rows that were parked once.
func (r *Relay) logGone(letters []*letter) {
	for _, l := range letters {
		if l.ParkedAt != nil {
			r.log.Info("parked outbox row was sent after all", "id", l.ID, "message_id", l.MessageID, "exchange", l.Exchange, "key", l.Key, "parked_at", l.ParkedAt)
		}
	}
}

// logFailed tells of rows that failed for the first time, a line for each kind, and of each that was parked. What
// happens in between changes nothing.
func (r *Relay) logFailed(letters []*letter) {
	for _, kind := range kinds(filter(letters, func(l *letter) bool { return l.fate == failed && l.Attempts == 1 })) {
		first := kind[0]
		r.log.Warn("outbox rows failed, each will be tried again", "rows", len(kind), "exchange", first.Exchange, "key", first.Key, "error", first.reason)
	}
	for _, l := range filter(letters, (*letter).parks) {
		r.log.Error("outbox row was parked", "id", l.ID, "message_id", l.MessageID, "exchange", l.Exchange, "key", l.Key, "error", l.reason)
	}
}
