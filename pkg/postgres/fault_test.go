package postgres_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
)

func TestDown(t *testing.T) {
	t.Parallel()
	db := servertest.Postgres(t, schema("one", "CREATE TABLE one (id int CONSTRAINT one_key PRIMARY KEY)"))

	t.Run("a server that is not there is down", func(t *testing.T) {
		t.Parallel()
		err := open(t, "postgres://nobody@127.0.0.1:1/nothing").DB().Exec("SELECT 1").Error
		require.Error(t, err)
		assert.True(t, postgres.Down(fmt.Errorf("wrapped: %w", err)), "%v", err)
	})
	t.Run("a server that never answers a dial is down", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		silent := silentListener(t)
		err := open(t, "postgres://nobody@"+silent+"/nothing").DB().WithContext(ctx).Exec("SELECT 1").Error
		require.Error(t, err)
		assert.True(t, postgres.Down(err), "%v", err)
	})
	t.Run("a connection that an administrator cut is down", func(t *testing.T) {
		t.Parallel()
		conn, err := sqlDB(t, open(t, db.URL())).Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		var pid int
		require.NoError(t, conn.QueryRowContext(t.Context(), "SELECT pg_backend_pid()").Scan(&pid))
		require.NoError(t, db.DB().Exec("SELECT pg_terminate_backend(?)", pid).Error)
		_, err = conn.ExecContext(t.Context(), "SELECT 1")
		require.Error(t, err)
		assert.True(t, postgres.Down(err), "%v", err)
	})
	t.Run("a role that may not connect yet is down", func(t *testing.T) {
		t.Parallel()
		err := open(t, "postgres://nobody@"+hostOf(t, db.URL())+"/nothing?sslmode=disable").DB().Exec("SELECT 1").Error
		require.Error(t, err)
		assert.True(t, postgres.Down(err), "%v", err)
	})
	t.Run("a statement that is wrong or slow is not", func(t *testing.T) {
		t.Parallel()
		slow := open(t, db.URL()+"&statement_timeout=50ms")
		for _, err := range []error{
			db.DB().Exec("SELEKT 1").Error,
			slow.DB().Exec("SELECT pg_sleep(5)").Error,
			context.Canceled, context.DeadlineExceeded, errors.New("other"),
		} {
			require.Error(t, err)
			assert.False(t, postgres.Down(err), "%v", err)
		}
		assert.False(t, postgres.Down(nil))
	})
	t.Run("a caller that gives up is not", func(t *testing.T) {
		t.Parallel()
		conn, err := sqlDB(t, db).Conn(t.Context()) // a deadline while dialling is another matter
		require.NoError(t, err)
		defer conn.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err = conn.ExecContext(ctx, "SELECT pg_sleep(5)")
		require.Error(t, err)
		assert.False(t, postgres.Down(err), "%v", err)
	})
	t.Run("the codes of a server in trouble are down", func(t *testing.T) {
		t.Parallel()
		for _, code := range []string{"57P01", "57P02", "57P03", "53300", "53100", "08006", "25006", "58030"} {
			assert.True(t, postgres.Down(&pgconn.PgError{Code: code}), code)
		}
		for _, code := range []string{"23505", "57014", "42601", "40001"} {
			assert.False(t, postgres.Down(&pgconn.PgError{Code: code}), code)
		}
		assert.True(t, postgres.Down(driver.ErrBadConn))
	})
	t.Run("a violated constraint is told by its name", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, db.DB().Exec("INSERT INTO one VALUES (1)").Error)
		err := db.DB().Exec("INSERT INTO one VALUES (1)").Error
		assert.Equal(t, "one_key", postgres.Constraint(err))
		assert.Empty(t, postgres.Constraint(errors.New("other")))
		assert.Empty(t, postgres.Constraint(nil))
	})
}
