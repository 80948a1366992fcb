package outbox_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
)

// refusing takes all but one kind of message.
func refusing(key string) *fake {
	return &fake{refuse: func(m message.Message) error {
		if m.Key == key {
			return errors.New("no queue took it")
		}
		return nil
	}}
}

func list(t *testing.T, database *postgres.Database) []outbox.Entry {
	t.Helper()
	entries, err := outbox.List(t.Context(), database, outbox.Filter{}, 100)
	require.NoError(t, err)
	return entries
}

func TestARowThatKeepsFailingIsTriedLaterAndLater(t *testing.T) {
	database := open(t)
	add(t, database, note("note.bad"))
	start(t, newRelay(database, refusing("note.bad")).Run)
	for _, test := range []struct {
		attempts    int
		least, most time.Duration
	}{{1, 0, 1500 * time.Millisecond}, {4, 3 * time.Second, 12 * time.Second}, {9, 25 * time.Second, 90 * time.Second}} {
		execute(t, database, "UPDATE outbox SET attempts = ?, available_at = now()", test.attempts-1)
		var row outbox.Entry
		servertest.Eventually(t, patience, "it has failed once more", func() bool {
			row = list(t, database)[0]
			return row.State == outbox.Waiting && row.Attempts >= test.attempts
		})
		assert.Equal(t, "no queue took it", row.Reason)
		assert.LessOrEqual(t, row.Next, test.most, "attempt %d", test.attempts)
		assert.GreaterOrEqual(t, row.Next, test.least, "attempt %d", test.attempts)
	}
}

func TestARowThatHasFailedOftenEnoughIsParkedAndTheLogSaysSoOnce(t *testing.T) {
	database := open(t)
	bad := note("note.bad")
	bad.Body = []byte("private")
	add(t, database, bad)
	to := refusing("note.bad")
	var log lines
	start(t, outbox.NewRelay(database, to, log.log()).Run)
	execute(t, database, "UPDATE outbox SET attempts = ?, available_at = now()", outbox.MaxAttempts-1)
	parked := func() outbox.Entry {
		var row outbox.Entry
		servertest.Eventually(t, patience, "parked", func() bool { row = list(t, database)[0]; return row.State == outbox.Parked })
		return row
	}
	row := parked()
	assert.Equal(t, outbox.MaxAttempts, row.Attempts)
	assert.Equal(t, "no queue took it", row.Reason)
	assert.NotNil(t, row.ParkedAt)
	assert.Greater(t, row.Next, 8*time.Minute)
	assert.LessOrEqual(t, row.Next, 10*time.Minute)

	execute(t, database, "UPDATE outbox SET available_at = now()") // ten minutes later
	servertest.Eventually(t, patience, "tried again", func() bool { return list(t, database)[0].Attempts == outbox.MaxAttempts+1 })
	assert.Equal(t, row.ParkedAt, parked().ParkedAt)
	to.set(func(b *fake) { b.refuse = nil })
	execute(t, database, "UPDATE outbox SET available_at = now()")
	emptied(t, database)

	said := func() []string { return strings.Split(strings.TrimSpace(log.String()), "\n") }
	servertest.Eventually(t, patience, "it says that it was sent", func() bool { return strings.Contains(log.String(), "sent after all") })
	var states []string
	for _, line := range said() {
		if strings.Contains(line, "parked") {
			states = append(states, line)
		}
		assert.NotContains(t, line, "private")
	}
	require.Len(t, states, 2, "parked, and sent after all")
	for _, fact := range []string{"level=ERROR", "id=1", "message_id=" + bad.ID.String(), "exchange=notes", "key=note.bad", `error="no queue took it"`} {
		assert.Contains(t, states[0], fact)
	}
	assert.Contains(t, states[1], "message_id="+bad.ID.String())
}

func TestARowThatCannotBeReadIsParkedAtOnce(t *testing.T) {
	database, to := open(t), &fake{}
	add(t, database, note("note.bad"), note("note.good"))
	execute(t, database, `UPDATE outbox SET headers = '["not", "a map"]' WHERE key = 'note.bad'`)
	start(t, newRelay(database, to).Run)

	servertest.Eventually(t, patience, "the other is sent and this one parked", func() bool {
		return to.count() == 1 && rows(t, database, "state = 'parked'") == 1
	})
	row := list(t, database)[0]
	assert.Contains(t, row.Reason, "headers")
	assert.Equal(t, outbox.MaxAttempts, row.Attempts)

	execute(t, database, `UPDATE outbox SET headers = '{}'`)
	retried, err := outbox.Retry(t.Context(), database, outbox.Choice{IDs: []int64{row.ID}}, false)
	require.NoError(t, err)
	assert.Equal(t, outbox.Retried{Due: 1}, retried)
	emptied(t, database)
}

func TestParkedRowsThatAreDueHoldUpNoOther(t *testing.T) {
	database := open(t)
	bad := notes(500) // more than a batch, all due
	for i := range bad {
		bad[i].Key = "note.bad"
	}
	add(t, database, bad...)
	execute(t, database, "UPDATE outbox SET state = 'parked', attempts = 10, available_at = now() - interval '1 h'")
	add(t, database, notes(100)...)
	to := newGate()
	start(t, newRelay(database, to).Run)

	<-to.entered // the first batch has all that are not parked
	assert.Equal(t, 100, rows(t, database, "state = 'claimed' AND key <> 'note.bad'"))
	for range 10 {
		to.fail <- false
	}
	emptied(t, database)
}

func TestRetryMakesRowsDueWithFreshAttemptsAndWakesTheRelay(t *testing.T) {
	database, to := open(t), &fake{}
	start(t, newRelay(database, to).PollEvery(time.Hour).Run)
	listening(t, database, to)
	park := func() {
		execute(t, database, `INSERT INTO outbox (message_id, exchange, key, content_type, headers, body, optional, state, attempts, last_error, available_at)
			SELECT gen_random_uuid(), 'notes', kind, 'text/plain', '{}', '', false, state, attempts, reason, now() + interval '9 min'
			FROM (VALUES ('late', 'waiting', 0, ''), ('postponed', 'waiting', 4, 'no'), ('parked', 'parked', 12, 'no'),
				('sending', 'claimed', 3, 'no')) AS r (kind, state, attempts, reason)`)
		execute(t, database, "UPDATE outbox SET available_at = now() + interval '29 s' WHERE state = 'claimed'")
	}
	ids := func() (ids []int64) {
		for _, entry := range list(t, database) {
			ids = append(ids, entry.ID)
		}
		return ids
	}
	park()
	for name, test := range map[string]struct {
		choice outbox.Choice
		want   outbox.Retried
		sent   []string
	}{
		"the parked":     {outbox.Choice{Parked: true}, outbox.Retried{Due: 1}, []string{"parked"}},
		"all that fail":  {outbox.Choice{Failed: true}, outbox.Retried{Due: 2, Sending: 1}, []string{"parked", "postponed"}},
		"those with ids": {outbox.Choice{IDs: ids()}, outbox.Retried{Due: 3, Sending: 1}, []string{"late", "parked", "postponed"}},
	} {
		execute(t, database, "DELETE FROM outbox")
		execute(t, database, "ALTER SEQUENCE outbox_id_seq RESTART")
		park()
		if test.choice.IDs != nil {
			test.choice.IDs = ids()
		}
		before := list(t, database)
		would, err := outbox.Retry(t.Context(), database, test.choice, true)
		require.NoError(t, err, name)
		assert.Equal(t, test.want, would, name)
		after := list(t, database)
		for i := range after {
			assert.Equal(t, before[i].NextAt, after[i].NextAt, "%s: a dry run changes nothing", name)
		}

		to.set(func(b *fake) { b.taken = nil })
		did, err := outbox.Retry(t.Context(), database, test.choice, false)
		require.NoError(t, err, name)
		assert.Equal(t, test.want, did, name)
		servertest.Eventually(t, patience, name+" are sent", func() bool { return to.count() == len(test.sent) })
		var keys []string
		to.set(func(b *fake) {
			for _, m := range b.taken {
				keys = append(keys, m.Key)
			}
		})
		assert.ElementsMatch(t, test.sent, keys, name)
		servertest.Eventually(t, patience, name+" are settled", func() bool { return rows(t, database) == 4-len(test.sent) })
	}
}

func TestARetriedRowHasFreshAttempts(t *testing.T) {
	database := open(t)
	add(t, database, note("note.bad"))
	execute(t, database, "UPDATE outbox SET state = 'parked', attempts = 12, last_error = 'no', available_at = now() + interval '9 min'")
	_, err := outbox.Retry(t.Context(), database, outbox.Choice{Parked: true}, false)
	require.NoError(t, err)
	row := list(t, database)[0]
	assert.Equal(t, outbox.Waiting, row.State)
	assert.Zero(t, row.Attempts)
	assert.Zero(t, row.Next)
	assert.Equal(t, "no", row.Reason)
}

func TestRetryOfAnUnknownRowNamesItAndChangesNothing(t *testing.T) {
	database := open(t)
	add(t, database, note("note.bad"))
	execute(t, database, "UPDATE outbox SET state = 'parked', attempts = 12, available_at = now() + interval '9 min'")
	_, err := outbox.Retry(t.Context(), database, outbox.Choice{IDs: []int64{1, 4711, 4712}}, false)
	require.ErrorContains(t, err, "[4711 4712]")
	assert.Equal(t, outbox.Parked, list(t, database)[0].State)
	_, err = outbox.Retry(t.Context(), database, outbox.Choice{}, false)
	require.Error(t, err)
}

func TestListGivesTheOldestFirstAndNoBodies(t *testing.T) {
	database := open(t)
	secret := note("note.secret")
	secret.Headers = map[string]string{"name": "private"}
	secret.Body = []byte("private")
	add(t, database, note("note.first"), secret, note("note.third"))
	execute(t, database, "UPDATE outbox SET state = 'parked', available_at = now() + interval '1 min', created_at = now() - interval '1 h' WHERE key = 'note.secret'")

	all, err := outbox.List(t.Context(), database, outbox.Filter{}, 2)
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, "note.first", all[0].Key)
	parked, err := outbox.List(t.Context(), database, outbox.Filter{State: outbox.Parked}, 100)
	require.NoError(t, err)
	require.Len(t, parked, 1)
	assert.Equal(t, secret.ID, parked[0].MessageID)
	assert.NotEqual(t, uuid.Nil, parked[0].MessageID)
	assert.InDelta(t, time.Hour, parked[0].Age, float64(time.Minute))
	assert.InDelta(t, time.Minute, parked[0].Next, float64(30*time.Second))
}
