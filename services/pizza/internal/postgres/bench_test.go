package postgres_test

import (
	"context"
	"database/sql"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/services/pizza/internal/pizza"
	store "github.com/tizza/tizza/services/pizza/internal/postgres"
)

// floor is the least that a page of 20 can cost: the bare statement, without a count and without neighbours.
const floor = `SELECT id, title, description, image_url, creator, created_at, updated_at, version FROM pizzas
	WHERE id > $1 ORDER BY id LIMIT 20`

// BenchmarkPage reads pages of 20 from a table of a million and one of a thousand, one of each kind in every turn, so
// that whatever else the machine does meets all of them alike. It reports the median of each kind in microseconds, and
// how many times the cheapest page the dearest one costs:
//
//	go test -run '^$' -bench Page -benchtime 2000x ./internal/postgres
func BenchmarkPage(b *testing.B) {
	million, rows := filled(b, 1_000_000)
	thousand, fewer := filled(b, 1_000)
	read := func(from *store.Store, w page.Window) func(context.Context) (int, error) {
		w.Limit = 20
		return func(ctx context.Context) (int, error) {
			result, err := from.List(ctx, pizza.Filter{}, w)
			return len(result.Items), err
		}
	}
	bare := func(from *sql.DB, after int64) func(context.Context) (int, error) {
		return func(ctx context.Context) (int, error) { return scan(ctx, from, after) }
	}
	far := &page.Cursor{Key: 900_000}
	kinds := []struct {
		name  string
		read  func(context.Context) (int, error)
		floor bool
	}{
		{"floor-of-1k", bare(fewer, 0), true},
		{"floor-of-1M", bare(rows, 900_000), true},
		{"first-of-1k", read(thousand, page.Window{}), false},
		{"first-of-1M", read(million, page.Window{}), false},
		{"cursor-at-900k", read(million, page.Window{Cursor: far}), false},
		{"back-from-900k", read(million, page.Window{Cursor: &page.Cursor{Key: 900_000, Back: true}}), false},
		{"offset-at-900k", read(million, page.Window{Offset: 900_000}), false},
		{"unchanged-at-900k", unchanged(b, million, page.Window{Limit: 20, Cursor: far}), true},
	}
	took := make([][]time.Duration, len(kinds))
	for b.Loop() {
		for i, kind := range kinds {
			begin := time.Now()
			n, err := kind.read(b.Context())
			took[i] = append(took[i], time.Since(begin))
			require.NoError(b, err)
			require.True(b, n == 20 || n == 0 && kind.name == "unchanged-at-900k")
		}
	}
	var pages []time.Duration
	for i, kind := range kinds {
		slices.Sort(took[i])
		median := took[i][len(took[i])/2]
		b.ReportMetric(float64(median.Microseconds()), kind.name+"-µs")
		if !kind.floor {
			pages = append(pages, median)
		}
	}
	b.ReportMetric(float64(slices.Max(pages))/float64(slices.Min(pages)), "dearest/cheapest")
}

// unchanged reads a page as a caller does who has it.
func unchanged(b *testing.B, from *store.Store, w page.Window) func(context.Context) (int, error) {
	b.Helper()
	result, err := from.List(b.Context(), pizza.Filter{}, w)
	require.NoError(b, err)
	w.Known = []string{result.Fingerprint}
	return func(ctx context.Context) (int, error) {
		result, err := from.List(ctx, pizza.Filter{}, w)
		return len(result.Items), err
	}
}

func scan(ctx context.Context, db *sql.DB, after int64) (n int, err error) {
	rows, err := db.QueryContext(ctx, floor, after)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var p pizza.Pizza
		if err := rows.Scan(&p.ID, &p.Title, &p.Description, &p.ImageURL, &p.Creator, &p.CreatedAt, &p.UpdatedAt, &p.Version); err != nil {
			return 0, err
		}
		n++
	}
	return n, rows.Err()
}

func filled(b *testing.B, rows int) (*store.Store, *sql.DB) {
	b.Helper()
	database := servertest.Postgres(b, store.Schemas()...)
	fill(b, database, rows)
	pool, err := database.DB().DB()
	require.NoError(b, err)
	return store.NewStore(database, erasure.NewHolder("key", store.Register(message.JSON)), message.JSON), pool
}

// fill adds pizzas, some of them somebody's, as if they had been there for long.
func fill(b *testing.B, database *postgres.Database, rows int) {
	b.Helper()
	db := database.DB().WithContext(b.Context()) // one connection, for its own limit on statements
	for done := 0; done < rows; done += min(rows, 100_000) {
		require.NoError(b, db.Exec(`INSERT INTO pizzas (title, description, image_url, creator)
			SELECT 'Pizza ' || i, 'a pizza like any other', 'https://pizza.test/' || i || '.png', CASE WHEN i % 2 = 0 THEN ?::uuid END
			FROM generate_series(1, ?) AS i`, uuid.New(), min(rows, 100_000)).Error)
	}
	require.NoError(b, db.Exec("VACUUM ANALYZE").Error)
}
