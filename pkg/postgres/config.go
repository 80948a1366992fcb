package postgres

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/tizza/tizza/pkg/setting"
)

// Config says where the database is. Field comments name the units.
type Config struct {
	// URL is postgres://user:password@host:port/database, or several hosts.
	URL setting.Secret `env:"DATABASE_URL"`
	// MaxConns bounds the pool. All replicas together have to stay below the
	// server's max_connections.
	MaxConns int `env:"DATABASE_MAX_CONNS" envDefault:"10"`
}

var errURL = errors.New("DATABASE_URL: must be a PostgreSQL URL such as postgres://user:password@host:5432/database")

// Validate checks the settings without a connection.
func (c Config) Validate() error {
	var errs []error
	if _, err := c.parse(); err != nil {
		errs = append(errs, err)
	}
	if c.MaxConns < 1 {
		errs = append(errs, errors.New("DATABASE_MAX_CONNS: must be at least 1"))
	}
	return errors.Join(errs...)
}

// parse drops the driver's error: it may repeat the URL and so the password.
func (c Config) parse() (*pgx.ConnConfig, error) {
	if c.URL == "" {
		return nil, errURL
	}
	parsed, err := pgx.ParseConfig(c.URL.Reveal())
	if err != nil || parsed.Host == "" {
		return nil, errURL
	}
	return parsed, nil
}

// serverLimits are connection parameters for the program's statements; what the
// URL itself sets comes before them.
var serverLimits = map[string]string{
	"statement_timeout":                   "15s",
	"lock_timeout":                        "5s",
	"idle_in_transaction_session_timeout": "30s",
}

// migrationLimits let a migration take its time, except in a queue for a table:
// everybody else's statements on that table queue behind it.
var migrationLimits = map[string]string{
	"statement_timeout":                   "0",
	"lock_timeout":                        "5s",
	"idle_in_transaction_session_timeout": "0",
}

// pool opens a pool lazily: no connection is made here.
func (c Config) pool(limits map[string]string, override bool) (*sql.DB, error) {
	parsed, err := c.parse()
	if err != nil {
		return nil, err
	}
	params := map[string]string{"application_name": filepath.Base(os.Args[0])}
	maps.Copy(params, limits)
	maps.Copy(params, parsed.RuntimeParams)
	if override {
		maps.Copy(params, limits)
	}
	params["timezone"] = "UTC"
	parsed.RuntimeParams = params
	if parsed.ConnectTimeout == 0 {
		parsed.ConnectTimeout = connectTimeout
	}
	return stdlib.OpenDB(*parsed, stdlib.OptionAfterConnect(scanUTC)), nil
}

const connectTimeout = 5 * time.Second

// scanUTC makes times come out in UTC whatever the zone of the process is.
func scanUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}
