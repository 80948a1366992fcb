package consumer

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/broker"
	holding "github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/version"
	"github.com/tizza/tizza/proto/corpus"
	"github.com/tizza/tizza/services/auth/internal/erasure"
	store "github.com/tizza/tizza/services/auth/internal/postgres"
	"github.com/tizza/tizza/services/auth/internal/user"
)

// said is what the examples of a value say.
type said struct {
	Person  uuid.UUID        `json:"user_uuid"`
	Erasure string           `json:"erasure_id"`
	Service string           `json:"service"`
	Deleted map[string]int32 `json:"deleted"`
	Left    int32            `json:"left"`
	Erased  time.Time        `json:"erased_at"`
}

func say(t *testing.T, e corpus.Example) (s said) {
	t.Helper()
	require.NoError(t, json.Unmarshal(e.Plain(), &s))
	return s
}

// reader is the service's consumers with a database, in which the erasure that the corpus speaks of waits for its holders.
type reader struct {
	db       *gorm.DB
	ledger   *store.Ledger
	topology broker.Topology
	pending  erasure.Erasure
}

func newReader(t *testing.T) *reader {
	t.Helper()
	about := say(t, corpus.Released("user.erased.1.0.0", "events", "application/json"))
	database := servertest.Postgres(t, store.Schemas()...)
	holder := holding.NewHolder("test", store.Register(message.JSON))
	r := &reader{db: database.DB().WithContext(t.Context()), ledger: store.NewLedger(database, holder, store.Announcement{Format: message.JSON})}
	r.topology = Topology(r.ledger)
	require.NoError(t, r.ledger.Register(t.Context(), []string{"events", "likes", "pizza"}))
	_, err := store.NewStore(database, holder, message.JSON).Add(t.Context(), user.User{ID: about.Person, Username: "ada"})
	require.NoError(t, err)
	r.pending, err = r.ledger.Begin(t.Context(), erasure.Erasure{ID: about.Erasure, Message: uuid.New(), Person: about.Person}, version.Condition{})
	require.NoError(t, err)
	return r
}

// holder is how far a holder is with it.
func (r *reader) holder(t *testing.T, service string) erasure.Holder {
	t.Helper()
	e, err := r.ledger.Get(t.Context(), r.pending.ID)
	require.NoError(t, err)
	i := slices.IndexFunc(e.Holders, func(h erasure.Holder) bool { return h.Service == service })
	require.GreaterOrEqual(t, i, 0, "%s", service)
	return e.Holders[i]
}

// each goes through the examples of all messages that the service reads, with what reads them.
func (r *reader) each(t *testing.T, of func(name string, major int) []corpus.Example, do func(*testing.T, broker.Subscription, corpus.Example)) {
	t.Helper()
	for _, s := range r.topology.Subscriptions {
		for _, kind := range slices.Concat(s.Reads, s.Formerly) {
			read, err := message.ParseType(kind + ".0.0")
			require.NoError(t, err)
			for _, example := range of(read.Name, read.Major) {
				t.Run(example.Path, func(t *testing.T) { do(t, s, example) })
			}
		}
	}
}

// handle hands an example over as the broker does.
func handle(t *testing.T, s broker.Subscription, e corpus.Example) error {
	t.Helper()
	of, err := message.ParseType(e.Type)
	require.NoError(t, err)
	m := message.Message{ID: uuid.New(), Exchange: s.Exchange, Key: e.Type, ContentType: e.ContentType, Body: e.Body}
	return s.Together(t.Context(), []broker.Delivery{{Message: m, Type: of, Attempt: 1}})
}

func TestWhateverWasReleasedIsReadToItsEffect(t *testing.T) {
	r := newReader(t)
	r.each(t, corpus.Of, func(t *testing.T, s broker.Subscription, e corpus.Example) {
		require.NoError(t, r.db.Exec("UPDATE erasure_holders SET state = 'pending', deleted = '{}', remaining = NULL, erased_at = NULL").Error)
		done := say(t, e)

		require.NoError(t, handle(t, s, e))

		want := erasure.Holder{Service: done.Service, State: erasure.HolderErased, Deleted: done.Deleted, Left: &done.Left, ErasedAt: &done.Erased}
		if done.Left > 0 {
			want.State, want.ErasedAt = erasure.HolderPending, nil
		}
		assert.Equal(t, want, r.holder(t, done.Service))
	})
}

func TestWhatCanNeverBeReadIsADeadLetterAtOnceAndChangesNothing(t *testing.T) {
	r := newReader(t)
	r.each(t, corpus.Bad, func(t *testing.T, s broker.Subscription, e corpus.Example) {
		err := handle(t, s, e)

		require.True(t, broker.IsPermanent(err), "%v", err)
		now, err := r.ledger.Get(t.Context(), r.pending.ID)
		require.NoError(t, err)
		assert.Equal(t, r.pending, now)
		var handled int
		require.NoError(t, r.db.Raw("SELECT count(*) FROM inbox").Scan(&handled).Error)
		assert.Zero(t, handled)
	})
}
