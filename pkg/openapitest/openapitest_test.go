package openapitest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/openapitest"
)

// recorder is a test whose errors are looked at.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// answers says the same to everybody; headers are name, value, name, value.
func answers(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func request(t *testing.T, method, path, body string, headers ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func TestHandler(t *testing.T) {
	t.Parallel()
	const token, cookie = "Bearer b3BlcmF0b3I6cHc=", "session=x"
	list := func(path string, headers ...string) *http.Request { return request(t, "GET", path, "", headers...) }
	create := func(body string, headers ...string) *http.Request {
		return request(t, "POST", "/api/things", body, headers...)
	}
	created := answers(201, `{"title":"a"}`, "Location", "/api/things/1")
	for _, test := range []struct {
		name    string
		request *http.Request
		answer  http.HandlerFunc
		wrong   string // "": nothing
	}{
		{"what fits passes", list("/api/things?limit=1"), answers(200, `[{"title":"a"},{"title":"b","note":null}]`), ""},
		{"a service that says who it is may create", create(`{"title":"a"}`, "Authorization", token), created, ""},
		{"a person who says who it is may create", create(`{"title":"a"}`, "Cookie", cookie), created, ""},
		{"an answer in gzip is read", list("/api/things"), answers(200, zipped(t, `[{"title":"a"}]`), "Content-Encoding", "gzip"), ""},
		{"no content is an answer", create(`{"title":"a"}`, "Authorization", token), answers(204, ""), ""},

		{"an unknown path", list("/api/nothing"), answers(200, `[]`), "no matching operation"},
		{"an unknown method", request(t, "DELETE", "/api/things", ""), answers(204, ""), "method not allowed"},
		{"an unknown parameter", list("/api/things?page=1"), answers(200, `[]`), `"page" is not documented`},
		{"a bad parameter", list("/api/things?limit=-1"), answers(200, `[]`), "limit"},
		{"a request that says nobody", create(`{"title":"a"}`), created, "security"},
		{"a request whose token is none", create(`{"title":"a"}`, "Authorization", "Bearer "), created, "security"},
		{"a body that does not fit", create(`{"name":"a"}`, "Authorization", token), created, "request body"},
		{"a body that is not there", create("", "Authorization", token), created, "request body"},
		{"a property that is missing", list("/api/things"), answers(200, `[{}]`), "title"},
		{"a property of another type", list("/api/things"), answers(200, `[{"title":7}]`), "title"},
		{"a property too many", list("/api/things"), answers(200, `[{"title":"a","size":1}]`), "size"},
		{"an id that is none", list("/api/things"), answers(200, `[{"title":"a","owner":"Ann"}]`), "owner"},
		{"a time that is none", list("/api/things"), answers(200, `[{"title":"a","made":"soon"}]`), "made"},
		{"a parameter that is no id", list("/api/things?owner=Ann"), answers(200, `[]`), "owner"},
		{"a wrong property in gzip", list("/api/things"), answers(200, zipped(t, `[{}]`), "Content-Encoding", "gzip"), "title"},
		{"gzip that is none", list("/api/things"), answers(200, `[]`, "Content-Encoding", "gzip"), "not in gzip"},
		{"no JSON", list("/api/things"), answers(200, `[`), "answer does not fit"},
		{"another media type", list("/api/things"), answers(200, `[]`, "Content-Type", "text/html"), "text/html"},
		{"a status that is not documented", list("/api/things"), answers(404, `{}`), "status is not supported"},
		{"a header that is missing", create(`{"title":"a"}`, "Authorization", token), answers(201, `{"title":"a"}`), "Location"},
		{"no content that has some", create(`{"title":"a"}`, "Authorization", token), answers(204, `{}`), "204 has a body"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			complaints, got := &recorder{TB: t}, httptest.NewRecorder()
			handler := openapitest.Handler(complaints, "testdata/openapi.yaml", test.answer)
			handler.ServeHTTP(got, test.request)
			if test.wrong == "" {
				assert.Empty(t, complaints.errors)
			} else {
				assert.Contains(t, strings.Join(complaints.errors, "\n"), test.wrong)
			}
			want := httptest.NewRecorder()
			test.answer(want, test.request)
			assert.Equal(t, want.Code, got.Code, "the answer goes through, right or wrong")
			assert.Equal(t, want.Body.String(), got.Body.String())
			assert.Equal(t, want.Header(), got.Header())
		})
	}
	t.Run("the body reaches who answers", func(t *testing.T) {
		t.Parallel()
		got := httptest.NewRecorder()
		openapitest.Handler(t, "testdata/openapi.yaml", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			answers(201, string(body), "Location", "/")(w, r)
		})).ServeHTTP(got, create(`{"title":"what was sent"}`, "Authorization", token))
		assert.JSONEq(t, `{"title":"what was sent"}`, got.Body.String())
	})
}
