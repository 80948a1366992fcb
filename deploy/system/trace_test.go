package system

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ledgers are the tables that name an erased person on purpose: auth has to know whom to erase again.
var ledgers = map[string]bool{"auth.erasures": true}

// assertForgotten reads every table of every service and finds no row that has the text in any column.
func assertForgotten(t *testing.T, person string) {
	t.Helper()
	for _, service := range services {
		db := databases[service]
		for _, table := range tables(t, db) {
			if ledgers[service+"."+table] {
				continue
			}
			// As text, and as the bytes of a text, which is how a message's body prints.
			query := fmt.Sprintf(`SELECT count(*) FROM %q AS r
				WHERE r::text ILIKE '%%' || $1 || '%%' OR r::text ILIKE '%%' || encode(convert_to($1, 'UTF8'), 'hex') || '%%'`, table)
			forgotten := within(t, patience, func() (none bool) { // what is still on its way to the broker leaves soon
				var rows int
				require.NoError(t, db.QueryRowContext(t.Context(), query, person).Scan(&rows))
				return rows == 0
			})
			assert.True(t, forgotten, "%s.%s still names the person", service, table)
		}
	}
}

func tables(t *testing.T, db *sql.DB) (names []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
	require.NoError(t, err)
	defer func() { assert.NoError(t, rows.Close()) }()
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		names = append(names, name)
	}
	require.NoError(t, rows.Err())
	require.NotEmpty(t, names)
	return names
}
