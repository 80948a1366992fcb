package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Run migrates, however long the server takes to appear, then waits for ctx to
// end and closes the pool. It returns sooner only with an error that waiting
// cannot mend: a migration that is wrong.
func (d *Database) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, d.pool.Close()) }()
	if err := d.migrateWithPatience(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// AfterMigrated returns run as a component that begins when every schema is up to date: what it would do before that
// would fail through no fault of its own.
func (d *Database) AfterMigrated(run func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return nil
		case <-d.Migrated():
			return run(ctx)
		}
	}
}

func (d *Database) migrateWithPatience(ctx context.Context) error {
	var logged string
	for try := 0; ; try++ {
		err := d.Migrate(ctx)
		switch {
		case err == nil:
			slog.InfoContext(ctx, "database is ready")
			return nil
		case ctx.Err() != nil:
			return nil //nolint:nilerr // to stop is what was asked for
		case !passing(err):
			return err
		}
		if why := cause(err); why != logged {
			slog.WarnContext(ctx, "database is not ready, waiting for it", "cause", why)
			logged = why
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(backoff(try)):
		}
	}
}

// cause is the same text for the same trouble, so that a log line is about a
// change: the full error carries addresses and ports.
func cause(err error) string {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return fmt.Sprintf("%s (SQLSTATE %s)", answer.Message, answer.Code)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "the server does not answer in time"
	}
	return "the server cannot be reached"
}

// backoff grows from 100 ms to 5 s; the jitter keeps replicas apart.
func backoff(try int) time.Duration {
	longest := 5 * time.Second
	if try < 6 {
		longest = 100 * time.Millisecond << try
	}
	return longest/2 + rand.N(longest/2)
}
