package page_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tizza/tizza/pkg/page"
)

func TestNew(t *testing.T) {
	t.Parallel()
	forth, back := page.Cursor{Key: 12}.String(), page.Cursor{Key: 11, Back: true}.String()
	two := []int{11, 12}
	for name, tc := range map[string]struct {
		window         page.Window
		result         page.Result[int]
		next, previous string
	}{
		"the only page has no neighbours":   {page.Window{Limit: 5}, page.Result[int]{Count: 2, Items: two}, "", ""},
		"an empty list has none":            {page.Window{Limit: 5}, page.Result[int]{}, "", ""},
		"a window of no width has none":     {page.Window{Offset: 3}, page.Result[int]{Count: 9}, "", ""},
		"the first goes on after its last":  {page.Window{Limit: 2}, page.Result[int]{Count: 6, Items: two, After: true}, "limit=2&offset=2&cursor=" + forth, ""},
		"the last goes back from its first": {page.Window{Limit: 2, Offset: 4}, page.Result[int]{Count: 6, Items: two, Before: true}, "", "limit=2&offset=2&cursor=" + back},
		"in the middle it goes both ways": {
			page.Window{Limit: 2, Offset: 2}, page.Result[int]{Count: 6, Items: two, Before: true, After: true},
			"limit=2&offset=4&cursor=" + forth, "limit=2&offset=0&cursor=" + back,
		},
		"an offset that the list has outgrown is not negative": {
			page.Window{Limit: 5, Offset: 2, Cursor: &page.Cursor{}}, page.Result[int]{Count: 60, Items: two, Before: true},
			"", "limit=5&offset=0&cursor=" + back,
		},
		"a short page goes on where it ends": {
			page.Window{Limit: 5, Cursor: &page.Cursor{Back: true}}, page.Result[int]{Count: 60, Items: two, After: true},
			"limit=5&offset=2&cursor=" + forth, "",
		},
		"behind the end, the page before is the last full one": {page.Window{Limit: 5, Offset: 100}, page.Result[int]{Count: 9, Before: true}, "", "limit=5&offset=4&cursor="},
		"where nothing is any more after a row, what is before goes back from there": {
			page.Window{Limit: 5, Offset: 3, Cursor: &page.Cursor{}}, page.Result[int]{Count: 9, Before: true}, "", "limit=5&offset=4&cursor=" + back,
		},
		"where nothing is any more before a row, what is after goes on from there": {
			page.Window{Limit: 5, Offset: 3, Cursor: &page.Cursor{Back: true}}, page.Result[int]{Count: 9, After: true}, "limit=5&offset=0&cursor=" + forth, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.result.First, tc.result.Last = 11, 12
			list := page.New(request("q=a%26b&limit=1&cursor=x"), tc.window, tc.result)
			check := func(got *string, want string) {
				if want == "" {
					assert.Nil(t, got)
					return
				}
				require.NotNil(t, got)
				u, err := url.Parse(*got)
				require.NoError(t, err)
				query := u.Query()
				assert.Equal(t, "http://pizza.test/api/v1/pizzas", u.Scheme+"://"+u.Host+u.Path)
				assert.Equal(t, "a&b", query.Get("q"), "other parameters stay")
				assert.Equal(t, want, "limit="+query.Get("limit")+"&offset="+query.Get("offset")+"&cursor="+query.Get("cursor"))
			}
			check(list.Next, tc.next)
			check(list.Previous, tc.previous)
			assert.Equal(t, tc.result.Count, list.Count)
		})
	}

	more := page.Result[int]{Count: 9, Items: two, Before: true, After: true}
	t.Run("no results are an empty list, not null", func(t *testing.T) {
		t.Parallel()
		body, err := json.Marshal(page.New(request(""), page.Window{Limit: 5}, page.Result[int]{}))
		require.NoError(t, err)
		assert.JSONEq(t, `{"count":0,"next":null,"previous":null,"results":[]}`, string(body))
	})
	t.Run("links are https where a trusted proxy says so", func(t *testing.T) {
		t.Parallel()
		r := request("")
		r.URL.Scheme = "https"
		assert.Contains(t, *page.New(r, page.Window{Limit: 1}, more).Next, "https://pizza.test/")
	})
	t.Run("without a Host they lead to where the request arrived", func(t *testing.T) {
		t.Parallel()
		r := request("")
		r.Host = ""
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8002}))
		assert.Contains(t, *page.New(r, page.Window{Limit: 1}, more).Next, "http://127.0.0.1:8002/api/v1/pizzas?")
	})
	t.Run("the Link header has both neighbours", func(t *testing.T) {
		t.Parallel()
		list := page.New(request(""), page.Window{Limit: 2, Offset: 2}, more)
		assert.Equal(t, `<`+*list.Next+`>; rel="next", <`+*list.Previous+`>; rel="prev"`, list.Link())
		assert.Empty(t, page.New(request(""), page.Window{Limit: 2}, page.Result[int]{Count: 1, Items: []int{1}}).Link())
	})
}

// cut is the part of a sorted list that a window has.
func cut(keys []int64, w page.Window) page.Result[int64] {
	from, to := min(w.Offset, len(keys)), len(keys)
	if c := w.Cursor; c != nil {
		at, found := slices.BinarySearch(keys, c.Key)
		switch {
		case c.Back:
			from, to = max(at-w.Limit, 0), at
		case found:
			from = at + 1
		default:
			from = at
		}
	}
	to = min(to, from+w.Limit)
	r := page.Result[int64]{Count: int64(len(keys)), Items: keys[from:to], Before: from > 0, After: to < len(keys)}
	switch {
	case from < to:
		r.First, r.Last = keys[from], keys[to-1]
	case w.Cursor != nil && w.Cursor.Back:
		r.First, r.Last = w.Cursor.Key, w.Cursor.Key-1
	case w.Cursor != nil:
		r.First, r.Last = w.Cursor.Key+1, w.Cursor.Key
	}
	return r
}

// Following next from anywhere sees everything from there on once, and previous from there sees it all again backwards,
// whatever the list and the limit, while what does not stay comes and goes.
func TestFollowingTheLinksSeesEverythingThatStaysOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		stays := rapid.SliceOfNDistinct(rapid.Int64Range(-200, 200), 0, 30, rapid.ID).Draw(t, "what stays")
		limit := rapid.IntRange(1, 12).Draw(t, "limit")
		list := func() []int64 { // with some others, other ones each time
			all := slices.Concat(stays, rapid.SliceOfN(rapid.Int64Range(-200, 200), 0, 10).Draw(t, "others"))
			slices.Sort(all)
			return slices.Compact(all)
		}
		read := func(url string) page.List[int64] {
			r := httptest.NewRequest(http.MethodGet, url, nil)
			w, err := page.Parse(r, limit)
			require.NoError(t, err)
			return page.New(r, w, cut(list(), w))
		}
		there, last := follow(read, read("http://pizza.test/pizzas"), func(l page.List[int64]) *string { return l.Next })
		back, _ := follow(read, last, func(l page.List[int64]) *string { return l.Previous })
		require.True(t, slices.IsSorted(there))
		for _, visits := range [][]int64{there, back} {
			require.Len(t, slices.Compact(slices.Sorted(slices.Values(visits))), len(visits), "nothing is seen twice")
			for _, key := range stays {
				require.Contains(t, visits, key)
			}
		}
	})
}

// follow follows links from a page to the end, and returns what it has seen and the last page.
func follow(read func(string) page.List[int64], at page.List[int64], link func(page.List[int64]) *string) ([]int64, page.List[int64]) {
	seen := slices.Clone(at.Results)
	for next := link(at); next != nil; next = link(at) {
		at = read(*next)
		seen = append(seen, at.Results...)
	}
	return seen, at
}
