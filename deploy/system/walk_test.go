package system

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

const (
	walked   = 100_000
	pageSize = 100
)

func TestWalkingVisitsEveryRowThatStayedOnceWhileOthersComeAndGo(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	fill(ctx, t, databases["pizza"])
	meddler := meddle(ctx)

	started := time.Now()
	there, pages, last := walk(ctx, t, tizza.Pizza(fmt.Sprintf("/pizzas?limit=%d", pageSize)), "next", walked)
	took := time.Since(started)
	back, _, _ := walk(ctx, t, last, "previous", 200)
	gone, came := meddler.stop(t)

	t.Logf("%d pages in %s, while %d rows went and %d came", pages, took.Round(time.Millisecond), len(gone), came)
	require.NotEmpty(t, gone)
	require.NotZero(t, came)
	for n := range int64(walked) {
		if id := row(n); !gone[id] && there[id] != 1 {
			t.Errorf("row %d stayed, and was visited %d times", id, there[id])
		}
	}
	for _, visits := range []map[int64]int{there, back} {
		for id, times := range visits {
			if times != 1 {
				t.Errorf("row %d was visited %d times", id, times)
			}
		}
	}
	assert.Greater(t, len(back), 199*pageSize, "only the page on which the way back begins is short")
	assertNoGaps(t, there, back, gone)
}

// firstRow is the id of the first of the rows, which have every other one. Nobody else has ids there.
const firstRow = int64(1) << 50

func row(n int64) int64 { return firstRow + 2*n }

func fill(ctx context.Context, t *testing.T, db *sql.DB) {
	t.Helper()
	const query = `INSERT INTO pizzas (id, title, description, image_url) SELECT $1::bigint + 2 * n, 'Walked over', '', '' FROM generate_series(0, $2::bigint - 1) AS n`
	_, err := db.ExecContext(ctx, query, firstRow, walked)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.ExecContext(context.Background(), "DELETE FROM pizzas WHERE id >= $1", firstRow)
		assert.NoError(t, err)
	})
}

// meddler deletes and inserts rows over HTTP, here and there, until it is stopped.
type meddler struct {
	group *errgroup.Group
	leave context.CancelFunc
	gone  map[int64]bool
	came  int
}

func meddle(ctx context.Context) *meddler {
	m := &meddler{group: new(errgroup.Group), gone: map[int64]bool{}}
	ctx, m.leave = context.WithCancel(ctx)
	m.group.Go(func() error {
		for ctx.Err() == nil {
			id := row(rand.Int64N(walked))
			m.gone[id] = true // also if nobody learns what became of it
			if _, err := tizza.Call(ctx, tizza.Operator(), http.MethodDelete, pizzaAt(id), nil); err != nil {
				continue
			}
			between := row(rand.Int64N(walked)) + 1
			made, err := tizza.Call(ctx, tizza.Operator(), http.MethodPut, pizzaAt(between), map[string]string{"title": "Walked over"})
			if err == nil && made.Status == http.StatusCreated {
				m.came++
			}
		}
		return nil
	})
	return m
}

func pizzaAt(id int64) string { return tizza.Pizza(fmt.Sprintf("/pizzas/%d", id)) }

// stop returns which rows may have gone, and how many came.
func (m *meddler) stop(t *testing.T) (gone map[int64]bool, came int) {
	t.Helper()
	m.leave()
	require.NoError(t, m.group.Wait())
	return m.gone, m.came
}

// walk follows the links of that name for so many pages, and returns how often it has seen each row, and where it ended.
func walk(ctx context.Context, t *testing.T, from, link string, most int) (seen map[int64]int, pages int, last string) {
	t.Helper()
	seen = map[int64]int{}
	for next := &from; next != nil && pages < most; pages++ {
		answer, err := tizza.Call(ctx, tizza.Operator(), http.MethodGet, *next, nil)
		require.NoError(t, err)
		var page struct {
			Next, Previous *string
			Results        []struct{ ID int64 }
		}
		require.NoError(t, answer.Want(http.StatusOK, &page))
		for _, row := range page.Results {
			seen[row.ID]++
		}
		last, next = *next, page.Next
		if link == "previous" {
			next = page.Previous
		}
	}
	return seen, pages, last
}

// assertNoGaps finds every row that was seen on the way there, and stayed, on the way back too, from the first to the last
// that was seen then.
func assertNoGaps(t *testing.T, there, back map[int64]int, gone map[int64]bool) {
	t.Helper()
	lowest, highest := int64(1)<<62, int64(0)
	for id := range back {
		lowest, highest = min(lowest, id), max(highest, id)
	}
	for id := range there {
		if id >= lowest && id <= highest && !gone[id] && back[id] != 1 {
			t.Errorf("row %d was passed over on the way back", id)
		}
	}
}
