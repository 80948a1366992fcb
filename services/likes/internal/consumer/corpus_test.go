package consumer_test

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
	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/proto/corpus"
	"github.com/tizza/tizza/services/likes/internal/consumer"
	"github.com/tizza/tizza/services/likes/internal/postgres"
)

// said is what the examples of a value say.
type said struct {
	Person  uuid.UUID        `json:"user_uuid"`
	Erasure string           `json:"erasure_id"`
	Pizza   int64            `json:"pizza_id"`
	Deleted map[string]int32 `json:"deleted"`
	Left    int32            `json:"left"`
	Erased  time.Time        `json:"erased_at"`
	Session uuid.UUID        `json:"session_uuid"`
	Expires time.Time        `json:"expires_at"`
}

func say(t *testing.T, e corpus.Example) (s said) {
	t.Helper()
	require.NoError(t, json.Unmarshal(e.Plain(), &s))
	return s
}

// reader is the service's consumers with a database.
type reader struct {
	db       *gorm.DB
	topology broker.Topology
	ended    heard
}

// heard is the sessions that have ended.
type heard map[uuid.UUID]time.Time

func (h heard) Revoke(session uuid.UUID, expires time.Time) { h[session] = expires }

func newReader(t *testing.T, format message.Format) reader {
	t.Helper()
	database := servertest.Postgres(t, postgres.Schemas()...)
	holder := erasure.NewHolder("secret", postgres.Register())
	ended := heard{}
	return reader{database.DB().WithContext(t.Context()), consumer.Topology(database, holder, format, ended), ended}
}

// each goes through the examples of all messages that a queue or a broadcast reads.
func each(t *testing.T, kinds []string, of func(name string, major int) []corpus.Example, do func(*testing.T, corpus.Example)) {
	t.Helper()
	for _, kind := range kinds {
		read, err := message.ParseType(kind + ".0.0")
		require.NoError(t, err)
		for _, example := range of(read.Name, read.Major) {
			t.Run(example.Path, func(t *testing.T) { do(t, example) })
		}
	}
}

// delivered is an example as the broker hands it over.
func delivered(t *testing.T, id uuid.UUID, e corpus.Example) broker.Delivery {
	t.Helper()
	of, err := message.ParseType(e.Type)
	require.NoError(t, err)
	return broker.Delivery{Message: message.Message{ID: id, Key: e.Type, ContentType: e.ContentType, Body: e.Body}, Type: of, Attempt: 1}
}

func handle(t *testing.T, s broker.Subscription, id uuid.UUID, e corpus.Example) error {
	t.Helper()
	return s.Together(t.Context(), []broker.Delivery{delivered(t, id, e)})
}

func (r reader) count(t *testing.T, query string, args ...any) (rows int) {
	t.Helper()
	require.NoError(t, r.db.Raw("SELECT count(*) FROM "+query, args...).Scan(&rows).Error)
	return rows
}

func (r reader) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	require.NoError(t, r.db.Exec(statement, args...).Error)
}

func TestWhateverWasReleasedIsReadToItsEffect(t *testing.T) {
	t.Parallel()
	r := newReader(t, message.JSON)
	for _, s := range r.topology.Subscriptions {
		each(t, slices.Concat(s.Reads, s.Formerly), corpus.Of, func(t *testing.T, e corpus.Example) {
			gone, id := say(t, e), uuid.New()
			r.exec(t, "DELETE FROM likes")
			r.exec(t, "INSERT INTO likes (user_uuid, pizza_id) VALUES (?, ?), (?, 6)", gone.Person, gone.Pizza, uuid.New())

			require.NoError(t, handle(t, s, id, e))

			assert.Equal(t, 1, r.count(t, "likes WHERE pizza_id = 6"), "what it is not about")
			assert.Equal(t, 1, r.count(t, "likes"), "what it is about")
			if gone.Erasure != "" {
				assert.Equal(t, 1, r.count(t, "receipts WHERE message_id = ? AND erasure_id = ?", id, gone.Erasure))
			}
		})
	}
}

func TestWhatCanNeverBeReadIsADeadLetterAtOnceAndChangesNothing(t *testing.T) {
	t.Parallel()
	r := newReader(t, message.JSON)
	for _, s := range r.topology.Subscriptions {
		each(t, slices.Concat(s.Reads, s.Formerly), corpus.Bad, func(t *testing.T, e corpus.Example) {
			id := uuid.New()
			r.exec(t, "INSERT INTO likes (user_uuid, pizza_id) VALUES ('9e405590-c62f-400e-b7ee-b790552405f0', 1303) ON CONFLICT DO NOTHING")

			err := handle(t, s, id, e)

			require.True(t, broker.IsPermanent(err), "%v", err)
			assert.Equal(t, 1, r.count(t, "likes"))
			assert.Zero(t, r.count(t, "inbox")+r.count(t, "receipts")+r.count(t, "outbox"))
		})
	}
}

func TestTheEndOfASessionIsHeardHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	r := newReader(t, message.JSON)
	require.NotEmpty(t, r.topology.Broadcasts)
	for _, b := range r.topology.Broadcasts {
		each(t, b.Reads, corpus.Of, func(t *testing.T, e corpus.Example) {
			clear(r.ended)
			require.NoError(t, b.Handle(t.Context(), delivered(t, uuid.New(), e)))
			over := say(t, e)
			assert.Equal(t, heard{over.Session: over.Expires}, r.ended)
		})
		each(t, b.Reads, corpus.Bad, func(t *testing.T, e corpus.Example) {
			clear(r.ended)
			require.Error(t, b.Handle(t.Context(), delivered(t, uuid.New(), e)))
			assert.Empty(t, r.ended)
		})
	}
}

func TestAReceiptIsWrittenToTheByteAsReleased(t *testing.T) {
	t.Parallel()
	for format, contentType := range map[message.Format]string{message.JSON: "application/json", message.Protobuf: "application/x-protobuf"} {
		for _, value := range []string{"likes", "nothing", "left"} {
			t.Run(value+" in "+string(format), func(t *testing.T) {
				t.Parallel()
				r := newReader(t, format)
				order, want, id := corpus.Released("user.deleted.2.0.0", "full", contentType), corpus.Released("user.erased.1.0.0", value, contentType), uuid.New()
				done := say(t, want)
				deleted, err := json.Marshal(done.Deleted)
				require.NoError(t, err)
				r.exec(t, "INSERT INTO receipts (message_id, erasure_id, deleted, remaining, erased_at) VALUES (?, ?, ?, ?, ?)",
					id, done.Erasure, string(deleted), done.Left, done.Erased) // the order has been here: its receipt is repeated

				require.NoError(t, handle(t, r.topology.Subscriptions[0], id, order))

				var sent message.Message
				require.NoError(t, r.db.Raw("SELECT key, content_type, body FROM outbox").Row().Scan(&sent.Key, &sent.ContentType, &sent.Body))
				assert.Equal(t, want.Version+" "+want.ContentType, sent.Key+" "+sent.ContentType)
				assert.Equal(t, string(want.Body), string(sent.Body))
			})
		}
	}
}
