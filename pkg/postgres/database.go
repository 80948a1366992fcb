package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	gormpostgres "gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Database is a pool of connections and the schemas that belong in it. It is
// safe for concurrent use.
type Database struct {
	cfg     Config
	schemas []Schema
	pool    *sql.DB
	gorm    *gorm.DB

	migratedOnce sync.Once
	migrated     chan struct{} // closed when every schema is up to date
}

// Open prepares the pool and dials nothing. An error is about the settings or
// the schemas, and permanent.
func Open(cfg Config, schemas ...Schema) (*Database, error) {
	cfg.MaxConns = cmp.Or(cfg.MaxConns, 10)
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := check(schemas); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	pool, err := cfg.pool(serverLimits, false)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	pool.SetMaxOpenConns(cfg.MaxConns)
	pool.SetMaxIdleConns(cfg.MaxConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(30 * time.Minute) // finds a new server behind the same name

	orm, err := gorm.Open(gormpostgres.New(gormpostgres.Config{Conn: pool}), &gorm.Config{
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		Logger:                 logger.Discard, // errors are returned, and a statement may carry personal data
		NowFunc:                now,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), pool.Close())
	}
	return &Database{cfg: cfg, schemas: schemas, pool: pool, gorm: orm, migrated: make(chan struct{})}, nil
}

// now has the resolution of the server's clock, so that what was written equals
// what is read back.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// DB is the pool as gorm sees it: no implicit transactions, no logging, no
// UPDATE or DELETE without a condition.
func (d *Database) DB() *gorm.DB { return d.gorm }

// URL is the address with its password: for tools and tests, never for a log.
func (d *Database) URL() string { return d.cfg.URL.Reveal() }

// Migrated is closed once this process has seen every schema up to date.
func (d *Database) Migrated() <-chan struct{} { return d.migrated }

// Ready returns nil when the schemas are up to date and the server answers. Its
// errors are fit for a health page.
func (d *Database) Ready(ctx context.Context) error {
	select {
	case <-d.migrated:
	default:
		return errors.New("the schema is not up to date yet")
	}
	if err := d.pool.PingContext(ctx); err != nil {
		return errors.New("the server does not answer")
	}
	return nil
}

// Close ends the pool; Run does so by itself.
func (d *Database) Close() error { return d.pool.Close() }
