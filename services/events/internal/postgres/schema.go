// Package postgres keeps events and attendances in PostgreSQL.
//
// Whoever locks several events does so in the order of their ids, and whoever deletes attendances together with other
// rows holds their events first: two erasures of people who attend each other's events wait for one another in turn,
// not in a circle.
package postgres

import (
	"embed"
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/inbox"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
)

//go:embed migrations/*.sql
var files embed.FS

// Schemas is everything in the database, in the order of migration.
func Schemas() []postgres.Schema {
	return []postgres.Schema{outbox.Schema(), inbox.Schema(), erasure.Schema(), postgres.Rows(), postgres.Embedded("events", files, "migrations")}
}

// Register lists the columns that point to people. Hosted events take everybody's attendances along.
func Register() erasure.Register {
	return erasure.Register{
		{Table: "attendances", Column: "user_uuid", Delete: deleteAttendances},
		{Table: "events", Column: "host"},
	}
}

// deleteAttendances deletes a person's attendances. It comes first, so it locks the events that are deleted after it
// too; see the package's documentation.
func deleteAttendances(tx *gorm.DB, person uuid.UUID) (int64, error) {
	err := tx.Exec(`
		SELECT FROM events
		WHERE host = @person OR id IN (SELECT event FROM attendances WHERE user_uuid = @person)
		ORDER BY id FOR UPDATE`, map[string]any{"person": person}).Error
	if err != nil {
		return 0, fmt.Errorf("lock the person's events: %w", err)
	}
	done := tx.Exec("DELETE FROM attendances WHERE user_uuid = ?", person)
	return done.RowsAffected, done.Error
}
