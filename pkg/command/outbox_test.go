package command

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
)

// withOutbox is a program whose outbox has a row that waits and two that are parked.
func withOutbox(t *testing.T) (Program[config], *postgres.Database) {
	database := servertest.Postgres(t, outbox.Schema())
	t.Setenv("DATABASE_URL", database.URL())
	p := program()
	p.Schemas = func() []postgres.Schema { return []postgres.Schema{outbox.Schema()} }
	require.NoError(t, database.DB().WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
		for _, key := range []string{"letter.sent", "letter.lost", "letter.lost"} {
			err := outbox.Append(tx, message.Message{ID: uuid.New(), Exchange: "letters", Key: key, Body: []byte("private")})
			if err != nil {
				return err
			}
		}
		return tx.Exec(`UPDATE outbox SET state = 'parked', attempts = 10, last_error = 'no queue took it', available_at = now() + interval '5 min'
			WHERE key = 'letter.lost'`).Error
	}))
	return p, database
}

func TestOutboxList(t *testing.T) {
	p, _ := withOutbox(t)
	code, stdout, stderr := run(t, p, "outbox", "list")
	require.Zero(t, code, stderr)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Len(t, lines, 4)
	assert.Equal(t, []string{"ID", "MESSAGE", "EXCHANGE", "KEY", "STATE", "ATTEMPTS", "AGE", "NEXT", "REASON"}, strings.Fields(lines[0]))
	assert.Regexp(t, `^1 +\S{36}  letters +letter\.sent +waiting +0 +\d+s +now *$`, lines[1])
	assert.Regexp(t, `^2 +\S{36}  letters +letter\.lost +parked +10 +\d+s +[45]m\d+s +no queue took it$`, lines[2])

	code, stdout, stderr = run(t, p, "outbox", "list", "--state", "parked", "--limit", "1", "--json")
	require.Zero(t, code, stderr)
	var entries []outbox.Entry
	require.NoError(t, json.Unmarshal([]byte(stdout), &entries))
	require.Len(t, entries, 1)
	assert.EqualValues(t, 2, entries[0].ID)
	assert.Equal(t, outbox.Parked, entries[0].State)
	assert.NotContains(t, stdout, "private")
	assert.NotContains(t, stdout, "body")
}

func TestOutboxRetry(t *testing.T) {
	p, database := withOutbox(t)
	parked := func() (n int) {
		require.NoError(t, database.DB().Raw("SELECT count(*) FROM outbox WHERE state = 'parked'").Scan(&n).Error)
		return n
	}
	code, stdout, stderr := run(t, p, "outbox", "retry", "--parked", "--dry-run")
	require.Zero(t, code, stderr)
	assert.Equal(t, "would be due now: 2\n", stdout)
	assert.Equal(t, 2, parked())

	code, stdout, stderr = run(t, p, "outbox", "retry", "2")
	require.Zero(t, code, stderr)
	assert.Equal(t, "due now: 1\n", stdout)
	assert.Equal(t, 1, parked())

	code, _, stderr = run(t, p, "outbox", "retry", "3", "4711")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "4711")
	assert.Equal(t, 1, parked())

	require.NoError(t, database.DB().Exec("UPDATE outbox SET state = 'claimed', available_at = now() + interval '1 min' WHERE id = 2").Error)
	code, stdout, stderr = run(t, p, "outbox", "retry", "--all")
	require.Zero(t, code, stderr)
	assert.Equal(t, "due now: 1\nbeing sent at this moment, left alone: 1\n", stdout)
	assert.Zero(t, parked())
}

func TestOutboxCommandsThatMakeNoSense(t *testing.T) {
	p, _ := withOutbox(t)
	for _, args := range [][]string{
		{"list", "--limit", "0"}, {"list", "--state", "sent"},
		{"retry"}, {"retry", "1", "--all"}, {"retry", "--parked", "--all"}, {"retry", "one"},
	} {
		code, _, stderr := run(t, p, append([]string{"outbox"}, args...)...)
		assert.Equal(t, 2, code, "%v: %s", args, stderr)
	}
}
