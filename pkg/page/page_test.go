package page_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/page"
)

func request(query string) *http.Request {
	return httptest.NewRequest(http.MethodGet, "http://pizza.test/api/v1/pizzas?"+query, nil)
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		query string
		want  page.Page
		bad   []string
	}{
		"nothing given is the default":             {"", page.Page{Limit: 5}, nil},
		"both given are taken":                     {"limit=7&offset=3", page.Page{Limit: 7, Offset: 3}, nil},
		"zero is a count":                          {"limit=0&offset=0", page.Page{}, nil},
		"a hundred is a hundred":                   {"limit=100", page.Page{Limit: 100}, nil},
		"more than a hundred is a hundred":         {"limit=101", page.Page{Limit: 100}, nil},
		"more than an integer holds is a hundred":  {"limit=99999999999999999999999", page.Page{Limit: 100}, nil},
		"a negative limit is no count":             {"limit=-1", page.Page{}, []string{"limit"}},
		"a signed limit is no count":               {"limit=%2B1", page.Page{}, []string{"limit"}},
		"an empty limit is no count":               {"limit=", page.Page{}, []string{"limit"}},
		"a fraction is no count":                   {"limit=1.5", page.Page{}, []string{"limit"}},
		"two limits are no count":                  {"limit=1&limit=2", page.Page{}, []string{"limit"}},
		"a word is no count":                       {"offset=first", page.Page{}, []string{"offset"}},
		"digits of another script are no count":    {"limit=%D9%A3", page.Page{}, []string{"limit"}},
		"both bad ones are named in one go":        {"limit=x&offset=y", page.Page{}, []string{"limit", "offset"}},
		"a bad one is not hidden by the other one": {"limit=x&offset=1", page.Page{}, []string{"limit"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := page.Parse(request(tc.query), 5)
			if tc.bad == nil {
				require.NoError(t, err)
				assert.Equal(t, tc.want, got)
				return
			}
			require.True(t, fault.Is(err, fault.KindInvalid))
			var names []string
			for _, f := range fault.From(err).Fields {
				names = append(names, f.Field)
			}
			assert.Equal(t, tc.bad, names)
		})
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		page           page.Page
		count          int64
		next, previous string
	}{
		"the only page has no neighbours":               {page.Page{Limit: 5}, 5, "", ""},
		"the first of two":                              {page.Page{Limit: 5}, 6, "limit=5&offset=5", ""},
		"the last of two":                               {page.Page{Limit: 5, Offset: 5}, 6, "", "limit=5&offset=0"},
		"in the middle":                                 {page.Page{Limit: 2, Offset: 4}, 9, "limit=2&offset=6", "limit=2&offset=2"},
		"the page before the start is clipped":          {page.Page{Limit: 5, Offset: 2}, 9, "limit=5&offset=7", "limit=2&offset=0"},
		"behind the end, the page before is a full one": {page.Page{Limit: 5, Offset: 100}, 9, "", "limit=5&offset=4"},
		"an empty list":                                 {page.Page{Limit: 5}, 0, "", ""},
		"a window of no width has no neighbours":        {page.Page{Offset: 3}, 9, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := page.New(request("q=a%26b&limit=1"), tc.page, tc.count, []int{1})
			check := func(got *string, want string) {
				if want == "" {
					assert.Nil(t, got)
					return
				}
				require.NotNil(t, got)
				u, err := url.Parse(*got)
				require.NoError(t, err)
				assert.Equal(t, "http://pizza.test/api/v1/pizzas", u.Scheme+"://"+u.Host+u.Path)
				assert.Equal(t, "a&b", u.Query().Get("q"), "other parameters stay")
				assert.Equal(t, want, "limit="+u.Query().Get("limit")+"&offset="+u.Query().Get("offset"))
			}
			check(list.Next, tc.next)
			check(list.Previous, tc.previous)
			assert.Equal(t, tc.count, list.Count)
		})
	}

	t.Run("no results are an empty list, not null", func(t *testing.T) {
		t.Parallel()
		assert.NotNil(t, page.New[int](request(""), page.Page{Limit: 5}, 0, nil).Results)
	})
	t.Run("links are https where a trusted proxy says so", func(t *testing.T) {
		t.Parallel()
		r := request("")
		r.URL.Scheme = "https"
		assert.Contains(t, *page.New(r, page.Page{Limit: 1}, 2, []int{1}).Next, "https://pizza.test/")
	})
	t.Run("the Link header has both neighbours", func(t *testing.T) {
		t.Parallel()
		list := page.New(request(""), page.Page{Limit: 2, Offset: 2}, 9, []int{1, 2})
		assert.Equal(t, `<http://pizza.test/api/v1/pizzas?limit=2&offset=4>; rel="next", `+
			`<http://pizza.test/api/v1/pizzas?limit=2&offset=0>; rel="prev"`, list.Link())
		assert.Empty(t, page.New(request(""), page.Page{Limit: 2}, 1, []int{1}).Link())
	})
}

// Following next from the start sees every entry once, and previous from there
// sees them all again backwards, whatever the limit and wherever one starts.
func TestFollowingTheLinksSeesEveryEntryOnce(t *testing.T) {
	t.Parallel()
	const count = 13
	for limit := 1; limit <= count+1; limit++ {
		for start := range limit {
			r, seen := request("limit="+strconv.Itoa(limit)+"&offset="+strconv.Itoa(start)), start
			for {
				p, err := page.Parse(r, 5)
				require.NoError(t, err)
				require.Equal(t, seen, p.Offset)
				list := page.New(r, p, count, []int{})
				seen = min(p.Offset+p.Limit, count)
				if list.Next == nil {
					break
				}
				r = httptest.NewRequest(http.MethodGet, *list.Next, nil)
			}
			require.Equal(t, count, seen, "forwards, limit %d from %d", limit, start)

			for first := seen; ; {
				p, err := page.Parse(r, 5)
				require.NoError(t, err)
				require.Equal(t, first, min(p.Offset+p.Limit, count))
				first = p.Offset
				list := page.New(r, p, count, []int{})
				if list.Previous == nil {
					require.Zero(t, first, "backwards, limit %d from %d", limit, start)
					break
				}
				r = httptest.NewRequest(http.MethodGet, *list.Previous, nil)
			}
		}
	}
}
