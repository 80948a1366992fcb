package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/message"
)

// State is where a row stands.
type State string

// The states; see the package's documentation.
const (
	Waiting State = "waiting"
	Claimed State = "claimed"
	Parked  State = "parked"
)

// row is a claimed row.
type row struct {
	ID          int64
	MessageID   uuid.UUID
	Exchange    string
	Key         string
	ContentType string
	Headers     string
	Body        []byte
	Optional    bool
	CreatedAt   time.Time
	AvailableAt time.Time // when the lease ends
	Attempts    int       // this one counted
	ParkedAt    *time.Time
}

func (r row) message() (message.Message, error) {
	m := message.Message{
		ID: r.MessageID, Exchange: r.Exchange, Key: r.Key, ContentType: r.ContentType,
		Body: r.Body, Time: r.CreatedAt, Optional: r.Optional,
	}
	if err := json.Unmarshal([]byte(r.Headers), &m.Headers); err != nil {
		return m, fmt.Errorf("outbox row %d: headers: %w", r.ID, err)
	}
	return m, nil
}

// indexed runs do in a short transaction whose statements go by the indexes, whatever the planner thinks. The table is
// empty nearly always, and a plan made for an empty table reads all of it. A server keeps such plans until it has
// analysed the table again: behind an outage, with a million rows, each claim would take most of a minute. Rows are
// named by an array of ids, since a join may still be planned to read all of an index.
func indexed(ctx context.Context, db *gorm.DB, do func(tx *gorm.DB) error) error {
	return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		err := tx.Exec(`SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
			set_config('enable_sort', 'off', true)`).Error
		if err != nil {
			return err
		}
		return do(tx)
	})
}

// slack keeps a row that another relay has just written from looking as if it lay too far ahead.
const slack = 10 * time.Second

// due lists the ids of up to @limit rows that a relay may take, and locks them: in each state first those whose time has
// come, then those that lie further ahead than that state can ever have put them, because the clock was set back.
// Parked rows come last, so that they hold up no others.
const due = `
	SELECT found.id
	FROM (VALUES
		('claimed', timestamptz '-infinity', now()),
		('claimed', now() + @longLease * interval '1 microsecond', 'infinity'),
		('waiting', '-infinity', now()),
		('waiting', now() + @longPause * interval '1 microsecond', 'infinity'),
		('parked', '-infinity', now()),
		('parked', now() + @longPause * interval '1 microsecond', 'infinity')
	) AS range (state, after, until), LATERAL (
		SELECT id FROM outbox
		WHERE outbox.state = range.state AND available_at > range.after AND available_at <= range.until
		ORDER BY available_at LIMIT @limit FOR UPDATE SKIP LOCKED
	) AS found
	LIMIT @limit`

// claim takes up to limit rows for the lease, and passes over those that another relay is taking. A relay whose lease is
// longer by more than the slack would lose its rows to this one: a new version may not shorten it by more at once.
func claim(ctx context.Context, db *gorm.DB, limit int, lease time.Duration) (rows []row, err error) {
	err = indexed(ctx, db, func(tx *gorm.DB) error {
		return tx.Raw(`
			UPDATE outbox SET state = 'claimed', attempts = attempts + 1, available_at = now() + @lease * interval '1 microsecond'
			WHERE id = ANY(ARRAY(`+due+`))
			RETURNING id, message_id, exchange, key, content_type, headers, body, optional, created_at, available_at, attempts, parked_at`,
			map[string]any{
				"limit": limit, "lease": lease.Microseconds(),
				"longLease": (lease + slack).Microseconds(), "longPause": (longestPause + slack).Microseconds(),
			}).Scan(&rows).Error
	})
	if err != nil {
		return nil, fmt.Errorf("claim outbox rows: %w", err)
	}
	return rows, nil
}
