package system

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

func TestFaultTheSameEventAThousandTimes(t *testing.T) {
	const copies = 1000
	// Not her own pizza is what she likes: that goes with her, and takes its likes along, so which of two messages deletes
	// them is open.
	pizza, err := tizza.HousePizza(t.Context(), "Margherita")
	require.NoError(t, err)
	f := newFault(t, 0)
	ann := f.personWho(pizza)
	told := overhear(t, "user.deleted.2.#")
	before := f.count("auth", "SELECT count(*) FROM inbox")
	f.stopped("likes")
	address := f.forget([]string{ann}, 0)[0]
	var events []letter
	require.True(t, within(t, patience, func() bool {
		events = take(t, told, 1)
		return len(events) == 1
	}))
	event := events[0]
	rabbit(t, http.MethodDelete, "/api/bindings/%2F/e/users/q/"+told+"/user.deleted.2.%23", nil, nil)
	var publishers errgroup.Group
	publishers.SetLimit(8)
	for range copies {
		publishers.Go(func() error {
			say(t, "users", event)
			return nil
		})
	}
	require.NoError(t, publishers.Wait())

	never := f.answered("likes")
	answered := never
	var starting errgroup.Group
	starting.Go(func() error { return running.Start(f.ctx, "likes") })
	for _, part := range []string{"likes", "rabbitmq"} { // each as soon as likes is at work
		require.True(t, within(t, patience, func() bool { return f.answered("likes") > answered }), "likes is at work")
		require.NoError(t, running.Kill(part))
		t.Logf("%s was killed, likes has answered %d times", part, f.answered("likes")-never)
		answered = f.answered("likes")
	}
	require.NoError(t, starting.Wait())
	require.NoError(t, running.Wait(f.ctx, "rabbitmq"))

	f.complete([]string{address})
	f.over()
	erasure, err := tizza.Complete(f.ctx, address)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"likes": 1}, erasure.Deleted("likes"))
	assert.Equal(t, map[string]int{"pizzas": 1}, erasure.Deleted("pizza"))
	assert.Equal(t, map[string]int{"events": 1, "attendances": 1}, erasure.Deleted("events"))
	for _, holder := range holders {
		assert.Equal(t, 1, f.count(holder, "SELECT count(*) FROM receipts WHERE message_id = $1", event.Properties.MessageID), "%s did it once", holder)
	}
	t.Logf("likes answered %d times", f.answered("likes")-never)
	assert.Equal(t, before+len(holders), f.count("auth", "SELECT count(*) FROM inbox"), "auth has one receipt of each")
}

// personWho is somebody who likes that pizza, and has a pizza and an event to which she goes.
func (f *fault) personWho(likes int64) (id string) {
	f.Helper()
	person, err := tizza.SignUp(f.ctx, newName())
	require.NoError(f, err)
	require.NoError(f, person.Like(f.ctx, likes))
	own, err := person.UploadPizza(f.ctx, "Marinara")
	require.NoError(f, err)
	event, err := person.Host(f.ctx, "Pizza night", own)
	require.NoError(f, err)
	require.NoError(f, person.Attend(f.ctx, event))
	return person.ID
}

// answered counts the receipts that a holder has ever sent, repeated ones too.
func (f *fault) answered(holder string) int {
	f.Helper()
	return f.count(holder, "SELECT last_value FROM outbox_id_seq")
}

// TestFaultTheClockIsMoved moves the times that wait in the database by an hour, which to who reads them is the same as if
// its clock had been moved the other way. Some messages are lost besides, so that they have to be told again.
func TestFaultTheClockIsMoved(t *testing.T) {
	f := newFault(t, 90)
	began := time.Now()
	f.stopped("rabbitmq")
	erasures := f.forget(f.some(90), 0)
	f.Cleanup(func() { // should it have been in vain, for the tests that come after
		_, err := databases["auth"].ExecContext(context.Background(), "UPDATE outbox SET available_at = now() WHERE available_at > now()")
		assert.NoError(t, err)
	})
	const (
		anHour = "CASE WHEN random() < 0.5 THEN interval '1 hour' ELSE interval '-1 hour' END"
		aThird = "completed_at IS NULL AND position % 3 = 0"
	)
	lost := f.exec("auth", "DELETE FROM outbox WHERE message_id IN (SELECT message_id FROM erasures WHERE "+aThird+")")
	f.exec("auth", "UPDATE erasures SET remind_at = remind_at + "+anHour+" WHERE "+aThird)
	f.exec("auth", "UPDATE outbox SET available_at = available_at + "+anHour)
	assert.NotZero(t, lost)
	require.NoError(t, running.Start(f.ctx, "rabbitmq"))

	usual, cancel := context.WithTimeout(f.ctx, patience)
	defer cancel()
	for _, address := range erasures {
		_, err := tizza.Complete(usual, address)
		require.NoError(t, err)
	}
	t.Logf("%d messages were lost, %d erasures were told again", lost, f.toldAgain(began))
	f.over()
}

func TestFaultTwoRelaysInARollingUpdate(t *testing.T) {
	const n = 120
	f := newFault(t, n)
	told := overhear(t, "user.deleted.2.#")
	began := time.Now()
	second := beside(f.ctx, t, "auth", "worker")
	erasures := f.forget(f.some(n/2), 0)
	f.finally("auth")
	var later []string
	var others errgroup.Group
	others.Go(func() (err error) { // asks until it is heard: while the first is away, nobody accepts requests
		later, _, err = tizza.Forget(f.ctx, f.some(n/2), concurrency)
		return err
	})
	require.NoError(t, running.Stop(f.ctx, "auth"))
	assert.True(t, within(t, patience, func() bool {
		return f.count("auth", "SELECT count(*) FROM erasures WHERE completed_at IS NULL") == 0
	}), "the second alone sends what is left and takes the receipts")
	require.NoError(t, running.Start(f.ctx, "auth"))
	require.NoError(t, others.Wait())
	erasures = append(erasures, later...)
	assert.NotZero(t, second.counted(f.ctx, "outbox_sent_total"))
	second.stop()

	f.complete(erasures)
	sent := take(t, told, 2*n)
	ids := map[string]int{}
	for _, l := range sent {
		ids[l.Properties.MessageID]++
	}
	assert.Len(t, ids, n, "everybody's was sent")
	again := f.count("auth", "SELECT coalesce(sum(reminders), 0) FROM erasures WHERE requested_at >= $1", began) // on a very slow machine
	assert.Len(t, sent, n+again, "once")
	f.over()
}

// unusedAddress is one on loopback where nobody listens.
func unusedAddress(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { assert.NoError(t, listener.Close()) }()
	return listener.Addr().String()
}
