package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	pizzav1 "github.com/tizza/tizza/proto/pizza/v1"
	"github.com/tizza/tizza/services/pizza/internal/pizza"
	store "github.com/tizza/tizza/services/pizza/internal/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type world struct {
	*store.Store
	database *postgres.Database
	holder   *erasure.Holder
}

func given(t *testing.T) world {
	t.Helper()
	database := servertest.Postgres(t, store.Schemas()...)
	holder := erasure.NewHolder("key", store.Register(message.JSON))
	return world{store.NewStore(database, holder, message.JSON), database, holder}
}

func (w world) erase(t *testing.T, person uuid.UUID) erasure.Receipt {
	t.Helper()
	var receipt erasure.Receipt
	err := w.database.DB().WithContext(t.Context()).Transaction(func(tx *gorm.DB) (err error) {
		order := erasure.Order{Message: uuid.New(), Erasure: "e", Person: person}
		receipts, err := w.holder.Erase(tx, order)
		receipt = receipts[order.Message]
		return err
	})
	require.NoError(t, err)
	return receipt
}

// announced is the pizzas that others are told of.
func (w world) announced(t *testing.T) []int64 {
	t.Helper()
	var rows []struct {
		Exchange, Key, ContentType string
		Body                       []byte
	}
	require.NoError(t, w.database.DB().Raw("SELECT exchange, key, content_type, body FROM outbox ORDER BY id").Scan(&rows).Error)
	ids := []int64{}
	for _, r := range rows {
		var body pizzav1.Deleted
		require.NoError(t, message.Decode(r.ContentType, r.Body, &body))
		assert.Equal(t, "pizzas pizza.deleted.1.0.0", r.Exchange+" "+r.Key)
		assert.WithinDuration(t, time.Now(), body.GetDeletedAt().AsTime(), time.Minute)
		ids = append(ids, body.GetPizzaId())
	}
	return ids
}

func allow(pizza.Pizza) error { return nil }
func deny(pizza.Pizza) error  { return fault.New(fault.Forbidden, "no") }

// put stores the pizza, whatever is there.
func (w world) put(t *testing.T, p pizza.Pizza) (pizza.Pizza, bool, error) {
	t.Helper()
	return w.Put(t.Context(), p.ID, p.Creator, func(old *pizza.Pizza) (pizza.Pizza, error) {
		if old != nil {
			p.CreatedAt, p.UpdatedAt, p.Version = old.CreatedAt, old.UpdatedAt, old.Version
		}
		return p, nil
	})
}

// change applies a draft to the pizza, which has to be there.
func (w world) change(t *testing.T, id int64, draft pizza.Draft) (pizza.Pizza, error) {
	t.Helper()
	p, _, err := w.Put(t.Context(), id, draft.Creator.Value, func(old *pizza.Pizza) (pizza.Pizza, error) {
		draft.Apply(old)
		return *old, nil
	})
	return p, err
}

func (w world) list(t *testing.T, filter pizza.Filter, window page.Window) (ids []int64, result page.Result[pizza.Pizza]) {
	t.Helper()
	result, err := w.List(t.Context(), filter, window)
	require.NoError(t, err)
	for _, p := range result.Items {
		ids = append(ids, p.ID)
	}
	return ids, result
}

func funghi(creator *uuid.UUID) pizza.Pizza {
	return pizza.Pizza{Title: "Funghi", Description: "with mushrooms", ImageURL: "https://pizza.test/1.png", Creator: creator}
}

func TestStore(t *testing.T) {
	t.Parallel()
	ada := uuid.New()
	t.Run("what is added is read back whole", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		added, err := w.Add(t.Context(), funghi(&ada))
		require.NoError(t, err)
		assert.Positive(t, added.ID)
		assert.WithinDuration(t, time.Now(), added.CreatedAt, time.Minute)
		assert.Equal(t, added.CreatedAt, added.UpdatedAt)
		read, err := w.Get(t.Context(), added.ID)
		require.NoError(t, err)
		assert.Equal(t, added, read)
	})
	t.Run("put creates, then replaces everything but its age", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		p := funghi(&ada)
		p.ID = 7
		first, created, err := w.put(t, p)
		require.NoError(t, err)
		assert.True(t, created)
		second, created, err := w.put(t, pizza.Pizza{ID: 7, Title: "Salami"})
		require.NoError(t, err)
		assert.False(t, created)
		read, err := w.Get(t.Context(), 7)
		require.NoError(t, err)
		assert.Equal(t, second, read)
		assert.Equal(t, pizza.Pizza{ID: 7, Title: "Salami", CreatedAt: first.CreatedAt, UpdatedAt: second.UpdatedAt, Version: second.Version}, read)
		assert.True(t, second.UpdatedAt.After(first.UpdatedAt))
		assert.Greater(t, second.Version, first.Version)
	})
	t.Run("what is put as it is is not written", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		p, err := w.Add(t.Context(), funghi(&ada))
		require.NoError(t, err)
		for range 2 {
			again := funghi(new(ada)) // another pointer to the same person
			again.ID = p.ID
			stored, created, err := w.put(t, again)
			require.NoError(t, err)
			assert.False(t, created)
			assert.Equal(t, p, stored)
		}
		changed, err := w.change(t, p.ID, pizza.Draft{Title: new("Funghi")})
		require.NoError(t, err)
		assert.Equal(t, p, changed)
	})
	t.Run("nothing is replaced or removed without permission", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		p, err := w.Add(t.Context(), funghi(&ada))
		require.NoError(t, err)
		for _, id := range []int64{p.ID, 50} {
			_, _, err = w.Put(t.Context(), id, nil, func(*pizza.Pizza) (pizza.Pizza, error) {
				return pizza.Pizza{ID: id, Title: "Salami"}, deny(p)
			})
			require.True(t, fault.Is(err, fault.Forbidden))
		}
		require.True(t, fault.Is(w.Remove(t.Context(), p.ID, deny), fault.Forbidden))
		ids, list := w.list(t, pizza.Filter{}, page.Window{Limit: 10})
		assert.Equal(t, []int64{p.ID}, ids)
		assert.Equal(t, p, list.Items[0])
		assert.Empty(t, w.announced(t))
	})
	t.Run("a change writes what is said, null too, and nothing else", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		p, err := w.Add(t.Context(), funghi(&ada))
		require.NoError(t, err)
		none := pizza.Nullable[string]{Said: true}
		changed, err := w.change(t, p.ID, pizza.Draft{Description: none, Creator: pizza.Nullable[uuid.UUID]{Said: true}})
		require.NoError(t, err)
		read, err := w.Get(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, changed, read)
		assert.True(t, read.UpdatedAt.After(p.UpdatedAt))
		p.Description, p.Creator, p.UpdatedAt, p.Version = "", nil, read.UpdatedAt, read.Version
		assert.Equal(t, p, read)
	})
	t.Run("what is not there is not found", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		_, get := w.Get(t.Context(), 404)
		_, version := w.Version(t.Context(), 404)
		for _, err := range []error{get, version, w.Remove(t.Context(), 404, allow)} {
			assert.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
		}
	})
}

func TestList(t *testing.T) {
	t.Parallel()
	w := given(t)
	ada := uuid.New()
	for i, title := range []string{"Funghi", "100% Salami", "Quattro_Formaggi", `Back\slash`, "FUNGHI extra"} {
		p := pizza.Pizza{ID: int64(i + 1), Title: title, Description: "pizza " + fmt.Sprint(i+1)}
		if i < 2 {
			p.Creator = &ada
		}
		_, _, err := w.put(t, p)
		require.NoError(t, err)
	}
	for _, test := range []struct {
		name   string
		filter pizza.Filter
		want   []int64
	}{
		{"without a filter it has all, in the order of ids", pizza.Filter{}, []int64{1, 2, 3, 4, 5}},
		{"by ids it has those that exist", pizza.Filter{IDs: []int64{4, 2, 99}}, []int64{2, 4}},
		{"by no ids it has none", pizza.Filter{IDs: []int64{}}, nil},
		{"by creator it has theirs", pizza.Filter{Creator: &ada}, []int64{1, 2}},
		{"text is found whatever its case", pizza.Filter{Text: "funghi"}, []int64{1, 5}},
		{"text is found in the description", pizza.Filter{Text: "Pizza 3"}, []int64{3}},
		{"a percent sign is a percent sign", pizza.Filter{Text: "%"}, []int64{2}},
		{"an underscore is an underscore", pizza.Filter{Text: "o_f"}, []int64{3}},
		{"a backslash is a backslash", pizza.Filter{Text: `\`}, []int64{4}},
		{"filters narrow one another", pizza.Filter{Creator: &ada, Text: "funghi", IDs: []int64{1, 2, 5}}, []int64{1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ids, list := w.list(t, test.filter, page.Window{Limit: 100})
			assert.Equal(t, test.want, ids)
			assert.EqualValues(t, len(test.want), list.Count)
			if len(test.want) > 1 {
				ids, list = w.list(t, test.filter, page.Window{Limit: 1, Offset: 1})
				assert.Equal(t, test.want[1:2], ids)
				assert.EqualValues(t, len(test.want), list.Count)
				ids, list = w.list(t, test.filter, page.Window{Limit: 1, Cursor: &page.Cursor{Key: list.First, Back: true}})
				assert.Equal(t, test.want[:1], ids)
				assert.EqualValues(t, len(test.want), list.Count)
			}
		})
	}
}

func TestForgetting(t *testing.T) {
	t.Parallel()
	ada, bob := uuid.New(), uuid.New()
	t.Run("a pizza that is removed is announced", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		p, err := w.Add(t.Context(), funghi(&ada))
		require.NoError(t, err)
		require.NoError(t, w.Remove(t.Context(), p.ID, allow))
		assert.Equal(t, []int64{p.ID}, w.announced(t))
	})
	t.Run("a person's pizzas go with them, each announced, and nobody else's", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		for _, creator := range []*uuid.UUID{&ada, &bob, nil, &ada} {
			_, err := w.Add(t.Context(), funghi(creator))
			require.NoError(t, err)
		}
		receipt := w.erase(t, ada)
		assert.Equal(t, map[string]int32{"pizzas": 2}, receipt.Deleted)
		assert.Zero(t, receipt.Left)
		assert.ElementsMatch(t, []int64{1, 4}, w.announced(t))
		_, list := w.list(t, pizza.Filter{}, page.Window{})
		assert.EqualValues(t, 2, list.Count)
	})
	t.Run("more pizzas than one statement could announce go too", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		const many = 9500
		require.NoError(t, w.database.DB().Exec(`INSERT INTO pizzas (title, description, image_url, creator)
			SELECT 'x', '', '', ? FROM generate_series(1, ?)`, ada, many).Error)
		assert.Equal(t, map[string]int32{"pizzas": many}, w.erase(t, ada).Deleted)
		var waiting int
		require.NoError(t, w.database.DB().Raw("SELECT count(*) FROM outbox").Scan(&waiting).Error)
		assert.Equal(t, many, waiting)
	})
	t.Run("nothing is written for a person who was erased", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		house, err := w.Add(t.Context(), funghi(nil))
		require.NoError(t, err)
		w.erase(t, ada)
		_, add := w.Add(t.Context(), funghi(&ada))
		_, _, create := w.put(t, pizza.Pizza{ID: 50, Title: "x", Creator: &ada})
		_, _, replace := w.put(t, pizza.Pizza{ID: house.ID, Title: "x", Creator: &ada})
		_, change := w.change(t, house.ID, pizza.Draft{Creator: pizza.Nullable[uuid.UUID]{Said: true, Value: &ada}})
		for _, err := range []error{add, create, replace, change} {
			assert.True(t, fault.Is(err, fault.Gone), "%v", err)
		}
		_, list := w.list(t, pizza.Filter{Creator: &ada}, page.Window{})
		assert.Zero(t, list.Count)
	})
}
