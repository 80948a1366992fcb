package erasure_test

import (
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
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
		receipts, err := holder.Erase(tx, order)
		receipt = receipts[order.Message]
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
		Table: "pages", Column: "author", Delete: func(*gorm.DB, []uuid.UUID) (map[uuid.UUID]int32, error) { return nil, nil },
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

func TestPeopleOfOneBatchHaveReceiptsOfTheirOwn(t *testing.T) {
	database, holder := open(t)
	db := database.DB().WithContext(t.Context())
	var orders []erasure.Order
	for pages := range 20 {
		o := order(uuid.New())
		orders = append(orders, o, o) // each message twice
		for range pages {
			require.NoError(t, write(db, holder, o.Person))
		}
	}
	again := order(orders[10].Person) // another round for one of them
	orders = append(orders, again)
	var receipts map[uuid.UUID]erasure.Receipt

	require.NoError(t, db.Transaction(func(tx *gorm.DB) (err error) {
		receipts, err = holder.Erase(tx, orders...)
		return err
	}))

	require.Len(t, receipts, 21)
	for i, o := range orders[:40] {
		assert.EqualValues(t, i/2, receipts[o.Message].Deleted["pages"])
		assert.Zero(t, receipts[o.Message].Left)
		kept, err := erase(db, holder, o)
		require.NoError(t, err)
		assert.Equal(t, receipts[o.Message], kept)
	}
	assert.Zero(t, receipts[again.Message].Deleted["pages"])
	assert.Equal(t, 20, count(t, db, "tombstones"))
	assert.Zero(t, count(t, db, "pages"))
}

func TestBatchesWithTheSamePeopleWaitForOneAnother(t *testing.T) {
	database, holder := open(t)
	db := database.DB().WithContext(t.Context())
	people := make([]uuid.UUID, 30)
	for i := range people {
		people[i] = uuid.New()
	}
	var batches sync.WaitGroup
	for turn := range 8 {
		batches.Go(func() {
			orders := make([]erasure.Order, len(people))
			for i, person := range people {
				if turn%2 == 1 {
					i = len(people) - 1 - i
				}
				orders[i] = order(person)
			}
			assert.NoError(t, db.Transaction(func(tx *gorm.DB) error {
				_, err := holder.Erase(tx, orders...)
				return err
			}))
		})
	}
	batches.Wait()
	assert.Equal(t, 30, count(t, db, "tombstones"))
}

// orderBody is an order as JSON.
type orderBody struct{ *structpb.Struct }

func (b orderBody) GetUserUuid() string  { return b.Fields["user_uuid"].GetStringValue() }  //nolint:revive,staticcheck // as in generated code
func (b orderBody) GetErasureId() string { return b.Fields["erasure_id"].GetStringValue() } //nolint:revive,staticcheck // likewise

func TestAHandlerAnswersEveryCopyWithTheSameReceipt(t *testing.T) {
	database, holder := open(t)
	db := database.DB().WithContext(t.Context())
	ann := uuid.New()
	require.NoError(t, write(db, holder, ann))
	handle := holder.Handler(database, erasure.Wire{
		Service: "diary",
		Order:   func() erasure.OrderBody { return orderBody{new(structpb.Struct)} },
		Receipt: func(_ erasure.Order, r erasure.Receipt) proto.Message {
			assert.EqualValues(t, 1, r.Deleted["pages"])
			return timestamppb.New(r.ErasedAt)
		},
		Exchange: "people", Key: "erased.1.0.0", Format: message.Protobuf,
	})
	delivery := broker.Delivery{Message: message.Message{ID: uuid.New(), Body: []byte(`{"user_uuid":"` + ann.String() + `"}`)}}
	for range 3 {
		require.NoError(t, handle(t.Context(), []broker.Delivery{delivery, delivery}))
	}
	assert.Equal(t, 3, count(t, db, "outbox"))
	var ids int
	require.NoError(t, db.Raw("SELECT count(DISTINCT (message_id, body)) FROM outbox").Scan(&ids).Error)
	assert.Equal(t, 1, ids)
	nobody := broker.Delivery{Message: message.Message{ID: uuid.New(), Body: []byte(`{}`)}}
	assert.True(t, broker.IsPermanent(handle(t.Context(), []broker.Delivery{nobody})))
}

func TestAMessageBringsOneOrder(t *testing.T) {
	database, holder := open(t)
	db := database.DB().WithContext(t.Context())
	first := order(uuid.New())
	_, err := erase(db, holder, first)
	require.NoError(t, err)
	other := first
	other.Person, other.Erasure = uuid.New(), "e2"

	_, err = erase(db, holder, other)

	assert.True(t, broker.IsPermanent(err), "%v", err)
	err = db.Transaction(func(tx *gorm.DB) error {
		one, two := order(uuid.New()), order(uuid.New())
		two.Message = one.Message
		_, err := holder.Erase(tx, one, two)
		return err
	})
	assert.True(t, broker.IsPermanent(err), "%v", err)
	assert.Equal(t, 1, count(t, db, "tombstones"))
}
