package page_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/page"
)

func request(query string) *http.Request {
	return httptest.NewRequest(http.MethodGet, "http://pizza.test/api/v1/pizzas?"+query, nil)
}

func TestParse(t *testing.T) {
	t.Parallel()
	const whole, once = "must be a whole number, 0 or more", "must be given once"
	forth, back := page.Cursor{Key: 7}, page.Cursor{Key: -1, Back: true}
	for name, tc := range map[string]struct {
		query string
		want  page.Window
		bad   map[string]string
	}{
		"nothing given is the default":             {"", page.Window{Limit: 5}, nil},
		"both given are taken":                     {"limit=7&offset=3", page.Window{Limit: 7, Offset: 3}, nil},
		"zero is a count":                          {"limit=0&offset=0", page.Window{}, nil},
		"a hundred is a hundred":                   {"limit=100", page.Window{Limit: 100}, nil},
		"more than a hundred is a hundred":         {"limit=101", page.Window{Limit: 100}, nil},
		"more than an integer holds is a hundred":  {"limit=" + strings.Repeat("9", 1000), page.Window{Limit: 100}, nil},
		"a cursor goes forth":                      {"cursor=" + forth.String(), page.Window{Limit: 5, Cursor: &forth}, nil},
		"a cursor goes back, and offset is a hint": {"offset=9&cursor=" + back.String(), page.Window{Limit: 5, Offset: 9, Cursor: &back}, nil},
		"a negative limit is no count":             {"limit=-1", page.Window{}, map[string]string{"limit": whole}},
		"a signed limit is no count":               {"limit=%2B1", page.Window{}, map[string]string{"limit": whole}},
		"an empty limit is no count":               {"limit=", page.Window{}, map[string]string{"limit": whole}},
		"a fraction is no count":                   {"limit=1.5", page.Window{}, map[string]string{"limit": whole}},
		"a word is no count":                       {"offset=first", page.Window{}, map[string]string{"offset": whole}},
		"digits of another script are no count":    {"limit=%D9%A3", page.Window{}, map[string]string{"limit": whole}},
		"two limits are one too many":              {"limit=2&limit=3", page.Window{}, map[string]string{"limit": once}},
		"two cursors are one too many":             {"cursor=" + forth.String() + "&cursor=" + forth.String(), page.Window{}, map[string]string{"cursor": once}},
		"an offset is a count beside a cursor too": {"offset=x&cursor=" + forth.String(), page.Window{}, map[string]string{"offset": whole}},
		"all that is bad is named in one go": {
			"limit=x&offset=y&offset=1&cursor=z", page.Window{},
			map[string]string{"limit": whole, "offset": once, "cursor": "must be one that a list's next or previous had"},
		},
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
			bad := map[string]string{}
			for _, f := range fault.From(err).Fields {
				bad[f.Field] = f.Detail
			}
			assert.Equal(t, tc.bad, bad)
		})
	}
}

func TestCursor(t *testing.T) {
	t.Parallel()
	parse := func(text string) (page.Window, error) {
		r := request("")
		r.URL.RawQuery = "cursor=" + text
		return page.Parse(r, 5)
	}
	t.Run("what is written is read", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			c := page.Cursor{Key: rapid.Int64().Draw(t, "key"), Back: rapid.Bool().Draw(t, "back")}
			w, err := parse(c.String())
			require.NoError(t, err)
			require.Equal(t, c, *w.Cursor)
		})
	})
	t.Run("only what was written is read", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{
			"", "A", "AQ", "AQA", "7", // too short, or no base64
			"AgAO",             // another version
			"AQIO",             // another direction
			"AQAOAA",           // something behind it
			"AQCOAA",           // a varint with a byte too many
			"AQAO=", "AQAO%0A", // written another way
			"AQD_____________fw", // more than 64 bits
			"%00",
		} {
			_, err := parse(text)
			require.True(t, fault.Is(err, fault.KindInvalid), text)
			assert.Equal(t, "cursor", fault.From(err).Fields[0].Field)
		}
	})
}

func FuzzCursor(f *testing.F) {
	for _, key := range []int64{0, 1, -1, 1 << 40} {
		f.Add(page.Cursor{Key: key}.String())
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := request("")
		query := r.URL.Query()
		query.Set("cursor", text)
		r.URL.RawQuery = query.Encode()
		if w, err := page.Parse(r, 5); err == nil && w.Cursor.String() != text {
			t.Errorf("%q is read as %q", text, w.Cursor.String())
		}
	})
}

func TestMap(t *testing.T) {
	t.Parallel()
	numbers := page.Result[int]{Count: 9, Items: []int{3, 4}, First: 3, Last: 4, Before: true, After: true, Fingerprint: "f", Unchanged: true}
	texts := page.Result[string]{Count: 9, Items: []string{"3", "4"}, First: 3, Last: 4, Before: true, After: true, Fingerprint: "f", Unchanged: true}
	assert.Equal(t, texts, page.Map(numbers, strconv.Itoa))
}
