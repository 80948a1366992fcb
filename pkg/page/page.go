// Package page cuts long lists into pages: which part of a list a request asks
// for, and the envelope that it gets, with absolute links to the pages before
// and after it.
//
// The promise is that links walk: whoever follows next from the start of a list
// sees everything that stays in it once, and previous back sees it again, while
// others insert and delete. A link holds on to the key of the row at its edge, not
// to a number of rows, which would shift. A raw offset finds a place to begin.
//
// No error depends on anything but the request, and a fault.Invalid names every
// bad parameter.
package page

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/tizza/tizza/pkg/fault"
)

// Max is the most that one page holds; asking for more gives Max.
const Max = 100

// maxOffset keeps offset+limit far from overflow and is more than a table has.
const maxOffset = 1 << 53

// Window is a part of a list.
type Window struct {
	Limit  int      // 0 to Max; 0 asks for the count alone
	Offset int      // rows to pass over; with a cursor only a hint for links
	Cursor *Cursor  // nil: by Offset
	Known  []string // fingerprints of what the caller has
}

// Result is what is in a window. Its neighbours begin at the keys of its first and last item; where a cursor led to
// nothing, at First and Last all the same.
type Result[T any] struct {
	Count         int64 // of the whole list
	Items         []T
	First, Last   int64
	Before, After bool   // whether the list goes on there
	Fingerprint   string // the same for the same items in the same versions; "" if nobody knows
	Unchanged     bool   // Fingerprint is in Window.Known, so Items were not read
}

// Map is the result with each item turned into what to makes of it.
func Map[A, B any](from Result[A], to func(A) B) Result[B] {
	items := make([]B, len(from.Items))
	for i, item := range from.Items {
		items[i] = to(item)
	}
	return Result[B]{
		Count: from.Count, Items: items, First: from.First, Last: from.Last, Before: from.Before, After: from.After,
		Fingerprint: from.Fingerprint, Unchanged: from.Unchanged,
	}
}

// Parse reads ?limit=, ?offset= and ?cursor=. More than Max is Max. What cannot be
// read is a fault.Invalid naming each bad parameter.
func Parse(r *http.Request, defaultLimit int) (Window, error) {
	query := r.URL.Query()
	w := Window{Limit: min(defaultLimit, Max)}
	var bad []fault.Field
	read := func(name string, parse func(string) string) {
		detail := ""
		switch values := query[name]; {
		case len(values) > 1:
			detail = "must be given once"
		case len(values) == 1:
			detail = parse(values[0])
		}
		if detail != "" {
			bad = append(bad, fault.Field{Field: name, Detail: detail})
		}
	}
	read("limit", func(text string) string { return count(text, Max, &w.Limit) })
	read("offset", func(text string) string { return count(text, maxOffset, &w.Offset) })
	read("cursor", func(text string) string {
		cursor, ok := parseCursor(text)
		if !ok {
			return "must be one that a list's next or previous had"
		}
		w.Cursor = &cursor
		return ""
	})
	if len(bad) > 0 {
		return Window{}, fault.Invalid(bad...)
	}
	return w, nil
}

// count takes digits only (strconv would also take a sign) and caps instead of
// overflowing: a count is a count, however large.
func count(text string, most int, into *int) string {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return "must be a whole number, 0 or more"
	}
	n, err := strconv.Atoi(text)
	if err != nil || n > most { // digits only, so an error is "out of range"
		n = most
	}
	*into = n
	return ""
}
