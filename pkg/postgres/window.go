package postgres

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/tizza/tizza/pkg/page"
)

// Listed is a row of a list.
type Listed interface {
	// ListKey returns the key by which the list is ordered, and the row's version.
	ListKey() (key, version int64)
}

// Order is how a table is listed.
type Order struct {
	Key        string // the column: unique, and never another one in a row's life
	Descending bool
	// Tallied says that the table has the triggers of [Rows], so that all of it can be counted, and an offset in it be
	// found, without reading it.
	Tallied bool
}

// Window reads a part of the rows that the query's conditions allow: one statement, so one state of the database. It
// costs the same wherever the part begins, with a cursor, or if there are no conditions and the table is tallied.
//
// A caller who knows the part's fingerprint costs a statement that reads nothing but keys and versions.
func Window[T Listed](query *gorm.DB, order Order, w page.Window) (page.Result[T], error) {
	l, err := listOf[T](query, order)
	if err != nil {
		return page.Result[T]{}, err
	}
	if len(w.Known) > 0 || w.Limit == 0 {
		heads, err := read[head](l, order.Key+" AS key, version", w)
		if err != nil {
			return page.Result[T]{}, err
		}
		heads.Unchanged = slices.Contains(w.Known, heads.Fingerprint)
		if heads.Unchanged || w.Limit == 0 {
			heads.Items = nil
			return page.Map(heads, func(head) (none T) { return none }), nil
		}
	}
	return read[T](l, l.columns, w)
}

// head is what a fingerprint is made of.
type head struct{ Key, Version int64 }

func (h head) ListKey() (key, version int64) { return h.Key, h.Version }

// found is a row, and what the same statement found out about the list. A type cannot embed its parameter, but gorm can.
type found[T any] struct {
	Row        T `gorm:"embedded"`
	ListCount  int64
	ListBeyond bool // rows on the side from which the window was entered
}

// read reads the window's rows and one more, which says whether the list goes on.
func read[T Listed](l list, columns string, w page.Window) (page.Result[T], error) {
	var rows []found[T]
	if w.Limit > 0 {
		if err := l.rows(columns, w).Scan(&rows).Error; err != nil {
			return page.Result[T]{}, fmt.Errorf("read a window: %w", err)
		}
	}
	var about found[T]
	if len(rows) > 0 {
		about = rows[0]
	} else {
		if err := l.about(w).Scan(&about).Error; err != nil {
			return page.Result[T]{}, fmt.Errorf("count: %w", err)
		}
	}
	more := len(rows) > w.Limit
	rows = rows[:min(len(rows), w.Limit)]
	beyond := about.ListBeyond && about.ListCount > 0 && w.Limit > 0 // a window of no width has no neighbours
	result := page.Result[T]{Count: about.ListCount, Items: make([]T, len(rows)), Before: beyond, After: more}
	if w.Cursor != nil && w.Cursor.Back {
		slices.Reverse(rows)
		result.Before, result.After = more, beyond
	}
	for i, row := range rows {
		result.Items[i] = row.Row
	}
	if len(rows) > 0 {
		result.First, _ = result.Items[0].ListKey()
		result.Last, _ = result.Items[len(rows)-1].ListKey()
	} else if w.Cursor != nil {
		result.First, result.Last = l.around(w)
	}
	result.Fingerprint = fingerprint(result)
	return result, nil
}

// fingerprint is 128 bits of a hash over all that a page shows.
func fingerprint[T Listed](r page.Result[T]) string {
	data := binary.BigEndian.AppendUint64(nil, uint64(r.Count)) //nolint:gosec // any 64 bits will do, here and below
	for _, neighbour := range []bool{r.Before, r.After} {
		if neighbour {
			data = append(data, 1)
		} else {
			data = append(data, 0)
		}
	}
	for _, row := range r.Items {
		key, version := row.ListKey()
		data = binary.BigEndian.AppendUint64(data, uint64(key))     //nolint:gosec // see above
		data = binary.BigEndian.AppendUint64(data, uint64(version)) //nolint:gosec // see above
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}
