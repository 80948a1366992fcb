// Package postgres keeps cards in PostgreSQL.
package postgres

import (
	"embed"

	"github.com/tizza/tizza/pkg/deadletter"
	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
)

//go:embed migrations/*.sql
var files embed.FS

// Schemas is everything in the database, in the order of migration.
func Schemas() []postgres.Schema {
	return []postgres.Schema{outbox.Schema(), deadletter.Schema(), erasure.Schema(), postgres.Rows(), postgres.Embedded("loyalty", files, "migrations")}
}

// Register lists the columns that point to people.
func Register() erasure.Register {
	return erasure.Register{{Table: "cards", Column: "id"}}
}
