// Package postgres keeps users, sessions and the ledger of erasures in PostgreSQL.
//
// Transactions that may meet take their locks in this order: the person (an advisory lock, by erasure.Holder), the
// user's row, their sessions; and the table of holders, the rows of erasures by id, those of their holders.
package postgres

import (
	"embed"

	"github.com/tizza/tizza/pkg/deadletter"
	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/inbox"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
)

//go:embed migrations/*.sql
var files embed.FS

// Schemas is everything in the database, in the order of migration.
func Schemas() []postgres.Schema {
	return []postgres.Schema{outbox.Schema(), inbox.Schema(), deadletter.Schema(), erasure.Schema(), postgres.Rows(), postgres.Embedded("auth", files, "migrations")}
}

// Register lists the columns that point to people. Sessions come first: deleting the user would take them along
// uncounted; that they have ended is announced in the format. The ledger's own user_uuid is not among them: it says whom to forget, also when a backup brings them back.
func Register(format message.Format) erasure.Register {
	return erasure.Register{{Table: "sessions", Column: "user_uuid", Delete: revokeOf(format)}, {Table: "users", Column: "uuid"}}
}
