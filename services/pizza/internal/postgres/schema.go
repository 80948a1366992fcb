// Package postgres keeps pizzas in PostgreSQL.
package postgres

import (
	"embed"
	"io/fs"

	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
)

//go:embed migrations/*.sql
var files embed.FS

// Schemas is everything in the database, in the order of migration.
func Schemas() []postgres.Schema {
	own, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return []postgres.Schema{outbox.Schema(), erasure.Schema(), {Name: "pizza", Files: own}}
}

// Register lists the columns that point to people. A pizza that goes with its person is announced, in the format, as
// any deleted pizza is.
func Register(format message.Format) erasure.Register {
	return erasure.Register{{Table: "pizzas", Column: "creator", Delete: deleteOf(format)}}
}
