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

	"github.com/tizza/tizza/pkg/deadletter"
	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/inbox"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
)

//go:embed migrations/*.sql
var files embed.FS

// Schemas is everything in the database, in the order of migration.
func Schemas() []postgres.Schema {
	return []postgres.Schema{outbox.Schema(), inbox.Schema(), deadletter.Schema(), erasure.Schema(), postgres.Rows(), postgres.Embedded("events", files, "migrations")}
}

// Register lists the columns that point to people. Hosted events take everybody's attendances along.
func Register() erasure.Register {
	return erasure.Register{
		{Table: "attendances", Column: "user_uuid", Delete: deleteAttendances},
		{Table: "events", Column: "host"},
	}
}

// deleteAttendances deletes the attendances of these people. It comes first, so it locks the events that are deleted
// after it too; see the package's documentation.
func deleteAttendances(tx *gorm.DB, people []uuid.UUID) (map[uuid.UUID]int32, error) {
	whose := map[string]any{"people": postgres.Array(people)}
	err := tx.Exec(`
		SELECT FROM events
		WHERE host = ANY(@people) OR id IN (SELECT event FROM attendances WHERE user_uuid = ANY(@people))
		ORDER BY id FOR UPDATE`, whose).Error
	if err != nil {
		return nil, fmt.Errorf("lock the events of people: %w", err)
	}
	return erasure.PerPerson(tx, `
		WITH gone AS (DELETE FROM attendances WHERE user_uuid = ANY(@people) RETURNING user_uuid AS person)
		SELECT person, count(*) AS rows FROM gone GROUP BY person`, whose)
}
