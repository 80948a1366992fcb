package postgres_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// due makes the time of every reminder come.
func (w *world) due() {
	w.Helper()
	w.exec("UPDATE erasures SET remind_at = now() - interval '1 second'")
}

// wait is how long it is until the erasure's next reminder.
func (w *world) wait(id string) time.Duration {
	w.Helper()
	var seconds float64
	require.NoError(w, w.database.DB().Raw("SELECT extract(epoch FROM remind_at - now()) FROM erasures WHERE id = ?", id).Scan(&seconds).Error)
	return time.Duration(seconds * float64(time.Second))
}

func (w *world) remind() int {
	w.Helper()
	count, err := w.ledger.Remind(w.ctx(), 100)
	require.NoError(w, err)
	return count
}

func TestAReminderIsTheSameMessageWithGrowingDelay(t *testing.T) {
	w := newWorld(t)
	w.register("pizza")
	e := w.erasure(w.person("ada").ID)
	assert.InDelta(t, 30*time.Second, w.wait(e.ID), float64(5*time.Second))
	assert.Equal(t, 0, w.remind(), "its time has not come")
	told := w.outbox()[1]
	w.exec("DELETE FROM outbox")

	for _, next := range []time.Duration{
		time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour,
	} {
		w.due()
		assert.Equal(t, 1, w.remind())
		assert.InDelta(t, next, w.wait(e.ID), float64(5*time.Second))
		assert.Equal(t, []letter{told}, w.outbox())
		w.exec("DELETE FROM outbox")
	}
	w.exec("UPDATE erasures SET reminders = 1000000")
	w.due()
	assert.Equal(t, 1, w.remind())
}

func TestAClockThatIsMovedHoldsUpNoReminder(t *testing.T) {
	for name, move := range map[string]string{"an hour back": "+ interval '1 hour'", "an hour ahead": "- interval '1 hour'"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.register("pizza")
			e := w.erasure(w.person("ada").ID)
			for _, next := range []time.Duration{time.Minute, 2 * time.Minute} {
				assert.Equal(t, 0, w.remind(), "its time has not come")
				w.exec("UPDATE erasures SET remind_at = remind_at " + move)
				assert.Equal(t, 1, w.remind())
				assert.InDelta(t, next, w.wait(e.ID), float64(5*time.Second))
			}
			w.exec("UPDATE erasures SET reminders = 100, remind_at = now() + interval '59 minutes'")
			assert.Equal(t, 0, w.remind(), "the longest delay is no moved clock")
		})
	}
}

func TestAHolderWithSomethingLeftIsToldInANewRound(t *testing.T) {
	w := newWorld(t)
	w.register("pizza")
	e := w.erasure(w.person("ada").ID)
	require.NoError(t, w.receive(e, "pizza", 2))
	w.exec("DELETE FROM outbox")
	w.due()

	require.Equal(t, 1, w.remind())

	again := w.outbox()
	require.Len(t, again, 1)
	assert.NotEqual(t, e.Message, again[0].MessageID, "to the same message the holder would only repeat its receipt")
	assert.Equal(t, w.get(e.ID).Message, again[0].MessageID)
}

func TestACompleteErasureIsNotRemindedOf(t *testing.T) {
	w := newWorld(t)
	w.register("pizza")
	e := w.erasure(w.person("ada").ID)
	require.NoError(t, w.receive(e, "pizza", 0))
	w.due()
	assert.Equal(t, 0, w.remind())
	assert.Len(t, w.outbox(), 2)
}

func TestReplicasThatRemindAtOnceRemindOnce(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		w.erasure(w.person(name).ID)
	}
	w.due()
	w.exec("DELETE FROM outbox")
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			_, err := w.ledger.Remind(w.ctx(), 3)
			assert.NoError(t, err)
		})
	}
	wait.Wait()
	w.remind()
	assert.Len(t, w.outbox(), 5)
}
