package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"gorm.io/gorm"

	holding "github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/services/auth/internal/erasure"
	store "github.com/tizza/tizza/services/auth/internal/postgres"
	"github.com/tizza/tizza/services/auth/internal/user"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var whatever = version.Condition{}

// world is one database and what is kept in it.
type world struct {
	*testing.T
	database *postgres.Database
	users    *store.Store
	ledger   *store.Ledger
}

func newWorld(t *testing.T) *world {
	return newWorldWith(t, store.Announcement{Format: message.JSON, V1: true})
}

func newWorldWith(t *testing.T, announcement store.Announcement) *world {
	t.Helper()
	t.Parallel()
	database := servertest.Postgres(t, store.Schemas()...)
	holder := holding.NewHolder("test", store.Register(message.JSON))
	return &world{
		T: t, database: database,
		users:  store.NewStore(database, holder, message.JSON),
		ledger: store.NewLedger(database, holder, announcement),
	}
}

func (w *world) ctx() context.Context { return w.Context() }

// person signs somebody up.
func (w *world) person(username string) user.User {
	w.Helper()
	u, err := w.users.Add(w.ctx(), user.User{ID: uuid.New(), Username: username, Email: username + "@example.org", PasswordHash: "hash"})
	require.NoError(w, err)
	return u
}

func (w *world) session(u user.User) user.Session {
	w.Helper()
	s, err := w.users.AddSession(w.ctx(), u, user.Session{ID: uuid.New(), User: u.ID, ExpiresAt: time.Now().Add(time.Hour).UTC().Truncate(time.Second)})
	require.NoError(w, err)
	return s
}

// erasure begins one for the person.
func (w *world) erasure(person uuid.UUID) erasure.Erasure {
	w.Helper()
	e, err := w.ledger.Begin(w.ctx(), newErasure(person), whatever)
	require.NoError(w, err)
	return e
}

func newErasure(person uuid.UUID) erasure.Erasure {
	return erasure.Erasure{ID: uuid.NewString(), Message: uuid.New(), Person: person}
}

func (w *world) register(services ...string) {
	w.Helper()
	require.NoError(w, w.ledger.Register(w.ctx(), services))
}

func (w *world) receive(e erasure.Erasure, service string, left int32) error {
	return w.ledger.Receive(w.ctx(), "queue", erasure.Receipt{
		Message: uuid.New(), Erasure: e.ID, Person: e.Person, Service: service,
		Deleted: map[string]int32{service: 3}, Left: left, ErasedAt: time.Now(),
	})
}

func (w *world) get(id string) erasure.Erasure {
	w.Helper()
	e, err := w.ledger.Get(w.ctx(), id)
	require.NoError(w, err)
	return e
}

// states are those of an erasure's holders.
func states(e erasure.Erasure) map[string]erasure.HolderState {
	found := map[string]erasure.HolderState{}
	for _, h := range e.Holders {
		found[h.Service] = h.State
	}
	return found
}

func (w *world) count(query string, args ...any) int {
	w.Helper()
	var n int
	require.NoError(w, w.database.DB().Raw("SELECT count(*) FROM "+query, args...).Scan(&n).Error)
	return n
}

func (w *world) exec(statement string, args ...any) {
	w.Helper()
	require.NoError(w, w.database.DB().Session(&gorm.Session{}).Exec(statement, args...).Error)
}

// letter is a row of the outbox.
type letter struct {
	MessageID   uuid.UUID
	Exchange    string
	Key         string
	ContentType string
	Body        string
	Optional    bool
}

func (w *world) outbox() []letter {
	w.Helper()
	var letters []letter
	err := w.database.DB().Raw("SELECT message_id, exchange, key, content_type, convert_from(body, 'UTF8') AS body, optional FROM outbox ORDER BY id").
		Scan(&letters).Error
	require.NoError(w, err)
	return letters
}
