package postgres_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"
)

func run(t *testing.T, db *gorm.DB, statement string, args ...any) {
	t.Helper()
	require.NoError(t, db.Exec(statement, args...).Error)
}

func scalar[T any](t *testing.T, db *gorm.DB, query string) (value T) {
	t.Helper()
	require.NoError(t, db.Raw(query).Scan(&value).Error)
	return value
}

const merge = "SELECT merge_tallies('pages', 100000)"

// exact says that the tallies agree with the rows: on their number, and on the place of some of them.
func exact(t *testing.T, db *gorm.DB, what string) {
	t.Helper()
	var ids []int64
	require.NoError(t, db.Raw("SELECT id FROM pages ORDER BY id").Scan(&ids).Error)
	require.Equal(t, int64(len(ids)), scalar[int64](t, db, "SELECT tally_count('pages')"), what)
	seek := func(skip int, fromEnd bool) (id *int64) {
		require.NoError(t, db.Raw(`WITH s AS (SELECT * FROM tally_seek('pages', ?, ?))
			SELECT (SELECT id FROM pages WHERE id BETWEEN first AND last ORDER BY id OFFSET (SELECT rest FROM s) LIMIT 1) FROM s`,
			skip, fromEnd).Scan(&id).Error)
		return id
	}
	places := []int{0, len(ids) - 1}
	for range 20 {
		places = append(places, rand.IntN(max(len(ids), 1)))
	}
	for _, skip := range places {
		if len(ids) > 0 {
			require.Equal(t, &ids[skip], seek(skip, false), "%s: offset %d of %d", what, skip, len(ids))
			require.Equal(t, &ids[len(ids)-1-skip], seek(skip, true), "%s: offset %d of %d, from the end", what, skip, len(ids))
		}
	}
	require.Nil(t, seek(len(ids), false), what)
	require.Nil(t, seek(len(ids), true), what)
}

func TestTallies(t *testing.T) {
	t.Parallel()
	t.Run("they follow whatever happens to the table", func(t *testing.T) {
		t.Parallel()
		db := shelf(t)
		exact(t, db, "nothing")
		for _, statement := range []string{
			"INSERT INTO pages (id) SELECT generate_series(1, 3000)",
			"INSERT INTO pages (id) SELECT generate_series(2000, 4000) ON CONFLICT DO NOTHING",
			"INSERT INTO pages (id) SELECT generate_series(3990, 4010) ON CONFLICT (id) DO UPDATE SET text = 'again'",
			"UPDATE pages SET text = 'b' WHERE id % 2 = 0",
			"DELETE FROM pages WHERE id % 3 = 0",
			"DELETE FROM pages WHERE id = 3",
			"INSERT INTO pages (id) VALUES (0), (-1), (-9223372036854775808), (9223372036854775807), (1::bigint << 40)",
			"MERGE INTO pages p USING generate_series(4000, 4020) AS i ON p.id = i WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id) VALUES (i)",
			"TRUNCATE pages",
			"INSERT INTO pages DEFAULT VALUES",
		} {
			run(t, db, statement)
			exact(t, db, statement)
			run(t, db, merge)
			exact(t, db, statement+", merged")
			run(t, db, "SELECT tally_again('pages', 'id')")
			exact(t, db, statement+", counted again")
		}
	})
	t.Run("an empty table leaves none behind", func(t *testing.T) {
		t.Parallel()
		db := shelf(t)
		run(t, db, "INSERT INTO pages (id) SELECT generate_series(1, 3000)")
		run(t, db, "DELETE FROM pages WHERE id > 10")
		run(t, db, merge)
		assert.Equal(t, 5, scalar[int](t, db, "SELECT count(*) FROM tallies"), "one of each level")
		run(t, db, "DELETE FROM pages")
		run(t, db, merge)
		assert.Zero(t, scalar[int](t, db, "SELECT count(*) FROM tallies"))
	})
	t.Run("what is merged is merged once, and not too much at a time", func(t *testing.T) {
		t.Parallel()
		db := shelf(t)
		run(t, db, "INSERT INTO tallies SELECT 'pages', 63, 0, 1, true FROM generate_series(1, 30)")
		run(t, db, "SELECT merge_tallies('pages', 20)")
		assert.Equal(t, 11, scalar[int](t, db, "SELECT count(*) FROM tallies"))
		run(t, db, "SELECT merge_tallies('pages', 20)")
		assert.Equal(t, 1, scalar[int](t, db, "SELECT count(*) FROM tallies"))
		assert.Equal(t, 30, scalar[int](t, db, "SELECT tally_count('pages')"))
	})
	t.Run("they merge by themselves", func(t *testing.T) {
		t.Parallel()
		db := shelf(t)
		for range 1000 {
			run(t, db, "INSERT INTO pages DEFAULT VALUES")
		}
		// Not to have merged in 400 statements has a probability of 3 in a million.
		assert.Less(t, scalar[int](t, db, "SELECT count(*) FROM tallies WHERE delta"), 400*5)
		exact(t, db, "one by one")
	})
	t.Run("nobody waits for one who merges and does not commit", func(t *testing.T) {
		t.Parallel()
		db := shelf(t)
		run(t, db, "INSERT INTO pages (id) SELECT generate_series(1, 1000)")
		require.NoError(t, db.Transaction(func(slow *gorm.DB) error {
			run(t, slow, "DELETE FROM pages WHERE id < 100")
			run(t, slow, merge)
			return db.Transaction(func(quick *gorm.DB) error {
				run(t, quick, "SET LOCAL lock_timeout = '1ms'")
				run(t, quick, "INSERT INTO pages (id) SELECT generate_series(1001, 2000)")
				run(t, quick, merge)
				exact(t, quick, "beside one who merges")
				return nil
			})
		}))
		exact(t, db, "after both")
	})
	t.Run("a transaction with an older snapshot writes, and leaves merging to others", func(t *testing.T) {
		t.Parallel()
		db := shelf(t)
		run(t, db, "INSERT INTO pages (id) SELECT generate_series(1, 10)")
		require.NoError(t, db.Transaction(func(tx *gorm.DB) error {
			run(t, tx, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
			exact(t, tx, "before")
			run(t, db, "INSERT INTO tallies VALUES ('pages', 63, 0, 0, true)")
			run(t, db, merge)
			run(t, tx, "INSERT INTO pages (id) SELECT generate_series(1000, 100000, 500)") // many blocks: it would merge
			exact(t, tx, "within")
			return nil
		}))
		exact(t, db, "after")
	})
}

// Writers of all kinds meet, and a reader asks all the time whether the two truths that one statement sees are one.
func TestTalliesAreExactAtEveryMoment(t *testing.T) {
	t.Parallel()
	db := shelf(t)
	run(t, db, "INSERT INTO pages (text) SELECT 'x' FROM generate_series(1, 2000)")
	undo := errors.New("undo")
	var writers, readers errgroup.Group
	done := make(chan struct{})
	for range 4 {
		writers.Go(func() error {
			for range 150 {
				err := db.Transaction(func(tx *gorm.DB) error {
					for range 1 + rand.IntN(3) {
						if err := change(tx); err != nil {
							return err
						}
					}
					if rand.IntN(5) == 0 {
						return undo
					}
					return nil
				})
				if err != nil && !errors.Is(err, undo) {
					return err
				}
			}
			return nil
		})
	}
	for range 2 {
		readers.Go(func() error {
			for {
				select {
				case <-done:
					return nil
				default:
				}
				var seen struct{ Tallied, Counted, Deep int64 }
				err := db.Raw(`SELECT tally_count('pages') AS tallied, (SELECT count(*) FROM pages) AS counted,
					(SELECT sum(n) FROM tallies WHERE relation = 'pages' AND shift = 8) AS deep`).Scan(&seen).Error
				if err != nil {
					return err
				}
				if seen.Tallied != seen.Counted || seen.Deep != seen.Counted {
					return errors.New("a reader saw tallies that do not agree with the rows")
				}
			}
		})
	}
	require.NoError(t, writers.Wait())
	close(done)
	require.NoError(t, readers.Wait())
	exact(t, db, "after all")
}

// change inserts, deletes or merges. Rows are deleted in the order of their ids, so that it is not they on which two
// writers meet in a circle.
func change(tx *gorm.DB) error {
	switch rand.IntN(6) {
	case 0, 1:
		return tx.Exec("INSERT INTO pages DEFAULT VALUES").Error
	case 2:
		return tx.Exec("INSERT INTO pages (text) SELECT 'x' FROM generate_series(1, 20)").Error
	case 3, 4:
		return tx.Exec(`DELETE FROM pages WHERE id IN (
			SELECT id FROM pages WHERE id >= ? ORDER BY id LIMIT 5 FOR UPDATE SKIP LOCKED)`, rand.IntN(3000)).Error
	default:
		return tx.Exec(merge).Error
	}
}
