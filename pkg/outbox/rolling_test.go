package outbox_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/pressly/goose/v3"
	goosedatabase "github.com/pressly/goose/v3/database"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
)

// formerRelay speaks to the table as the version before states did.
type formerRelay struct{ database *postgres.Database }

func (f formerRelay) append(t *testing.T, count int) {
	t.Helper()
	execute(t, f.database, `INSERT INTO outbox (message_id, exchange, key, content_type, headers, body, optional, available_at)
		SELECT gen_random_uuid(), 'notes', 'note.made', 'application/json', '{}', '{}', false, now() FROM generate_series(1, ?)`, count)
}

func (f formerRelay) claim(t *testing.T, limit int) (ids []int64) {
	t.Helper()
	require.NoError(t, f.database.DB().Raw(`
		UPDATE outbox SET available_at = now() + 30000000 * interval '1 microsecond', attempts = attempts + 1
		WHERE id IN (
			SELECT id FROM outbox WHERE available_at <= now()
			ORDER BY available_at, id LIMIT ? FOR UPDATE SKIP LOCKED)
		RETURNING id`, limit).Scan(&ids).Error)
	return ids
}

func (f formerRelay) settle(t *testing.T, ids []int64) {
	t.Helper()
	execute(t, f.database, "DELETE FROM outbox WHERE id IN ?", ids)
}

func (f formerRelay) postpone(t *testing.T, ids []int64) {
	t.Helper()
	execute(t, f.database, `
		UPDATE outbox SET available_at = now() + least(60, 2 ^ least(attempts - 1, 6)) * (0.5 + random()) * interval '1 second', last_error = 'no'
		WHERE id IN ?`, ids)
}

func TestARelayOfTheVersionBeforeWorksBesideANewOne(t *testing.T) {
	database := open(t)
	former := formerRelay{database}
	former.append(t, 500)
	sending, failing := former.claim(t, 100), former.claim(t, 100)
	require.Len(t, sending, 100)
	require.Len(t, failing, 100)

	to := &fake{}
	start(t, newRelay(database, to).Run)
	servertest.Eventually(t, patience, "the new one sends what is free", func() bool { return rows(t, database) == 200 })
	assert.Equal(t, 300, to.count(), "what the former claimed is left to it")
	assert.Empty(t, former.claim(t, 100), "what the new one claimed was left to that")

	former.postpone(t, failing)
	servertest.Eventually(t, patience, "the new one sends what the former postponed", func() bool { return rows(t, database) == 100 })
	former.settle(t, sending)
	assert.Zero(t, rows(t, database))
	assert.Equal(t, 400, to.count(), "nothing was sent twice")
}

func TestTheVersionBeforeLeavesTheClaimsOfANewOneAlone(t *testing.T) {
	database := open(t)
	former := formerRelay{database}
	add(t, database, notes(5)...)
	entered, leave := make(chan struct{}), make(chan struct{})
	stop := start(t, newRelay(database, publish(func(messages []message.Message) []error {
		close(entered)
		<-leave
		return make([]error, len(messages))
	})).Run)

	<-entered
	assert.Empty(t, former.claim(t, 100))
	close(leave)
	emptied(t, database)
	stop()
}

func TestTheMigrationGoesBackAndForthWithRowsInEveryState(t *testing.T) {
	database := open(t)
	former := formerRelay{database}
	add(t, database, notes(3)...)
	execute(t, database, "UPDATE outbox SET state = (ARRAY['waiting', 'claimed', 'parked'])[id]")
	pool, err := sql.Open("pgx", database.URL())
	require.NoError(t, err)
	defer pool.Close()
	store, err := goosedatabase.NewStore(goosedatabase.DialectPostgres, "outbox_schema")
	require.NoError(t, err)
	provider, err := goose.NewProvider(goose.DialectCustom, pool, outbox.Schema().Files, goose.WithStore(store))
	require.NoError(t, err)
	settings := func() (settings string) {
		require.NoError(t, database.DB().Raw("SELECT coalesce(array_to_string(reloptions, ' '), '') FROM pg_class WHERE relname = 'outbox'").Scan(&settings).Error)
		return settings
	}
	indexes := func() (names []string) {
		require.NoError(t, database.DB().Raw("SELECT indexname FROM pg_indexes WHERE tablename = 'outbox' ORDER BY 1").Scan(&names).Error)
		return names
	}
	assert.Contains(t, settings(), "autovacuum_vacuum_scale_factor=0")
	assert.Equal(t, []string{"outbox_due", "outbox_pkey"}, indexes())

	_, err = provider.DownTo(t.Context(), 1)
	require.NoError(t, err)
	assert.Empty(t, settings())
	assert.Equal(t, []string{"outbox_available", "outbox_pkey"}, indexes())
	former.append(t, 1)
	former.settle(t, former.claim(t, 2))
	assert.Equal(t, 2, rows(t, database))

	_, err = provider.Up(t.Context())
	require.NoError(t, err)
	to := &fake{}
	start(t, newRelay(database, to).Run)
	emptied(t, database)
	assert.Equal(t, 2, to.count())
}

// publish is a publisher that is always ready.
type publish func([]message.Message) []error

func (publish) Ready(context.Context) error { return nil }

func (p publish) Publish(_ context.Context, messages []message.Message) []error { return p(messages) }

func TestTwoRelaysShareTheWork(t *testing.T) {
	database, to := open(t), &fake{}
	add(t, database, notes(2000)...)
	start(t, newRelay(database, to).Run)
	start(t, newRelay(database, to).Run)

	emptied(t, database)
	assert.Equal(t, 2000, to.count(), "no message was sent twice")
}

func TestARelayPassesOverWhatAnotherIsClaiming(t *testing.T) {
	database, to := open(t), &fake{}
	add(t, database, notes(20)...)
	claiming := database.DB().Begin()
	defer claiming.Rollback()
	require.NoError(t, claiming.Exec("SELECT FROM outbox WHERE id <= 10 FOR UPDATE").Error)

	start(t, newRelay(database, to).Run)
	servertest.Eventually(t, patience, "the others are sent", func() bool { return rows(t, database) == 10 })
	assert.Equal(t, 10, to.count())
}

// lastBatch is told to stop while it publishes.
type lastBatch struct {
	*fake
	stop context.CancelFunc
}

func (b lastBatch) Publish(ctx context.Context, messages []message.Message) []error {
	b.stop()
	return b.fake.Publish(ctx, messages)
}

func TestARelayThatIsStoppedInTheMiddleLeavesNothingHalfDone(t *testing.T) {
	database, to := open(t), &fake{}
	add(t, database, notes(1000)...)
	ctx, stop := context.WithCancel(t.Context())
	require.NoError(t, newRelay(database, lastBatch{to, stop}).Run(ctx))
	require.Equal(t, 200, to.count())
	require.Equal(t, 800, rows(t, database, "state = 'waiting'"))

	start(t, newRelay(database, to).Run)
	emptied(t, database)
	assert.Equal(t, 1000, to.count(), "nothing was sent twice")
}
