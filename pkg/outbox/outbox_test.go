package outbox_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
)

const patience = 20 * time.Second

// broker takes messages, and refuses those that refuse names.
type broker struct {
	mu     sync.Mutex
	taken  []message.Message
	down   error
	asked  int // whether it is down
	refuse func(message.Message) error
}

func (b *broker) Ready(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	return b.down
}

func (b *broker) Publish(_ context.Context, messages []message.Message) []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	results := make([]error, len(messages))
	for i, m := range messages {
		if results[i] = b.down; b.refuse != nil {
			results[i] = b.refuse(m)
		}
		if results[i] == nil {
			b.taken = append(b.taken, m)
		}
	}
	return results
}

func (b *broker) set(change func(*broker)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

func (b *broker) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.taken)
}

func open(t *testing.T) *postgres.Database {
	t.Parallel()
	database := servertest.Postgres(t, outbox.Schema())
	require.NoError(t, database.Migrate(t.Context())) // the template is; this process has not seen it yet
	return database
}

func relay(t *testing.T, database *postgres.Database, to *broker) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- outbox.NewRelay(database, to, slog.New(slog.DiscardHandler)).Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return stop
}

func note(key string) message.Message {
	return message.Message{ID: uuid.New(), Exchange: "notes", Key: key, ContentType: "application/json", Body: []byte(`{}`)}
}

func add(t *testing.T, database *postgres.Database, messages ...message.Message) {
	t.Helper()
	require.NoError(t, database.DB().WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
		return outbox.Append(tx, messages...)
	}))
}

func rows(t *testing.T, database *postgres.Database) (n int64) {
	t.Helper()
	require.NoError(t, database.DB().WithContext(t.Context()).Raw("SELECT count(*) FROM outbox").Scan(&n).Error)
	return n
}

func emptied(t *testing.T, database *postgres.Database) {
	t.Helper()
	servertest.Eventually(t, patience, "outbox emptied", func() bool { return rows(t, database) == 0 })
}

func TestAMessageGoesOutWithItsTransaction(t *testing.T) {
	database, to := open(t), &broker{}
	relay(t, database, to)
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

func TestARowThatCannotGoHoldsUpNoOther(t *testing.T) {
	database := open(t)
	stuck := note("note.stuck")
	to := &broker{refuse: func(m message.Message) error {
		if m.ID == stuck.ID {
			return errors.New("no queue")
		}
		return nil
	}}
	relay(t, database, to)
	add(t, database, stuck)
	for range 300 {
		add(t, database, note("note.made"))
	}

	servertest.Eventually(t, patience, "others sent", func() bool { return to.count() == 300 && rows(t, database) == 1 })

	to.set(func(b *broker) { b.refuse = nil })
	emptied(t, database)
	assert.Equal(t, 301, to.count())
}

func TestABrokerThatIsDownCostsARowNothing(t *testing.T) {
	database, to := open(t), &broker{down: errors.New("down")}
	add(t, database, note("note.made"))
	relay(t, database, to)

	servertest.Eventually(t, patience, "the relay looked twice", func() bool {
		to.mu.Lock()
		defer to.mu.Unlock()
		return to.asked >= 2
	})
	var untried int
	require.NoError(t, database.DB().Raw("SELECT count(*) FROM outbox WHERE attempts = 0").Scan(&untried).Error)
	assert.Equal(t, 1, untried)

	to.set(func(b *broker) { b.down = nil })
	emptied(t, database)
}

func TestARelayThatDiedBetweenPublishAndSettleIsReplaced(t *testing.T) {
	database, to := open(t), &broker{}
	add(t, database, note("note.made"))
	// What a relay leaves that is killed after it has claimed: a lease that runs out.
	require.NoError(t, database.DB().Exec("UPDATE outbox SET available_at = now() + interval '2 seconds', attempts = 1").Error)
	relay(t, database, to)

	emptied(t, database)
	assert.Equal(t, 1, to.count())
}

func TestTwoRelaysShareTheWork(t *testing.T) {
	database, to := open(t), &broker{}
	var messages []message.Message
	for range 1000 {
		messages = append(messages, note("note.made"))
	}
	add(t, database, messages...)
	relay(t, database, to)
	relay(t, database, to)

	emptied(t, database)
	assert.Equal(t, 1000, to.count(), "no message was sent twice")
}

func TestADelayedMessageIsHeldBack(t *testing.T) {
	database, to := open(t), &broker{}
	late := note("note.late")
	late.Delay = 3 * time.Second
	began := time.Now()
	add(t, database, late, note("note.soon"))
	relay(t, database, to)

	servertest.Eventually(t, patience, "the other is sent", func() bool { return to.count() == 1 })
	emptied(t, database)
	assert.GreaterOrEqual(t, time.Since(began), late.Delay)
	assert.Equal(t, late.ID, to.taken[1].ID)
}

func TestAppendRefusesAMessageWithoutAnID(t *testing.T) {
	database := open(t)
	err := database.DB().WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
		return outbox.Append(tx, message.Message{Exchange: "notes", Key: "note.made"})
	})
	require.Error(t, err)
}
