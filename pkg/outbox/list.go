package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tizza/tizza/pkg/postgres"
)

// Entry is a row as an operator sees it: without headers and body, which may be personal.
type Entry struct {
	ID        int64      `json:"id"`
	MessageID uuid.UUID  `json:"message_id"`
	Exchange  string     `json:"exchange"`
	Key       string     `json:"key"`
	State     State      `json:"state"`
	Attempts  int        `json:"attempts"`
	CreatedAt time.Time  `json:"created_at"`
	NextAt    time.Time  `json:"next_at"` // when a relay may take it; of a claimed row, when its lease ends
	ParkedAt  *time.Time `json:"parked_at,omitempty"`
	Reason    string     `json:"reason"` // why the last attempt failed

	// Age and Next are by the database's clock: since the row was written, and until NextAt, 0 if that has come.
	Age  time.Duration `json:"-"`
	Next time.Duration `json:"-"`
}

// Filter says which rows List gives.
type Filter struct {
	State State // "": in any state
}

// List gives up to limit rows, the oldest first.
func List(ctx context.Context, database *postgres.Database, filter Filter, limit int) ([]Entry, error) {
	var entries []Entry
	err := database.DB().WithContext(ctx).Raw(`
		SELECT id, message_id, exchange, key, state, attempts, created_at, available_at AS next_at, parked_at, last_error AS reason,
			(greatest(extract(epoch FROM now() - created_at), 0) * 1e9)::bigint AS age,
			(greatest(extract(epoch FROM available_at - now()), 0) * 1e9)::bigint AS next
		FROM outbox WHERE ? IN ('', state) ORDER BY id LIMIT ?`, filter.State, limit).Scan(&entries).Error
	if err != nil {
		return nil, fmt.Errorf("list outbox rows: %w", err)
	}
	return entries, nil
}
