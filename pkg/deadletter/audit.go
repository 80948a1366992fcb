package deadletter

import (
	"context"
	"embed"
	"fmt"
	"strings"
	"time"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/postgres"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the table of the audit.
func Schema() postgres.Schema { return postgres.Embedded("deadletter", files, "schema") }

// The actions that are audited.
const (
	replay  = "replay"
	discard = "discard"
	reveal  = "reveal"
)

const (
	done      = "done"
	auditTime = 10 * time.Second
)

// Action is what an operator did with a letter.
type Action struct {
	ID        int64     `json:"id"`
	At        time.Time `json:"at" gorm:"->"` // by the database's clock
	Operator  string    `json:"operator"`
	Action    string    `json:"action"` // replay, discard or reveal
	Queue     string    `json:"queue"`
	MessageID string    `json:"message_id"`
	Key       string    `json:"key"`
	Reason    string    `json:"reason"`
	Outcome   string    `json:"outcome"` // "": begun, and nobody came back to tell
}

// TableName is gorm's.
func (Action) TableName() string { return "dead_letter_actions" }

// begin writes down what is about to be done with the letters.
func (d Desk) begin(ctx context.Context, action string, letters []*broker.Letter) ([]Action, error) {
	ctx, cancel := context.WithTimeout(ctx, auditTime)
	defer cancel()
	actions := make([]Action, len(letters))
	for i, l := range letters {
		shown := view(l)
		actions[i] = Action{
			Operator: storable(d.Operator), Action: action, Queue: l.Queue,
			MessageID: storable(l.ID), Key: storable(shown.Key), Reason: storable(l.Reason),
		}
	}
	if err := d.Database.DB().WithContext(ctx).Create(&actions).Error; err != nil {
		return nil, fmt.Errorf("not done, as the audit cannot be written: %w", err)
	}
	return actions, nil
}

// storable drops what a text in PostgreSQL cannot hold.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", "")
}

// end writes down what has become of it, also when the command was told to stop.
func (d Desk) end(ctx context.Context, actions []Action, results []error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditTime)
	defer cancel()
	ids := map[string][]int64{}
	for i, action := range actions {
		outcome := done
		if results[i] != nil {
			outcome = storable("failed: " + results[i].Error())
		}
		ids[outcome] = append(ids[outcome], action.ID)
	}
	for outcome, ids := range ids {
		err := d.Database.DB().WithContext(ctx).
			Exec("UPDATE dead_letter_actions SET outcome = ? WHERE id = ANY(?)", outcome, postgres.Array(ids)).Error
		if err != nil {
			return fmt.Errorf("it was done, but the audit says only that it was begun: %w", err)
		}
	}
	return nil
}

// History returns the latest actions, the last one first.
func History(ctx context.Context, database *postgres.Database, limit int) ([]Action, error) {
	ctx, cancel := context.WithTimeout(ctx, auditTime)
	defer cancel()
	var actions []Action
	err := database.DB().WithContext(ctx).Raw(`
		SELECT id, at, operator, action, queue, message_id, key, reason, outcome
		FROM dead_letter_actions ORDER BY id DESC LIMIT ?`, limit).Scan(&actions).Error
	if err != nil {
		return nil, fmt.Errorf("read the audit: %w", err)
	}
	return actions, nil
}
