package outbox_test

import (
	"testing"
	"time"

	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
)

// listening returns when only NOTIFY can wake the relay: it listens, and has looked for what came before.
func listening(t *testing.T, database *postgres.Database, to *fake) {
	t.Helper()
	servertest.Eventually(t, patience, "the relay listens", func() bool {
		var n int
		err := database.DB().Raw("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN outbox' AND state = 'idle'").Scan(&n).Error
		return err == nil && n > 0
	})
	for sent := 1; sent <= 2; sent++ {
		add(t, database, note("note.made"))
		servertest.Eventually(t, patience, "the relay is awake", func() bool { return to.count() == sent })
	}
	emptied(t, database)
}

func TestANewMessageWakesTheRelay(t *testing.T) {
	database, to := open(t), &fake{}
	start(t, newRelay(database, to).PollEvery(time.Hour).Run)
	listening(t, database, to)

	add(t, database, note("note.made"))
	emptied(t, database)
}

func TestTheRelayFindsWhatNoNotificationToldItOf(t *testing.T) {
	database, to := open(t), &fake{}
	start(t, newRelay(database, to).Run)
	listening(t, database, to)

	formerRelay{database}.append(t, 1) // as a notification that got lost
	emptied(t, database)
}
