package system

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The faults are the rows of a table: what goes wrong while a crowd asks to be forgotten, each time with the same end.
// Everybody is forgotten everywhere, and no message is left over.

// holders are those who are told.
var holders = []string{"pizza", "likes", "events"}

const (
	faultBound = 4 * time.Minute // for one fault, on a machine that does much else
	atOnce202  = 5 * time.Second // the most that one DELETE may take, whatever is down behind auth
)

// fault is a crowd to whom something happens, and what was there before they came.
type fault struct {
	*testing.T
	ctx    context.Context
	people []string
	before map[string]int
}

// newFault makes n people.
func newFault(t *testing.T, n int) *fault {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), faultBound)
	t.Cleanup(cancel)
	f := &fault{T: t, ctx: ctx, before: rows(t)}
	var err error
	f.people, err = tizza.Crowd(ctx, n, concurrency)
	require.NoError(t, err)
	return f
}

// some takes n of the people out of the crowd.
func (f *fault) some(n int) []string {
	f.Helper()
	require.GreaterOrEqual(f, len(f.people), n)
	chosen := f.people[:n]
	f.people = f.people[n:]
	return chosen
}

// forget deletes the people, one every so often or, for 0, many at a time. Each DELETE gets its 202 at once.
func (f *fault) forget(people []string, every time.Duration) []string {
	f.Helper()
	if every == 0 {
		erasures, refused, err := tizza.Forget(f.ctx, people, concurrency)
		require.NoError(f, err)
		assert.Zero(f, refused, "every DELETE gets its 202 at once")
		return erasures
	}
	turn := time.NewTicker(every)
	defer turn.Stop()
	var erasures []string
	for _, person := range people {
		<-turn.C
		began := time.Now()
		one, refused, err := tizza.Forget(f.ctx, []string{person}, 1)
		require.NoError(f, err)
		assert.Zero(f, refused, "every DELETE gets its 202")
		assert.Less(f, time.Since(began), atOnce202, "at once")
		erasures = append(erasures, one...)
	}
	return erasures
}

// complete waits until the erasures are, within the usual time.
func (f *fault) complete(erasures []string) {
	f.Helper()
	began := time.Now()
	for _, address := range erasures {
		_, err := tizza.Complete(f.ctx, address)
		require.NoError(f, err)
	}
	f.Logf("%d erasures complete after another %s", len(erasures), time.Since(began).Round(time.Millisecond))
}

// over is how each fault ends.
func (f *fault) over() {
	f.Helper()
	assert.Equal(f, f.before, rows(f.T), "nothing of theirs is left in any database")
	assertQuiet(f.ctx, f.T)
}

// finally starts a part again whatever happens, for the tests that come after.
func (f *fault) finally(part string) {
	f.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		assert.NoError(f, running.Start(ctx, part))
	})
}

// stopped stops a part until the test is over or starts it again.
func (f *fault) stopped(part string) {
	f.Helper()
	f.finally(part)
	require.NoError(f, running.Stop(f.ctx, part))
}

// exec changes a service's database as time or an accident would.
func (f *fault) exec(service, statement string, arguments ...any) int64 {
	f.Helper()
	done, err := databases[service].ExecContext(f.ctx, statement, arguments...)
	require.NoError(f, err)
	changed, err := done.RowsAffected()
	require.NoError(f, err)
	return changed
}

// count is the answer to a query for one number.
func (f *fault) count(service, query string, arguments ...any) int {
	f.Helper()
	return count(f.ctx, f.T, service, query, arguments...)
}

// toldAgain says of how many erasures that began since then the holders had to be reminded.
func (f *fault) toldAgain(since time.Time) int {
	f.Helper()
	return f.count("auth", "SELECT count(*) FROM erasures WHERE reminders > 0 AND requested_at >= $1", since)
}

// logged returns what a service has logged since then, but for the lines of requests.
func (f *fault) logged(service string, since time.Time) []string {
	f.Helper()
	var path string
	for _, part := range running.Status(f.ctx) {
		if part.Name == service {
			path = part.Log
		}
	}
	content, err := os.ReadFile(path)
	require.NoError(f, err)
	var lines []string
	for scan := bufio.NewScanner(bytes.NewReader(content)); scan.Scan(); {
		var line struct {
			Time time.Time
			Msg  string
		}
		if json.Unmarshal(scan.Bytes(), &line) != nil || line.Time.Before(since) || line.Msg == "request" {
			continue
		}
		lines = append(lines, scan.Text())
	}
	return lines
}
