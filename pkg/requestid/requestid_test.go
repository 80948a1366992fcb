package requestid_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tizza/tizza/pkg/requestid"
)

func TestMiddleware(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		given string
		kept  bool
	}{
		"the caller's id is kept":                   {"abc-123_X.7", true},
		"without one there is a new one":            {"", false},
		"one that would break a log line is not":    {"a\tb", false},
		"one of another alphabet is not kept":       {"ä", false},
		"one of the greatest length is kept":        {strings.Repeat("a", 64), true},
		"one that is longer than that is not kept":  {strings.Repeat("a", 65), false},
		"one that looks like a field is not either": {"a=b", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var inside string
			h := requestid.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { inside = requestid.From(r.Context()) }))
			r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
			r.Header.Set(requestid.Header, tc.given)

			h.ServeHTTP(w, r)

			assert.NotEmpty(t, inside)
			assert.Equal(t, inside, w.Header().Get(requestid.Header), "the answer tells the id")
			assert.Equal(t, tc.kept, inside == tc.given)
		})
	}
	assert.Empty(t, requestid.From(t.Context()), "outside of a request there is none")
}
