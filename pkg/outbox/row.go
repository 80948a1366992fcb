package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/tizza/tizza/pkg/message"
)

// row is a message on its way.
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
	AvailableAt delay
	Attempts    int
}

// delay is a time that much after the transaction's, by the database's clock.
type delay time.Duration

// GormValue writes the delay as SQL.
func (d delay) GormValue(context.Context, *gorm.DB) clause.Expr {
	return gorm.Expr("now() + ? * interval '1 microsecond'", time.Duration(d).Microseconds())
}

func (row) TableName() string { return "outbox" }

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

// claim takes up to limit rows for the lease, oldest first, and passes over those that another relay is taking.
func claim(ctx context.Context, db *gorm.DB, limit int, lease time.Duration) ([]row, error) {
	var rows []row
	err := db.WithContext(ctx).Raw(`
		UPDATE outbox SET available_at = now() + ? * interval '1 microsecond', attempts = attempts + 1
		WHERE id IN (
			SELECT id FROM outbox WHERE available_at <= now()
			ORDER BY available_at, id LIMIT ? FOR UPDATE SKIP LOCKED)
		RETURNING id, message_id, exchange, key, content_type, headers, body, optional, created_at, attempts`,
		lease.Microseconds(), limit).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("claim outbox rows: %w", err)
	}
	return rows, nil
}

// settle deletes what was delivered. A row that was claimed by another relay meanwhile goes too: it has been sent.
func settle(ctx context.Context, db *gorm.DB, delivered []int64) error {
	if len(delivered) == 0 {
		return nil
	}
	if err := db.WithContext(ctx).Exec("DELETE FROM outbox WHERE id IN ?", delivered).Error; err != nil {
		return fmt.Errorf("settle outbox rows: %w", err)
	}
	return nil
}

// postpone gives a row back, to be taken after a delay that grows with its attempts: 1 s, 2 s, 4 s … 1 min, give or take
// half. So rows that failed together, perhaps because of one among them, do not meet again.
func postpone(ctx context.Context, db *gorm.DB, ids []int64, reason error) error {
	if len(ids) == 0 {
		return nil
	}
	err := db.WithContext(ctx).Exec(`
		UPDATE outbox SET available_at = now() + least(60, 2 ^ least(attempts - 1, 6)) * (0.5 + random()) * interval '1 second', last_error = ?
		WHERE id IN ?`, reason.Error(), ids).Error
	if err != nil {
		return fmt.Errorf("postpone outbox rows: %w", err)
	}
	return nil
}
