package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"regexp"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

// Schema is a set of tables that is migrated on its own: a program's own, or
// that of a package which keeps its state beside it.
type Schema struct {
	// Name makes the version table "<name>_schema".
	Name string
	// Files has goose's .sql migrations (00001_what.sql) at its root.
	Files fs.FS
}

// Embedded makes a schema of the migrations in an embedded folder. It panics if the program was built without them.
func Embedded(name string, files embed.FS, folder string) Schema {
	migrations, err := fs.Sub(files, folder)
	if err != nil {
		panic(err)
	}
	return Schema{Name: name, Files: migrations}
}

// Version is one migration of one schema.
type Version struct {
	Schema  string     `json:"schema"`
	Version int64      `json:"version"`
	Name    string     `json:"name"`
	Applied *time.Time `json:"applied_at"` // null: pending
}

var schemaName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

func check(schemas []Schema) error {
	seen := map[string]bool{}
	for _, s := range schemas {
		if !schemaName.MatchString(s.Name) || s.Files == nil || seen[s.Name] {
			return fmt.Errorf("schema %q: wants a lower-case name of its own, and files", s.Name)
		}
		seen[s.Name] = true
	}
	return nil
}

// Migrate brings every schema up to date, in their order. It waits while another
// process migrates the same database. A migration that fails is rolled back
// alone; those before it stay.
func (d *Database) Migrate(ctx context.Context) error {
	err := d.eachSchema(func(s Schema, provider *goose.Provider) error {
		results, err := provider.Up(ctx)
		if err != nil {
			return fmt.Errorf("migrate schema %s: %w", s.Name, named(err))
		}
		for _, result := range results {
			slog.InfoContext(ctx, "migrated", "schema", s.Name, "migration", result.Source.Path, "took", result.Duration)
		}
		return nil
	})
	if err == nil {
		d.migratedOnce.Do(func() { close(d.migrated) })
	}
	return err
}

// named puts the file's name in the place of goose's number.
func named(err error) error {
	var partial *goose.PartialError
	if errors.As(err, &partial) && partial.Failed != nil && partial.Failed.Source != nil {
		return fmt.Errorf("%s: %w", partial.Failed.Source.Path, partial.Err)
	}
	return err
}

// Status lists all migrations of all schemas, applied or pending.
func (d *Database) Status(ctx context.Context) ([]Version, error) {
	var versions []Version
	err := d.eachSchema(func(s Schema, provider *goose.Provider) error {
		statuses, err := provider.Status(ctx)
		if err != nil {
			return fmt.Errorf("status of schema %s: %w", s.Name, err)
		}
		for _, status := range statuses {
			version := Version{Schema: s.Name, Version: status.Source.Version, Name: status.Source.Path}
			if status.State == goose.StateApplied {
				applied := status.AppliedAt.UTC()
				version.Applied = &applied
			}
			versions = append(versions, version)
		}
		return nil
	})
	return versions, err
}

// eachSchema calls do with a goose provider per schema, over a pool of its own
// that has no limit on statements.
func (d *Database) eachSchema(do func(Schema, *goose.Provider) error) (err error) {
	pool, err := d.cfg.pool(migrationLimits, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	for _, s := range d.schemas {
		provider, err := newProvider(pool, s)
		if err != nil {
			return fmt.Errorf("schema %s: %w", s.Name, err)
		}
		if err := do(s, provider); err != nil {
			return err
		}
	}
	return nil
}

func newProvider(pool *sql.DB, s Schema) (*goose.Provider, error) {
	store, err := database.NewStore(database.DialectPostgres, s.Name+"_schema")
	if err != nil {
		return nil, err
	}
	// Looks every second; ends only with the context in any sensible time.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 24*60*60))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectCustom, pool, s.Files,
		goose.WithStore(store),
		goose.WithSessionLocker(locker),
		goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(slog.New(slog.DiscardHandler)),
	)
}
