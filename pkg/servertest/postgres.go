package servertest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/tizza/tizza/pkg/postgres"
	configuration "github.com/tizza/tizza/pkg/setting"
)

// Postgres returns a database of the test's own with the schemas in it, dropped
// when the test ends. It is a clone of a template that is migrated once per
// distinct content of the schemas, by whichever test process comes first.
func Postgres(t testing.TB, schemas ...postgres.Schema) *postgres.Database {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	server := setting(t, "TEST_POSTGRES_URL")
	admin := administrator(t, server)

	template := "template0"
	if len(schemas) > 0 {
		template = ensureTemplate(ctx, t, admin, server, schemas)
	}
	name := "servertest_" + unique()
	execute(ctx, t, admin, "CREATE DATABASE "+name+" TEMPLATE "+template)
	t.Cleanup(func() { drop(t, server, name) })

	db := open(t, server, name, schemas)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	if err := db.Migrate(ctx); err != nil { // finds nothing to do, and so knows it
		t.Fatalf("migrate the clone: %v", err)
	}
	return db
}

// ensureTemplate builds the template under a name of its own and renames it when
// it is whole, all under a lock that holds across processes.
func ensureTemplate(ctx context.Context, t testing.TB, admin *sql.DB, server string, schemas []postgres.Schema) string {
	t.Helper()
	template := "servertest_template_" + fingerprint(t, schemas)
	conn, err := admin.Conn(ctx)
	if err != nil {
		t.Fatalf("connect to the test server: %v", err)
	}
	defer conn.Close() // the pool is closed after the test, and the lock with it
	const key = 7_236_851_094
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", key); err != nil {
		t.Fatalf("lock the templates: %v", err)
	}
	defer func() { _, _ = conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", key) }()

	var exists bool
	row := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", template)
	if err := row.Scan(&exists); err != nil {
		t.Fatalf("look for the template: %v", err)
	}
	if exists {
		return template
	}
	draft := "servertest_draft_" + unique()
	execute(ctx, t, conn, "CREATE DATABASE "+draft+" TEMPLATE template0")
	db := open(t, server, draft, schemas)
	err = db.Migrate(ctx)
	if closing := db.Close(); err == nil {
		err = closing
	}
	if err != nil {
		drop(t, server, draft)
		t.Fatalf("migrate the template: %v", err)
	}
	// Nobody may connect: a template in use cannot be cloned.
	execute(ctx, t, conn, "ALTER DATABASE "+draft+" ALLOW_CONNECTIONS false")
	execute(ctx, t, conn, "ALTER DATABASE "+draft+" RENAME TO "+template)
	return template
}

// fingerprint changes with every byte of every migration.
func fingerprint(t testing.TB, schemas []postgres.Schema) string {
	t.Helper()
	hash := sha256.New()
	for _, schema := range schemas {
		fmt.Fprintf(hash, "schema %q\n", schema.Name)
		err := fs.WalkDir(schema.Files, ".", func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := fs.ReadFile(schema.Files, path)
			fmt.Fprintf(hash, "%q %q\n", path, content)
			return err
		})
		if err != nil {
			t.Fatalf("read schema %s: %v", schema.Name, err)
		}
	}
	return hex.EncodeToString(hash.Sum(nil)[:12])
}

func administrator(t testing.TB, server string) *sql.DB {
	t.Helper()
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal("TEST_POSTGRES_URL is not a URL")
	}
	admin.SetMaxIdleConns(0) // many tests at once, and one server
	t.Cleanup(func() { _ = admin.Close() })
	return admin
}

func open(t testing.TB, server, name string, schemas []postgres.Schema) *postgres.Database {
	t.Helper()
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal("TEST_POSTGRES_URL is not a URL")
	}
	address.Path = "/" + name
	db, err := postgres.Open(postgres.Config{URL: configuration.Secret(address.String()), MaxConns: 10}, schemas...)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func drop(t testing.TB, server, name string) {
	ctx, cancel := cleanupContext()
	defer cancel()
	admin, err := sql.Open("pgx", server)
	if err == nil {
		defer admin.Close()
		_, err = admin.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	}
	if err != nil {
		t.Errorf("drop test database %s: %v", name, err)
	}
}

func execute(ctx context.Context, t testing.TB, on interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, statement string,
) {
	t.Helper()
	if _, err := on.ExecContext(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
