package outbox_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/servertest"
)

func TestABacklogIsNotReadAsAWholeAlthoughTheServerThinksThatTheTableIsEmpty(t *testing.T) {
	database, to := open(t), &fake{}
	execute(t, database, "ALTER TABLE outbox SET (autovacuum_enabled = off)")
	execute(t, database, "ANALYZE outbox")
	stop := start(t, newRelay(database, to).PollEvery(10*time.Millisecond).Run)
	servertest.Eventually(t, patience, "plans were made and kept", func() bool {
		to.mu.Lock()
		defer to.mu.Unlock()
		return to.asked > 20
	})
	const backlog = 10_000
	add(t, database, notes(backlog)...)
	servertest.Eventually(t, patience, "all are sent", func() bool { return to.count() == backlog })
	stop()
	require.NoError(t, database.Close()) // a connection that ends says what it has read

	conn, err := pgx.Connect(t.Context(), database.URL())
	require.NoError(t, err)
	defer conn.Close(t.Context())
	servertest.Eventually(t, patience, "all connections have ended", func() bool {
		var others int
		err := conn.QueryRow(t.Context(), "SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()").Scan(&others)
		return err == nil && others == 0
	})
	// By the primary key once to claim it and once to delete it, also where an older version of the row was.
	var whole, byKey int
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'outbox'").Scan(&whole))
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'outbox_pkey'").Scan(&byKey))
	assert.Less(t, whole, backlog)
	assert.GreaterOrEqual(t, byKey, 2*backlog)
	assert.LessOrEqual(t, byKey, 5*backlog)
}
