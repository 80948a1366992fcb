package erasure_test

import (
	"context"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
)

var diary = postgres.Schema{Name: "diary", Files: fstest.MapFS{"00001_diary.sql": {Data: []byte(`-- +goose Up
CREATE TABLE pages (id bigint GENERATED ALWAYS AS IDENTITY, author uuid NOT NULL);
CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY, reader uuid NOT NULL);
`)}}}

var register = erasure.Register{{Table: "pages", Column: "author"}, {Table: "notes", Column: "reader"}}

func open(t *testing.T) (*postgres.Database, *erasure.Holder) {
	t.Parallel()
	return servertest.Postgres(t, outbox.Schema(), erasure.Schema(), diary), erasure.NewHolder("secret", register)
}

func write(db *gorm.DB, holder *erasure.Holder, person uuid.UUID) error {
	return db.Transaction(func(tx *gorm.DB) error {
		if err := holder.Admit(tx, person); err != nil {
			return err
		}
		return tx.Exec("INSERT INTO pages (author) VALUES (?)", person).Error
	})
}

func erase(db *gorm.DB, holder *erasure.Holder, order erasure.Order) (receipt erasure.Receipt, err error) {
	err = db.Transaction(func(tx *gorm.DB) error {
		receipt, err = holder.Erase(tx, order)
		return err
	})
	return receipt, err
}

func order(person uuid.UUID) erasure.Order {
	return erasure.Order{Message: uuid.New(), Erasure: "e1", Person: person}
}

func count(t *testing.T, db *gorm.DB, table string) (n int) {
	t.Helper()
	require.NoError(t, db.Raw("SELECT count(*) FROM "+table).Scan(&n).Error)
	return n
}

func TestAnErasedPersonLeavesATombstoneAndNothingElse(t *testing.T) {
	database, holder := open(t)
	db := database.DB().WithContext(t.Context())
	ann, bob := uuid.New(), uuid.New()
	for _, author := range []uuid.UUID{ann, ann, bob} {
		require.NoError(t, write(db, holder, author))
	}
	require.NoError(t, db.Exec("INSERT INTO notes (reader) VALUES (?)", ann).Error)

	receipt, err := erase(db, holder, order(ann))

	require.NoError(t, err)
	assert.Equal(t, map[string]int32{"pages": 2, "notes": 1}, receipt.Deleted)
	assert.Zero(t, receipt.Left)
	assert.Equal(t, 1, count(t, db, "pages"))
	assert.True(t, fault.Is(write(db, holder, ann), fault.Gone), "nothing is written about the erased")
	assert.NoError(t, write(db, holder, bob))
	var mentions int
	require.NoError(t, db.Raw("SELECT count(*) FROM tombstones t, receipts r WHERE t::text || r::text LIKE ?", "%"+ann.String()+"%").Scan(&mentions).Error)
	assert.Zero(t, mentions)
}

func TestTheSameOrderTwiceChangesNothingAndRepeatsTheReceipt(t *testing.T) {
	database, holder := open(t)
	db := database.DB().WithContext(t.Context())
	ann := uuid.New()
	require.NoError(t, write(db, holder, ann))
	o := order(ann)
	first, err := erase(db, holder, o)
	require.NoError(t, err)
	require.NoError(t, db.Exec("INSERT INTO pages (author) VALUES (?)", ann).Error) // comes back, as from a backup

	again, err := erase(db, holder, o)
	require.NoError(t, err)
	assert.Equal(t, first, again)
	assert.Equal(t, 1, count(t, db, "pages"))

	round, err := erase(db, holder, order(ann))
	require.NoError(t, err)
	assert.Equal(t, map[string]int32{"pages": 1, "notes": 0}, round.Deleted, "a new round erases what it finds")
}

func TestTheScanTellsWhatADeleteLeft(t *testing.T) {
	database, _ := open(t)
	db := database.DB().WithContext(t.Context())
	lazy := erasure.NewHolder("secret", erasure.Register{{
		Table: "pages", Column: "author", Delete: func(*gorm.DB, uuid.UUID) (int64, error) { return 1, nil },
	}})
	ann := uuid.New()
	require.NoError(t, write(db, lazy, ann))

	receipt, err := erase(db, lazy, order(ann))

	require.NoError(t, err)
	assert.EqualValues(t, 1, receipt.Left)
}

func TestNoWriteSurvivesARaceWithTheErasure(t *testing.T) {
	database, holder := open(t)
	db := database.DB().WithContext(t.Context())
	for range 20 {
		ann := uuid.New()
		start := make(chan struct{})
		var racers sync.WaitGroup
		for range 8 {
			racers.Go(func() {
				<-start
				if err := write(db, holder, ann); err != nil {
					assert.True(t, fault.Is(err, fault.Gone), "%v", err)
				}
			})
		}
		racers.Go(func() {
			<-start
			_, err := erase(db, holder, order(ann))
			assert.NoError(t, err)
		})
		close(start)
		racers.Wait()
	}
	assert.Zero(t, count(t, db, "pages"))
}

func TestAHandlerAnswersEveryCopyWithTheSameReceipt(t *testing.T) {
	database, holder := open(t)
	db := database.DB().WithContext(t.Context())
	ann := uuid.New()
	require.NoError(t, write(db, holder, ann))
	handle := holder.Handler(database, erasure.Wire{
		Order: func(d broker.Delivery) (erasure.Order, error) {
			return erasure.Order{Message: d.ID, Erasure: "e1", Person: ann}, nil
		},
		Receipt: func(o erasure.Order, r erasure.Receipt) (message.Message, error) {
			assert.EqualValues(t, 1, r.Deleted["pages"])
			return message.Message{ID: uuid.NewSHA1(o.Message, nil), Exchange: "people", Key: "erased", Body: []byte{}}, nil
		},
	})
	delivery := broker.Delivery{Message: message.Message{ID: uuid.New()}}
	for range 3 {
		require.NoError(t, handle(context.Background(), delivery))
	}
	assert.Equal(t, 3, count(t, db, "outbox"))
	var ids int
	require.NoError(t, db.Raw("SELECT count(DISTINCT message_id) FROM outbox").Scan(&ids).Error)
	assert.Equal(t, 1, ids)
}
