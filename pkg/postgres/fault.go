package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// Down reports whether the connection or the server failed, and not the
// statement: the same may work later. After a lost connection the outcome of a
// COMMIT is unknown.
func Down(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	var connecting *pgconn.ConnectError
	if errors.As(err, &connecting) {
		return true // also a deadline while dialling, or a role that does not exist yet
	}
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return serverFailed(answer.Code)
	}
	for _, lost := range []error{
		driver.ErrBadConn, sql.ErrConnDone, pgconn.ErrConnClosed,
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE,
	} {
		if errors.Is(err, lost) {
			return true
		}
	}
	var network *net.OpError // not net.Error, which context.DeadlineExceeded is too
	return errors.As(err, &network)
}

// serverFailed knows the error codes of
// https://www.postgresql.org/docs/current/errcodes-appendix.html that are about
// the server's state.
func serverFailed(code string) bool {
	switch code {
	case "57P01", "57P02", "57P03", // shut down by an administrator, crashed, starting up
		"57P05", // idle session timeout
		"25006": // read-only: the connection leads to a former primary
		return true
	}
	for _, class := range []string{"08", "53", "58"} { // connection, resources (53300: too many connections), system
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}

// Constraint returns the name of the constraint that a statement violated, or "".
func Constraint(err error) string {
	var answer *pgconn.PgError
	if errors.As(err, &answer) && strings.HasPrefix(answer.Code, "23") {
		return answer.ConstraintName
	}
	return ""
}

// Retryable reports whether the same transaction may work on another try: the server was away or too slow, or another
// transaction was in the way.
func Retryable(err error) bool {
	if Down(err) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		switch answer.Code {
		case "55P03", "40001", "40P01", // lock not available, serialization failure, deadlock
			"57014", "25P03": // statement timeout (or cancelled by somebody), idle in transaction for too long
			return true
		}
	}
	return false
}

// passing reports whether a migration that failed like this may work on another
// try: nothing is wrong with its text.
func passing(err error) bool {
	if Retryable(err) {
		return true
	}
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		switch answer.Code {
		case "55006", // in use
			"42501": // rights that the operator has not given yet
			return true
		}
	}
	return false
}
