package outbox_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/servertest"
)

func TestAMessageGoesOutWithItsTransaction(t *testing.T) {
	database, to := open(t), &fake{}
	start(t, newRelay(database, to).Run)
	sent := note("note.made.1.0.0")

	require.Error(t, database.DB().WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
		require.NoError(t, outbox.Append(tx, note("note.never")))
		return errors.New("rolled back")
	}))
	add(t, database, sent)

	emptied(t, database)
	require.Equal(t, 1, to.count())
	got := to.taken[0]
	assert.Equal(t, sent.ID, got.ID)
	assert.Equal(t, sent.Key, got.Key)
	assert.Equal(t, sent.Body, got.Body)
	assert.WithinDuration(t, time.Now(), got.Time, time.Minute)
}

func TestManyMessagesAreAppendedTogether(t *testing.T) {
	database, to := open(t), &fake{}
	messages := notes(10_000) // more than one statement takes
	add(t, database, messages...)
	start(t, newRelay(database, to).Run)

	emptied(t, database)
	want, got := map[uuid.UUID]int{}, map[uuid.UUID]int{}
	for _, m := range messages {
		want[m.ID] = 1
	}
	for _, m := range to.taken {
		got[m.ID]++
	}
	assert.Equal(t, want, got)
}

func TestARowThatCannotGoHoldsUpNoOther(t *testing.T) {
	database := open(t)
	stuck := note("note.stuck")
	to := &fake{refuse: func(m message.Message) error {
		if m.ID == stuck.ID {
			return errors.New("no queue")
		}
		return nil
	}}
	start(t, newRelay(database, to).Run)
	add(t, database, stuck)
	for range 300 {
		add(t, database, note("note.made"))
	}

	servertest.Eventually(t, patience, "others sent", func() bool { return to.count() == 300 && rows(t, database) == 1 })

	to.set(func(b *fake) { b.refuse = nil })
	emptied(t, database)
	assert.Equal(t, 301, to.count())
}

func TestADelayedMessageIsHeldBack(t *testing.T) {
	database, to := open(t), &fake{}
	late := note("note.late")
	late.Delay = 3 * time.Second
	began := time.Now()
	add(t, database, late, note("note.soon"))
	start(t, newRelay(database, to).Run)

	servertest.Eventually(t, patience, "the other is sent", func() bool { return to.count() == 1 })
	emptied(t, database)
	assert.GreaterOrEqual(t, time.Since(began), late.Delay)
	assert.Equal(t, late.ID, to.taken[1].ID)
}

func TestAppendRefuses(t *testing.T) {
	database := open(t)
	for name, change := range map[string]func(*message.Message){
		"a message without an id":         func(m *message.Message) { m.ID = uuid.Nil },
		"a delay that hides a clock jump": func(m *message.Message) { m.Delay = outbox.MaxDelay + time.Second },
		"a delay into the past":           func(m *message.Message) { m.Delay = -time.Second },
	} {
		m := note("note.made")
		change(&m)
		require.Error(t, appendTo(t.Context(), database, note("note.made"), m), name)
	}
	assert.Zero(t, rows(t, database))
}

func TestTheTraceAndTheIDOfAMessageAreTheRowsAlsoAfterARetry(t *testing.T) {
	database := open(t)
	rabbit := newRabbit(t)
	require.NoError(t, rabbit.channel.QueueUnbind("reader.notes", "#", "notes", nil))
	start(t, newRelay(database, rabbit.publisher()).Run)
	request := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0x4b, 0xf9}, SpanID: trace.SpanID{0x00, 0xf0, 0x67}, TraceFlags: trace.FlagsSampled,
	})
	sent := note("note.made.1.0.0")
	sent.Headers = map[string]string{"colour": "blue"}
	require.NoError(t, appendTo(trace.ContextWithSpanContext(t.Context(), request), database, sent))
	servertest.Eventually(t, patience, "it failed, as no queue took it", func() bool {
		return rows(t, database, "state = 'waiting' AND attempts > 0 AND last_error LIKE '%no queue%'") == 1
	})

	rabbit.bind()
	emptied(t, database)

	got := rabbit.arrived()
	require.Len(t, got, 1)
	assert.Equal(t, sent.ID.String(), got[0].MessageId)
	assert.Equal(t, "00-4bf90000000000000000000000000000-00f0670000000000-01", got[0].Headers["traceparent"])
	assert.Equal(t, "blue", got[0].Headers["colour"])
}

func TestABrokerThatIsDownCostsARowNothing(t *testing.T) {
	database, to := open(t), &fake{down: errors.New("down")}
	add(t, database, note("note.made"))
	start(t, newRelay(database, to).Run)

	servertest.Eventually(t, patience, "the relay looked twice", func() bool {
		to.mu.Lock()
		defer to.mu.Unlock()
		return to.asked >= 2
	})
	assert.Equal(t, 1, rows(t, database, "state = 'waiting' AND attempts = 0"))

	to.set(func(b *fake) { b.down = nil })
	emptied(t, database)
}

// falling fails with its first batch, and stays down.
type falling struct{ fake }

func (b *falling) Publish(ctx context.Context, messages []message.Message) []error {
	b.set(func(b *fake) { b.down = errors.New("connection lost") })
	return b.fake.Publish(ctx, messages)
}

func TestABrokerThatGoesDownMeanwhileCostsARowNothing(t *testing.T) {
	for name, count := range map[string]int{"beside new rows": 3, "alone": 2} {
		t.Run(name, func(t *testing.T) {
			database, to := open(t), &falling{}
			add(t, database, notes(count)...)
			execute(t, database, "UPDATE outbox SET attempts = ? WHERE id = 1", outbox.MaxAttempts-1)
			execute(t, database, "UPDATE outbox SET state = 'parked', parked_at = now(), attempts = ? WHERE id = 2", outbox.MaxAttempts+5)
			var log lines
			start(t, outbox.NewRelay(database, to, log.log()).LeaseFor(shortLease).Run)

			servertest.Eventually(t, patience, "given back", func() bool {
				return rows(t, database, "last_error LIKE '%connection lost%'") > 0 && rows(t, database, "state = 'claimed'") == 0
			})
			assert.Equal(t, 1, rows(t, database, "id = 1 AND state = 'waiting' AND attempts = 9"))
			assert.Equal(t, 1, rows(t, database, "id = 2 AND state = 'parked' AND attempts = 15"))
			assert.Equal(t, count, rows(t, database, "available_at < now() + interval '2 seconds' AND (id < 3 OR attempts = 0)"))
			servertest.Eventually(t, patience, "held up", func() bool { return log.String() != "" })
			assert.Regexp(t, `^[^\n]*outbox relay is held up[^\n]*\n$`, log.String(), "and no row was parked")
		})
	}
}
