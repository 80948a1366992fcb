package outbox

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the outbox's table.
func Schema() postgres.Schema { return postgres.Embedded("outbox", files, "schema") }

// wakeChannel is the NOTIFY channel. Notifications of one transaction are folded into one by PostgreSQL.
const wakeChannel = "outbox"

// Append writes the messages into tx: they are sent after it has committed. The trace of tx's context goes with them.
func Append(tx *gorm.DB, messages ...message.Message) error {
	if len(messages) == 0 {
		return nil
	}
	trace := propagation.MapCarrier{}
	otel.GetTextMapPropagator().Inject(tx.Statement.Context, trace)
	rows := make([]row, len(messages))
	for i, m := range messages {
		if m.ID == uuid.Nil {
			return errors.New("append to outbox: a message without an id")
		}
		headers := make(map[string]string, len(m.Headers)+len(trace))
		for name, value := range trace {
			headers[name] = value
		}
		for name, value := range m.Headers {
			headers[name] = value
		}
		encoded, err := json.Marshal(headers)
		if err != nil {
			return fmt.Errorf("append to outbox: %w", err)
		}
		rows[i] = row{
			MessageID: m.ID, Exchange: m.Exchange, Key: m.Key, ContentType: m.ContentType,
			Headers: string(encoded), Body: m.Body, Optional: m.Optional, AvailableAt: delay(m.Delay),
		}
	}
	// In parts, as a statement takes at most 65,535 parameters.
	if err := tx.Omit("ID", "CreatedAt", "Attempts").CreateInBatches(&rows, 1000).Error; err != nil {
		return fmt.Errorf("append to outbox: %w", err)
	}
	if err := tx.Exec("SELECT pg_notify(?, '')", wakeChannel).Error; err != nil {
		return fmt.Errorf("wake the outbox's relay: %w", err)
	}
	return nil
}
