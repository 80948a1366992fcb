package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func schema(name string, up ...string) postgres.Schema {
	files := fstest.MapFS{}
	for i, statement := range up {
		path := fmt.Sprintf("%05d_step.sql", i+1)
		files[path] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + statement + ";\n")}
	}
	return postgres.Schema{Name: name, Files: files}
}

// open opens a second pool on the test's database, as another replica would.
func open(t *testing.T, address string, schemas ...postgres.Schema) *postgres.Database {
	t.Helper()
	db, err := postgres.Open(postgres.Config{URL: setting.Secret(address)}, schemas...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func within(t *testing.T, bound time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	t.Cleanup(cancel)
	return ctx
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	t.Run("four replicas that start at once on an empty database migrate it once", func(t *testing.T) {
		t.Parallel()
		empty := servertest.Postgres(t)
		// An insert of the same row a second time would fail, and so would the table.
		schemas := []postgres.Schema{
			schema("one", "CREATE TABLE one (id int)", "SELECT pg_sleep(0.5)", "INSERT INTO one VALUES (1)"),
			schema("two", "CREATE TABLE two (id int)"),
		}
		var group errgroup.Group
		for range 4 {
			db := open(t, empty.URL(), schemas...)
			group.Go(func() error { return db.Migrate(within(t, time.Minute)) })
		}
		require.NoError(t, group.Wait())
		var rows int64
		require.NoError(t, empty.DB().Raw("SELECT count(*) FROM one").Scan(&rows).Error)
		assert.EqualValues(t, 1, rows)
	})
	t.Run("a schema has a version table of its own and status tells applied from pending", func(t *testing.T) {
		t.Parallel()
		empty := servertest.Postgres(t)
		require.NoError(t, open(t, empty.URL(), schema("one", "CREATE TABLE one (id int)")).Migrate(t.Context()))

		db := open(t, empty.URL(), schema("one", "CREATE TABLE one (id int)", "CREATE TABLE more (id int)"), schema("two", "CREATE TABLE two (id int)"))
		versions, err := db.Status(t.Context())
		require.NoError(t, err)
		require.Len(t, versions, 3)
		require.NotNil(t, versions[0].Applied)
		assert.WithinDuration(t, time.Now(), *versions[0].Applied, time.Minute)
		assert.Equal(t, postgres.Version{Schema: "one", Version: 2, Name: "00002_step.sql"}, versions[1])
		assert.Equal(t, postgres.Version{Schema: "two", Version: 1, Name: "00001_step.sql"}, versions[2])
		require.NoError(t, empty.DB().Exec("SELECT 1 FROM one_schema").Error)
	})
	t.Run("a migration is not bound by the limit on statements", func(t *testing.T) {
		t.Parallel()
		empty := servertest.Postgres(t)
		db := open(t, empty.URL()+"&statement_timeout=100ms", schema("slow", "SELECT pg_sleep(0.5)"))
		require.NoError(t, db.Migrate(t.Context()))
		require.ErrorContains(t, db.DB().Exec("SELECT pg_sleep(0.5)").Error, "57014")
	})
}

func TestRun(t *testing.T) {
	t.Parallel()
	t.Run("a program that starts before its database becomes ready by itself", func(t *testing.T) {
		t.Parallel()
		empty := servertest.Postgres(t)
		address, err := url.Parse(empty.URL())
		require.NoError(t, err)
		late := address.Path[1:] + "_late"
		address.Path = "/" + late
		db := open(t, address.String(), schema("one", "CREATE TABLE one (id int)"))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- db.Run(ctx) }()
		require.EqualError(t, db.Ready(t.Context()), "the schema is not up to date yet")

		require.NoError(t, empty.DB().Exec("CREATE DATABASE "+late).Error)
		t.Cleanup(func() { empty.DB().Exec("DROP DATABASE " + late + " WITH (FORCE)") })
		select {
		case <-db.Migrated():
		case err := <-done:
			t.Fatalf("Run gave up: %v", err)
		case <-within(t, time.Minute).Done():
			t.Fatal("never migrated")
		}
		require.NoError(t, db.Ready(t.Context()))
		cancel()
		require.NoError(t, <-done)
		require.EqualError(t, db.Ready(t.Context()), "the server does not answer")
	})
	t.Run("it ends with its context while the server is missing", func(t *testing.T) {
		t.Parallel()
		db := open(t, "postgres://nobody@127.0.0.1:1/nothing", schema("one", "SELECT 1"))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- db.Run(ctx) }()
		cancel()
		require.NoError(t, <-done)
	})
	t.Run("a migration that is wrong ends it with an error that names it", func(t *testing.T) {
		t.Parallel()
		empty := servertest.Postgres(t)
		db := open(t, empty.URL(), schema("bad", "CREATE TABEL x (id int)"))
		err := db.Run(within(t, time.Minute))
		require.ErrorContains(t, err, "migrate schema bad")
		require.ErrorContains(t, err, "00001_step.sql")
	})
	t.Run("a migration that meets a locked table tries again", func(t *testing.T) {
		t.Parallel()
		first := schema("one", "CREATE TABLE one (id int)")
		held := servertest.Postgres(t, first)
		tx := held.DB().Begin()
		require.NoError(t, tx.Exec("LOCK TABLE one IN ACCESS SHARE MODE").Error)

		db := open(t, held.URL(), schema("one", "CREATE TABLE one (id int)", "ALTER TABLE one ADD COLUMN name text"))
		err := db.Migrate(t.Context())
		require.ErrorContains(t, err, "55P03")
		require.True(t, postgres.Retryable(err))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- db.Run(ctx) }()
		require.NoError(t, tx.Rollback().Error)
		select {
		case <-db.Migrated():
		case err := <-done:
			t.Fatalf("Run gave up: %v", err)
		}
		cancel()
		require.NoError(t, <-done)
	})
}

func TestConnections(t *testing.T) {
	t.Parallel()
	db := servertest.Postgres(t)
	t.Run("the server enforces limits, unless the URL says otherwise", func(t *testing.T) {
		t.Parallel()
		shown := func(db *postgres.Database, name string) (value string) {
			require.NoError(t, db.DB().Raw("SHOW "+name).Scan(&value).Error)
			return value
		}
		assert.Equal(t, "15s", shown(db, "statement_timeout"))
		assert.Equal(t, "5s", shown(db, "lock_timeout"))
		assert.Equal(t, "30s", shown(db, "idle_in_transaction_session_timeout"))
		assert.Equal(t, "UTC", shown(db, "timezone"))
		assert.NotEmpty(t, shown(db, "application_name"))
		assert.Equal(t, "7s", shown(open(t, db.URL()+"&statement_timeout=7s"), "statement_timeout"))
	})
	t.Run("times come back in UTC", func(t *testing.T) {
		t.Parallel()
		var row struct{ At time.Time }
		require.NoError(t, db.DB().Raw("SELECT '2026-01-02 03:04:05+06'::timestamptz AS at").Scan(&row).Error)
		assert.Equal(t, "2026-01-01 21:04:05 +0000 UTC", row.At.String())
	})
	t.Run("no UPDATE without a condition", func(t *testing.T) {
		t.Parallel()
		require.Error(t, db.DB().Table("pg_class").Update("relname", "x").Error)
	})
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"", "hunter2", "postgres://user:hunter2@host:port/db", "postgres://user:hunter2%zz@host/db",
		"postgres://user:hunter2@host/db?sslmode=hunter2", "mysql://user:hunter2@host/db",
	} {
		t.Run("an address that is wrong is refused without printing it: "+address, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.Open(postgres.Config{URL: setting.Secret(address)})
			require.ErrorContains(t, err, "DATABASE_URL")
			assert.NotContains(t, err.Error(), "hunter2")
			assert.NotContains(t, fmt.Sprintf("%+v", err), "hunter2")
		})
	}
	t.Run("schemas need names of their own", func(t *testing.T) {
		t.Parallel()
		_, err := postgres.Open(postgres.Config{URL: "postgres://host/db"}, schema("one", "SELECT 1"), schema("one", "SELECT 1"))
		require.ErrorContains(t, err, `"one"`)
		_, err = postgres.Open(postgres.Config{URL: "postgres://host/db"}, schema("one; drop", "SELECT 1"))
		require.Error(t, err)
	})
}

// sqlDB is the pool under gorm.
func sqlDB(t *testing.T, db *postgres.Database) *sql.DB {
	t.Helper()
	pool, err := db.DB().DB()
	require.NoError(t, err)
	return pool
}

func hostOf(t *testing.T, address string) string {
	t.Helper()
	parsed, err := url.Parse(address)
	require.NoError(t, err)
	return parsed.Host
}

// silentListener takes connections and never says a word.
func silentListener(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}
