// Package page is limit/offset paging: it reads the two parameters from a
// request and builds the answer's envelope with absolute links to the pages
// before and after, keeping every other query parameter.
package page

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tizza/tizza/pkg/fault"
)

// Max is the most that one page holds; asking for more gives Max.
const Max = 100

// maxOffset keeps offset+limit far from overflow and is more than a table has.
const maxOffset = 1 << 53

// Page is a window on a list.
type Page struct {
	Limit  int // 0 to Max; 0 asks for the count alone
	Offset int
}

// Parse reads ?limit= and ?offset=. More than Max is Max. Anything that is not
// a count, in either, is a fault.Invalid naming each bad parameter.
func Parse(r *http.Request, defaultLimit int) (Page, error) {
	query := r.URL.Query()
	p := Page{Limit: min(defaultLimit, Max)}
	var bad []fault.Field
	read := func(name string, into *int, most int) {
		values, given := query[name]
		if !given {
			return
		}
		n, ok := count(values, most)
		if !ok {
			bad = append(bad, fault.Field{Field: name, Detail: "must be a whole number, 0 or more"})
			return
		}
		*into = n
	}
	read("limit", &p.Limit, Max)
	read("offset", &p.Offset, maxOffset)
	if len(bad) > 0 {
		return Page{}, fault.Invalid(bad...)
	}
	return p, nil
}

// count takes digits only (strconv would also take a sign) and caps instead of
// overflowing: a count is a count, however large.
func count(values []string, most int) (int, bool) {
	if len(values) != 1 || values[0] == "" || strings.Trim(values[0], "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(values[0])
	if err != nil || n > most { // digits only, so an error is "out of range"
		n = most
	}
	return n, true
}

// List is one page as it is answered.
type List[T any] struct {
	Count    int64   `json:"count"` // of the whole list
	Next     *string `json:"next"`  // nil on the last page
	Previous *string `json:"previous"`
	Results  []T     `json:"results"`
}

// New is the page of results that r asked for, out of count in total.
func New[T any](r *http.Request, p Page, count int64, results []T) List[T] {
	if results == nil {
		results = []T{} // "[]", never "null"
	}
	list := List[T]{Count: count, Results: results}
	if p.Limit == 0 {
		return list // a window of no width has no neighbours
	}
	if int64(p.Offset)+int64(p.Limit) < count {
		list.Next = link(r, p.Limit, p.Offset+p.Limit)
	}
	if p.Offset > 0 {
		list.Previous = previous(r, p, count)
	}
	return list
}

// previous is the window before p. Behind the end it is the last full window,
// not an empty one between; before the start it is clipped, so that it never
// shows again what p shows.
func previous(r *http.Request, p Page, count int64) *string {
	end := int(min(int64(p.Offset), count))
	start := max(end-p.Limit, 0)
	limit := p.Limit
	if width := end - start; width > 0 {
		limit = width
	}
	return link(r, limit, start)
}

func link(r *http.Request, limit, offset int) *string {
	query := r.URL.Query()
	query.Set("limit", strconv.Itoa(limit))
	query.Set("offset", strconv.Itoa(offset))
	u := url.URL{Scheme: scheme(r), Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: query.Encode()}
	s := u.String()
	return &s
}

// scheme is the request's own. A proxy that ends TLS is heard only through
// r.URL.Scheme, which the server sets for the proxies that it trusts.
func scheme(r *http.Request) string {
	if r.URL.Scheme != "" {
		return r.URL.Scheme
	}
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// Link is the value of the Link header (RFC 8288) for the page, "" if it is
// the only one.
func (l List[T]) Link() string {
	var links []string
	if l.Next != nil {
		links = append(links, fmt.Sprintf("<%s>; rel=%q", *l.Next, "next"))
	}
	if l.Previous != nil {
		links = append(links, fmt.Sprintf("<%s>; rel=%q", *l.Previous, "prev"))
	}
	return strings.Join(links, ", ")
}
