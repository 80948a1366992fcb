package page

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// List is one page as it is answered.
type List[T any] struct {
	Count    int64   `json:"count"` // of the whole list
	Next     *string `json:"next"`  // nil on the last page
	Previous *string `json:"previous"`
	Results  []T     `json:"results"`
}

// SchemaName is the name of the list's schema: of things, ThingList.
func (List[T]) SchemaName() string { return reflect.TypeFor[T]().Name() + "List" }

// New is the page that r asked for by the window, with what is in it.
func New[T any](r *http.Request, w Window, result Result[T]) List[T] {
	list := List[T]{Count: result.Count, Results: result.Items}
	if list.Results == nil {
		list.Results = []T{} // "[]", never "null"
	}
	next, previous := &Cursor{Key: result.Last}, &Cursor{Key: result.First, Back: true}
	after, before := w.Offset+len(result.Items), w.Offset
	if len(result.Items) == 0 { // before the start of the list, or behind its end
		after, before = 0, int(min(result.Count, maxOffset))
		if w.Cursor == nil { // there is no key to hold on to
			next, previous = nil, nil
		}
	}
	if result.After {
		list.Next = link(r, w.Limit, after, next)
	}
	if result.Before {
		list.Previous = link(r, w.Limit, max(before-w.Limit, 0), previous)
	}
	return list
}

func link(r *http.Request, limit, offset int, cursor *Cursor) *string {
	query := r.URL.Query()
	query.Set("limit", strconv.Itoa(limit))
	query.Set("offset", strconv.Itoa(offset))
	query.Del("cursor")
	if cursor != nil {
		query.Set("cursor", cursor.String())
	}
	u := url.URL{Scheme: scheme(r), Host: host(r), Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: query.Encode()}
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

// host is the request's own or, where HTTP/1.0 names none, where it was received.
func host(r *http.Request) string {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && r.Host == "" {
		return local.String()
	}
	return r.Host
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
