package outbox_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
)

// jump does to the rows what a clock that is set does to all that was written before.
func jump(t *testing.T, database *postgres.Database, by time.Duration) {
	t.Helper()
	execute(t, database, "UPDATE outbox SET created_at = created_at - ? * interval '1 second', available_at = available_at - ? * interval '1 second'",
		by.Seconds(), by.Seconds())
}

// oneOfEach leaves a row in each state whose time has not come: held back, postponed, claimed by a relay that died, parked.
func oneOfEach(t *testing.T, database *postgres.Database) {
	t.Helper()
	late := note("note.late")
	late.Delay = outbox.MaxDelay
	add(t, database, late, note("note.postponed"), note("note.claimed"), note("note.parked"))
	execute(t, database, "UPDATE outbox SET attempts = 7, available_at = now() + interval '90 s' WHERE key = 'note.postponed'")
	execute(t, database, "UPDATE outbox SET attempts = 1, state = 'claimed', available_at = now() + interval '30 s' WHERE key = 'note.claimed'")
	execute(t, database, "UPDATE outbox SET attempts = 10, state = 'parked', available_at = now() + interval '10 min' WHERE key = 'note.parked'")
}

func TestWhenTheClockIsSetByAnHourNothingLiesForAnHour(t *testing.T) {
	for name, by := range map[string]time.Duration{"back": -time.Hour, "ahead": time.Hour} {
		t.Run(name, func(t *testing.T) {
			database, to := open(t), &fake{}
			oneOfEach(t, database)
			add(t, database, note("note.made"))
			jump(t, database, by)
			start(t, newRelay(database, to).Run)

			emptied(t, database)
			assert.Equal(t, 5, to.count())
		})
	}
}

func TestWithoutAJumpEveryRowWaitsForItsTime(t *testing.T) {
	database, to := open(t), &fake{}
	oneOfEach(t, database)
	start(t, newRelay(database, to).Run)

	for sent := 1; sent <= 3; sent++ { // each is seen by a look of its own
		add(t, database, note("note.made"))
		servertest.Eventually(t, patience, "another is sent", func() bool { return to.count() == sent })
	}
	servertest.Eventually(t, patience, "the others lie where they lay", func() bool { return rows(t, database) == 4 })
	assert.Equal(t, 3, to.count())
}

func TestARelayThatLosesItsClaimByAJumpTouchesNothingThatAnotherHasClaimedSince(t *testing.T) {
	database := open(t)
	add(t, database, note("note.made"))
	slow, other := newGate(), newGate()
	start(t, newRelay(database, slow).Run)
	<-slow.entered
	jump(t, database, time.Hour)
	start(t, newRelay(database, other).Run)
	<-other.entered
	claimed := claimOf(t, database)
	require.Equal(t, 2, claimed.Attempts)

	slow.fails()
	assert.Equal(t, claimed, claimOf(t, database))
	other.fail <- false
	emptied(t, database)
}

func TestARelayThatLostItsClaimTouchesNothingThatAnotherHasGivenBackSince(t *testing.T) {
	database := open(t)
	add(t, database, note("note.made"))
	slow := newGate()
	start(t, newRelay(database, slow).Run)
	<-slow.entered
	// The other's attempt was the second, and is given back.
	execute(t, database, "UPDATE outbox SET state = 'waiting', attempts = 1, available_at = now() + interval '9 min'")
	given := claimOf(t, database)

	slow.fails()
	assert.Equal(t, given, claimOf(t, database))
}

func TestWhatWasDeliveredIsDeletedAlthoughAnotherHasClaimedItSince(t *testing.T) {
	database := open(t)
	add(t, database, note("note.made"))
	slow := newGate()
	start(t, newRelay(database, slow).Run)
	<-slow.entered
	execute(t, database, "UPDATE outbox SET attempts = 2, available_at = now() + interval '29 s'") // the other's claim
	slow.fail <- false
	emptied(t, database)
}
