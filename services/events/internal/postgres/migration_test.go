package postgres_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
	store "github.com/tizza/tizza/services/events/internal/postgres"
)

// firstRelease is the schemas with nothing of this service's but its first migration.
func firstRelease(t *testing.T) []postgres.Schema {
	t.Helper()
	const name = "00001_events.sql"
	schemas := store.Schemas()
	own := &schemas[len(schemas)-1]
	data, err := fs.ReadFile(own.Files, name)
	require.NoError(t, err)
	own.Files = fstest.MapFS{name: {Data: data}}
	return schemas
}

func TestWhatWasThereBeforeVersionsGetsOnesAndIsCounted(t *testing.T) {
	t.Parallel()
	old := servertest.Postgres(t, firstRelease(t)...)
	require.NoError(t, old.DB().Exec(`INSERT INTO events (title, description, place, starts_at) SELECT 'x', '', '', now() FROM generate_series(1, 700)`).Error)

	database, err := postgres.Open(postgres.Config{URL: setting.Secret(old.URL())}, store.Schemas()...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, database.Close()) })
	require.NoError(t, database.Migrate(t.Context()))

	var seen struct{ Versions, Tallied int }
	err = database.DB().Raw("SELECT (SELECT count(DISTINCT version) FROM events) AS versions, tally_count('events') AS tallied").Scan(&seen).Error
	require.NoError(t, err)
	assert.Equal(t, 700, seen.Versions, "each row has its own")
	assert.Equal(t, 700, seen.Tallied)
	require.NoError(t, database.DB().Exec("DELETE FROM events WHERE id <= 300").Error)
	require.NoError(t, database.DB().Raw("SELECT tally_count('events') AS tallied").Scan(&seen).Error)
	assert.Equal(t, 400, seen.Tallied)
}
