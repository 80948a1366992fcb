package postgres_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"
	"pgregory.net/rapid"

	"github.com/tizza/tizza/pkg/page"
	"github.com/tizza/tizza/pkg/postgres"
)

// model is what a window has to have: a list of keys, in its order, cut with plain slices.
func model(keys []int64, descending bool, w page.Window) page.Result[int64] {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	from, to := min(w.Offset, len(keys)), 0
	if c := w.Cursor; c != nil {
		from, to = slices.IndexFunc(keys, func(k int64) bool { return k > c.Key }), slices.IndexFunc(keys, func(k int64) bool { return k >= c.Key })
		if from < 0 {
			from = len(keys)
		}
		if to < 0 {
			to = len(keys)
		}
		if descending {
			from, to = len(keys)-to, len(keys)-from
		}
	}
	if descending {
		slices.Reverse(keys)
	}
	if w.Cursor != nil && w.Cursor.Back {
		from = max(to-w.Limit, 0)
	} else {
		to = min(from+w.Limit, len(keys))
	}
	r := page.Result[int64]{Count: int64(len(keys)), Items: keys[from:to]}
	if w.Limit > 0 {
		r.Before, r.After = from > 0, to < len(keys)
	}
	step := int64(1)
	if descending {
		step = -1
	}
	switch c := w.Cursor; {
	case from < to:
		r.First, r.Last = keys[from], keys[to-1]
	case c != nil && c.Back:
		r.First, r.Last = c.Key, c.Key-step
	case c != nil:
		r.First, r.Last = c.Key+step, c.Key
	}
	return r
}

func ids(r page.Result[leaf]) page.Result[int64] {
	return page.Map(r, func(l leaf) int64 { return l.ID })
}

func TestAWindowHasWhatAListCutByHandHas(t *testing.T) {
	t.Parallel()
	db := shelf(t)
	rapid.Check(t, func(t *rapid.T) {
		require.NoError(t, db.Exec("TRUNCATE pages").Error)
		keys := rapid.SliceOfNDistinct(rapid.Int64Range(1, 600), 0, 40, rapid.ID).Draw(t, "keys")
		var even []int64
		for _, key := range keys {
			require.NoError(t, db.Exec("INSERT INTO pages (id, text) VALUES (?, ?)", key, map[bool]string{true: "even"}[key%2 == 0]).Error)
			if key%2 == 0 {
				even = append(even, key)
			}
		}
		for range 5 {
			w := page.Window{Limit: rapid.IntRange(0, 45).Draw(t, "limit"), Offset: rapid.IntRange(0, 50).Draw(t, "offset")}
			if rapid.Bool().Draw(t, "by cursor") {
				w.Cursor = &page.Cursor{Key: rapid.Int64Range(-1, 601).Draw(t, "key"), Back: rapid.Bool().Draw(t, "back")}
			}
			order := postgres.Order{Key: "id", Descending: rapid.Bool().Draw(t, "descending"), Tallied: rapid.Bool().Draw(t, "tallied")}
			query, want := db, model(keys, order.Descending, w)
			if rapid.Bool().Draw(t, "filtered") {
				query, want = db.Where("text = ?", "even").Where("id > ?", 0), model(even, order.Descending, w)
			}
			read, err := postgres.Window[leaf](query, order, w)
			require.NoError(t, err)
			got := ids(read)
			want.Fingerprint = got.Fingerprint
			if len(want.Items) == 0 {
				want.Items = got.Items
				require.Empty(t, got.Items)
			}
			require.Equal(t, want, got)

			w.Known = []string{"something else", got.Fingerprint}
			known, err := postgres.Window[leaf](query, order, w)
			require.NoError(t, err)
			require.True(t, known.Unchanged)
			require.Empty(t, known.Items)
			require.Equal(t, []any{got.Count, got.First, got.Last, got.Before, got.After, got.Fingerprint},
				[]any{known.Count, known.First, known.Last, known.Before, known.After, known.Fingerprint})
		}
	})
}

func TestAFingerprintChangesWithWhatThePageShows(t *testing.T) {
	t.Parallel()
	db := shelf(t)
	run(t, db, "INSERT INTO pages (id) SELECT generate_series(1, 10)")
	w := page.Window{Limit: 3, Offset: 2}
	seen := map[string]string{}
	last := ""
	look := func(what string) {
		r, err := postgres.Window[leaf](db, postgres.Order{Key: "id", Tallied: true}, page.Window{Limit: w.Limit, Offset: w.Offset, Known: []string{last}})
		require.NoError(t, err)
		require.False(t, r.Unchanged, what)
		require.Len(t, r.Fingerprint, 32)
		require.Empty(t, seen[r.Fingerprint], what)
		seen[r.Fingerprint], last = what, r.Fingerprint
		again, err := postgres.Window[leaf](db, postgres.Order{Key: "id", Tallied: true}, page.Window{Limit: w.Limit, Offset: w.Offset, Known: []string{last}})
		require.NoError(t, err)
		require.True(t, again.Unchanged, what)
	}
	look("at first")
	run(t, db, "UPDATE pages SET text = 'b' WHERE id = 4")
	look("a row is written")
	run(t, db, "INSERT INTO pages (id) VALUES (99)")
	look("another row comes, on another page")
	run(t, db, "DELETE FROM pages WHERE id = 4")
	look("a row goes")
	run(t, db, "INSERT INTO pages (id, text) VALUES (4, 'b')")
	look("it comes back")
	run(t, db, "UPDATE pages SET text = 'c' WHERE id = 9")
	r, err := postgres.Window[leaf](db, postgres.Order{Key: "id"}, page.Window{Limit: 3, Offset: 2, Known: []string{last}})
	require.NoError(t, err)
	assert.True(t, r.Unchanged, "what is on another page is none of its business")
}

func TestTheFarEndsOfTheKeysAreInTheList(t *testing.T) {
	t.Parallel()
	db := shelf(t)
	keys := []int64{math.MinInt64, -5, 0, 7, math.MaxInt64}
	for _, key := range keys {
		run(t, db, "INSERT INTO pages (id) VALUES (?)", key)
	}
	for _, order := range []postgres.Order{{Key: "id", Tallied: true}, {Key: "id", Tallied: true, Descending: true}} {
		for offset := range 7 {
			w := page.Window{Limit: 2, Offset: offset}
			r, err := postgres.Window[leaf](db, order, w)
			require.NoError(t, err)
			want := model(keys, order.Descending, w)
			assert.ElementsMatch(t, want.Items, ids(r).Items)
			assert.Equal(t, []bool{want.Before, want.After}, []bool{r.Before, r.After})
		}
	}
}

// Who follows the cursors sees each row that stays exactly once, whoever comes and goes meanwhile.
func TestAWalkSeesWhatStaysOnceWhileOthersComeAndGo(t *testing.T) {
	t.Parallel()
	for name, order := range map[string]postgres.Order{
		"upwards":   {Key: "id", Tallied: true},
		"downwards": {Key: "id", Tallied: true, Descending: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := shelf(t)
			const rows = 6000
			run(t, db, "INSERT INTO pages (id) SELECT 10 * generate_series(1, ?)", rows) // those of 30, 60, … stay
			done := make(chan struct{})
			var others errgroup.Group
			for range 2 {
				others.Go(func() error { return meddle(db, rows, done) })
			}
			first, err := postgres.Window[leaf](db, order, page.Window{Limit: 100})
			require.NoError(t, err)
			there, end := walk(t, db, order, first, false)
			back, _ := walk(t, db, order, end, true)
			close(done)
			require.NoError(t, others.Wait())
			for id := int64(30); id <= 10*rows; id += 30 {
				require.Equal(t, 1, there[id], "there: %d", id)
				require.Equal(t, 1, back[id], "back: %d", id)
			}
			for _, visits := range []map[int64]int{there, back} {
				for id, times := range visits {
					require.Equal(t, 1, times, "%d", id)
				}
			}
		})
	}
}

// meddle deletes rows that do not stay, and inserts others between them, in turn.
func meddle(db *gorm.DB, rows int64, done <-chan struct{}) error {
	for i := int64(1); ; i = (i*7919 + 1) % (10 * rows) {
		select {
		case <-done:
			return nil
		default:
		}
		err := db.Exec("DELETE FROM pages WHERE id BETWEEN ? AND ? AND id % 30 <> 0", i, i+40).Error
		if err == nil {
			err = db.Exec("INSERT INTO pages (id) SELECT i FROM generate_series(?::bigint, ?) AS i WHERE i % 30 <> 0 ON CONFLICT DO NOTHING", i, i+5).Error
		}
		if err != nil {
			return err
		}
	}
}

// walk follows the list from a page on to its end, and counts how often it sees each row.
func walk(t *testing.T, db *gorm.DB, order postgres.Order, at page.Result[leaf], back bool) (map[int64]int, page.Result[leaf]) {
	t.Helper()
	visits := map[int64]int{}
	for {
		for _, item := range at.Items {
			visits[item.ID]++
		}
		goesOn, key := at.After, at.Last
		if back {
			goesOn, key = at.Before, at.First
		}
		if !goesOn || len(at.Items) == 0 {
			return visits, at
		}
		next, err := postgres.Window[leaf](db, order, page.Window{Limit: 100, Cursor: &page.Cursor{Key: key, Back: back}})
		require.NoError(t, err)
		at = next
	}
}
