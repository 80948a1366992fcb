package outbox

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the outbox's table.
func Schema() postgres.Schema { return postgres.Embedded("outbox", files, "schema") }

// MaxDelay is the longest message.Delay that Append takes. It is short, so that a row that lies further ahead tells of a
// clock that was set back.
const MaxDelay = longestPause

// maxHeaders is well below the frame of 128 KiB that headers have to fit into.
const maxHeaders = 64 << 10

// wakeChannel is the NOTIFY channel. Notifications of one transaction are folded into one by PostgreSQL.
const wakeChannel = "outbox"

// Append writes the messages into tx: they are sent after it has committed. The trace of tx's context goes with them,
// however often and whenever they are sent.
func Append(tx *gorm.DB, messages ...message.Message) error {
	if len(messages) == 0 {
		return nil
	}
	trace := propagation.MapCarrier{}
	otel.GetTextMapPropagator().Inject(tx.Statement.Context, trace)
	rows := make([]newRow, len(messages))
	for i, m := range messages {
		var err error
		if rows[i], err = write(m, trace); err != nil {
			return fmt.Errorf("append to outbox: %w", err)
		}
	}
	// In parts, as a statement takes at most 65,535 parameters.
	if err := tx.Omit("ID").CreateInBatches(&rows, 1000).Error; err != nil {
		return fmt.Errorf("append to outbox: %w", err)
	}
	return wake(tx)
}

// write makes a row of a message. What the message says of itself in its headers comes before the trace.
func write(m message.Message, trace propagation.MapCarrier) (newRow, error) {
	switch {
	case m.ID == uuid.Nil:
		return newRow{}, errors.New("a message without an id")
	case m.Delay < 0 || m.Delay > MaxDelay:
		return newRow{}, fmt.Errorf("message %s: a delay of %s, want 0 to %s", m.ID, m.Delay, MaxDelay)
	}
	headers := maps.Clone(map[string]string(trace))
	maps.Copy(headers, m.Headers)
	encoded, err := json.Marshal(headers)
	if err != nil {
		return newRow{}, fmt.Errorf("message %s: headers: %w", m.ID, err)
	}
	if len(encoded) > maxHeaders {
		return newRow{}, fmt.Errorf("message %s: headers of %d bytes, want at most %d", m.ID, len(encoded), maxHeaders)
	}
	return newRow{
		MessageID: m.ID, Exchange: m.Exchange, Key: m.Key, ContentType: m.ContentType,
		Headers: string(encoded), Body: m.Body, Optional: m.Optional, AvailableAt: delay(m.Delay),
	}, nil
}

// wake tells the relays, when tx commits, that there is something to send.
func wake(tx *gorm.DB) error {
	if err := tx.Exec("SELECT pg_notify(?, '')", wakeChannel).Error; err != nil {
		return fmt.Errorf("wake the outbox's relay: %w", err)
	}
	return nil
}

// newRow is a message as Append writes it; the other columns have defaults.
type newRow struct {
	ID          int64
	MessageID   uuid.UUID
	Exchange    string
	Key         string
	ContentType string
	Headers     string
	Body        []byte
	Optional    bool
	AvailableAt delay
}

func (newRow) TableName() string { return "outbox" }

// delay is a time that much after the transaction's, by the database's clock.
type delay time.Duration

// GormValue writes the delay as SQL.
func (d delay) GormValue(context.Context, *gorm.DB) clause.Expr {
	return gorm.Expr("now() + ? * interval '1 microsecond'", time.Duration(d).Microseconds())
}
