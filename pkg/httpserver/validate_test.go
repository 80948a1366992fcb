package httpserver_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/httpserver"
)

func TestBodies(t *testing.T) {
	t.Parallel()
	f := start(t)
	for name, tc := range map[string]struct {
		body string
		want map[string]string // nil: taken
	}{
		"one that fits is taken":           {`{"title":"a"}`, nil},
		"white space around it is nothing": {" \n{\"title\":\"a\"}\n ", nil},
		"no body":                          {"", map[string]string{"body": "must not be empty"}},
		"only white space":                 {" \n", map[string]string{"body": "must not be empty"}},
		"no UTF-8":                         {"{\"title\":\"a\xff\"}", map[string]string{"body": "is not valid UTF-8 (at byte 11)"}},
		"no JSON":                          {`{"title":`, map[string]string{"body": "is not valid JSON (at byte 9)"}},
		"garbage behind it":                {`{"title":"a"} x`, map[string]string{"body": "must be one JSON value with nothing behind it"}},
		"a second value behind it":         {`{"title":"a"}{}`, map[string]string{"body": "must be one JSON value with nothing behind it"}},
		"a list":                           {`[]`, map[string]string{"body": "must be an object"}},
		"null":                             {`null`, map[string]string{"body": "must not be null"}},

		"a missing field":                 {`{}`, map[string]string{"title": "is required"}},
		"an empty one":                    {`{"title":""}`, map[string]string{"title": "must not be empty"}},
		"one too long":                    {`{"title":"aaaaaaaaaaaaa"}`, map[string]string{"title": "must have at most 12 characters"}},
		"length in characters, not bytes": {`{"title":"ääääääääääää"}`, nil},
		"a wrong type":                    {`{"title":7}`, map[string]string{"title": "must be text"}},
		"null where none is":              {`{"title":null}`, map[string]string{"title": "must not be null"}},
		"null where it may be":            {`{"title":"a","note":null}`, nil},
		"a text where null may be":        {`{"title":"a","note":"b"}`, nil},
		"too long where null may be":      {`{"title":"a","note":"bbbbbb"}`, map[string]string{"note": "must have at most 5 characters"}},
		"wrong type where null may be":    {`{"title":"a","note":1}`, map[string]string{"note": "must be text or null"}},
		"NUL in a text":                   {`{"title":"a\u0000"}`, map[string]string{"title": "must be UTF-8 text without the character NUL"}},

		"a uuid":                  {`{"title":"a","owner":"0190a5b2-7c1e-7b6a-9d3c-1f2e3d4c5b6a"}`, nil},
		"no uuid":                 {`{"title":"a","owner":"x"}`, map[string]string{"owner": "must be a UUID"}},
		"a uuid in braces":        {`{"title":"a","owner":"{0190a5b2-7c1e-7b6a-9d3c-1f2e3d4c5b6a}"}`, map[string]string{"owner": "must be a UUID"}},
		"a time":                  {`{"title":"a","starts_at":"2026-01-31T18:30:00.5+01:00"}`, nil},
		"a time that is none":     {`{"title":"a","starts_at":"2026-02-31T18:30:00Z"}`, map[string]string{"starts_at": "must be a time such as 2026-01-31T18:30:00Z (RFC 3339)"}},
		"a date for a time":       {`{"title":"a","starts_at":"2026-01-31"}`, map[string]string{"starts_at": "must be a time such as 2026-01-31T18:30:00Z (RFC 3339)"}},
		"an e-mail address":       {`{"title":"a","email":"a@b.example"}`, nil},
		"no e-mail address":       {`{"title":"a","email":"A <a@b.example>"}`, map[string]string{"email": "must be an e-mail address"}},
		"a URL":                   {`{"title":"a","image":"https://b.example/c.png"}`, nil},
		"no URL":                  {`{"title":"a","image":"/c.png"}`, map[string]string{"image": "must be an absolute URL"}},
		"the greatest number":     {`{"title":"a","count":9007199254740991}`, nil},
		"a number too great":      {`{"title":"a","count":9007199254740992}`, map[string]string{"count": "must be at most 9007199254740991"}},
		"a number too small":      {`{"title":"a","count":0}`, map[string]string{"count": "must be at least 1"}},
		"no whole number":         {`{"title":"a","count":1.5}`, map[string]string{"count": "must be a whole number"}},
		"no 32 bits":              {`{"title":"a","small":3000000000}`, map[string]string{"small": "is out of range"}},
		"beyond any number":       {`{"title":"a","small":1e999}`, map[string]string{"small": "must be a whole number"}},
		"an exclusive bound":      {`{"title":"a","ratio":0}`, map[string]string{"ratio": "must be more than 0"}},
		"the other bound":         {`{"title":"a","ratio":1}`, map[string]string{"ratio": "must be less than 1"}},
		"a word of a few":         {`{"title":"a","color":"green"}`, nil},
		"another word":            {`{"title":"a","color":"blue"}`, map[string]string{"color": "must be one of: red, green"}},
		"a pattern":               {`{"title":"a","code":"A"}`, map[string]string{"code": "must be small letters"}},
		"a pattern without words": {`{"title":"a","plain":"A"}`, map[string]string{"plain": "has a value that is not allowed"}},
		"a whole number as it is written elsewhere": {`{"title":"a","count":17.0,"small":1e2}`, nil},
		"the same field twice":                      {`{"title":"a","title":"b"}`, map[string]string{"title": "is there twice"}},
		"half a character":                          {`{"title":"\ud800"}`, map[string]string{"body": "is not valid UTF-8 (at byte 10)"}},
		"too deep":                                  {`{"title":` + strings.Repeat("[", 99), map[string]string{"body": "must not nest deeper than 32"}},
		"no truth":                                  {`{"title":"a","flag":"yes"}`, map[string]string{"flag": "must be true or false"}},
		"entries":                                   {`{"title":"a","tags":["bb","c"]}`, map[string]string{"tags.1": "must have at least 2 characters"}},
		"too many entries":                          {`{"title":"a","tags":["aa","bb","cc"]}`, map[string]string{"tags": "must have at most 2 entries"}},
		"the same twice":                            {`{"title":"a","tags":["aa","aa"]}`, map[string]string{"tags": "must not have the same entry twice"}},
		"inside of an object":                       {`{"title":"a","inner":{"nam":1}}`, map[string]string{"inner.nam": "is not a known field", "inner.name": "is required"}},
		"one alternative to null":                   {`{"title":"a","maybe":1}`, map[string]string{"maybe": "must be at least 3"}},
		"null as an alternative":                    {`{"title":"a","maybe":null}`, nil},
		"no alternative":                            {`{"title":"a","either":"x"}`, map[string]string{"either": "has a value that is not allowed"}},

		"all that is wrong at once": {`{"title":"","note":7,"owner":"x","extra":1,"Title":"a","more":{}}`, map[string]string{
			"title": "must not be empty", "note": "must be text or null", "owner": "must be a UUID",
			"extra": "is not a known field", "Title": "is not a known field", "more": "is not a known field",
		}},
		"read-only fields are ignored, whatever they say": {`{"id":"x","title":"a","created_at":7,"inner":{"name":"b","made":1}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := f.do(t, "POST", "/api/v1/things", tc.body)
			if tc.want == nil {
				assert.Equal(t, 201, got.StatusCode, got.body)
				return
			}
			require.Equal(t, 400, got.StatusCode, got.body)
			assert.Equal(t, tc.want, got.fields(t))
			assert.Equal(t, "Some fields are not valid.", got.problem(t).Detail)
		})
	}

	t.Run("read-only fields do not reach the handler", func(t *testing.T) {
		t.Parallel()
		got := f.do(t, "PUT", "/api/v1/things/1", `{"id":9,"title":"a","count":9007199254740991,"inner":{"name":"b","made":"x"},"created_at":"x"}`)
		assert.Equal(t, 200, got.StatusCode)
		assert.JSONEq(t, `{"title":"a","count":9007199254740991,"inner":{"name":"b"}}`, got.body)
	})
	t.Run("a flood of unknown fields gets a bounded answer, and soon", func(t *testing.T) {
		t.Parallel()
		flood := `{` + repeat(`"%d`+strings.Repeat("x", 110)+`":1`, 8000) + `}`
		for _, body := range []string{flood, `{"title":"a","wrapped":` + flood + `}`} {
			start := time.Now()
			got := f.do(t, "POST", "/api/v1/things", body)
			assert.Equal(t, 400, got.StatusCode)
			assert.Len(t, got.problem(t).Errors, 100)
			assert.Less(t, len(got.body), 32<<10)
			assert.Less(t, time.Since(start), 30*time.Second)
		}
	})
	t.Run("a name that the caller made up is shortened", func(t *testing.T) {
		t.Parallel()
		got := f.do(t, "POST", "/api/v1/things", `{"title":"a","`+strings.Repeat("ä", 9000)+`":1}`)
		assert.Equal(t, map[string]string{strings.Repeat("ä", 50) + "…": "is not a known field"}, got.fields(t))
	})
	t.Run("many unknown fields do not hide what else is wrong", func(t *testing.T) {
		t.Parallel()
		got := f.do(t, "POST", "/api/v1/things", `{`+repeat(`"x%d":1`, 30)+`}`)
		assert.Len(t, got.fields(t), 31)
		assert.Equal(t, "is required", got.fields(t)["title"])
	})
	t.Run("what two parts of a composition want is said once", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, []fault.Field{{Field: "both", Detail: "must have at least 2 characters"}},
			f.do(t, "POST", "/api/v1/things", `{"title":"a","both":"x"}`).problem(t).Errors)
		assert.Equal(t, map[string]string{"both": "must have at most 3 characters"}, f.do(t, "POST", "/api/v1/things", `{"title":"a","both":"xxxx"}`).fields(t))
		assert.Equal(t, 201, f.do(t, "POST", "/api/v1/things", `{"title":"a","both":"xx"}`).StatusCode)
	})
	t.Run("a body that breaks off is the caller's mistake", func(t *testing.T) {
		t.Parallel()
		conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
		require.NoError(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, "POST /api/v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")
		require.NoError(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		defer resp.Body.Close()
		assert.Equal(t, 400, resp.StatusCode)
	})
}

func TestMediaTypesOfBodies(t *testing.T) {
	t.Parallel()
	f := start(t)
	const merge = "application/merge-patch+json"
	for name, tc := range map[string]struct {
		method, contentType, coding string
		status                      int
		names                       string
	}{
		"JSON is read":                        {"POST", "application/json", "", 201, ""},
		"JSON in UTF-8 is read":               {"POST", "application/json; charset=UTF-8", "", 201, ""},
		"its case does not matter":            {"POST", "Application/JSON", "", 201, ""},
		"JSON in another character set isn't": {"POST", "application/json; charset=latin1", "", 415, "Send application/json, application/msgpack, application/x-protobuf."},
		"a form is not":                       {"POST", "application/x-www-form-urlencoded", "", 415, "Send application/json, application/msgpack, application/x-protobuf."},
		"nonsense is not":                     {"POST", "json", "", 415, "Send application/json, application/msgpack, application/x-protobuf."},
		"a merge patch is no POST":            {"POST", merge, "", 415, "Send application/json, application/msgpack, application/x-protobuf."},
		"PATCH reads a merge patch":           {"PATCH", merge, "", 200, ""},
		"PATCH reads JSON":                    {"PATCH", "application/json", "", 200, ""},
		"PATCH names both":                    {"PATCH", "text/plain", "", 415, "Send application/json, application/merge-patch+json, application/msgpack, application/x-protobuf."},
		"an unknown coding is not undone":     {"POST", "application/json", "br", 415, "Send the body as it is, or in gzip."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := "/api/v1/things"
			if tc.method == "PATCH" {
				path += "/1"
			}
			headers := []string{"Content-Type", tc.contentType}
			if tc.coding != "" {
				headers = append(headers, "Content-Encoding", tc.coding)
			}
			got := f.do(t, tc.method, path, `{"title":"a"}`, headers...)
			assert.Equal(t, tc.status, got.StatusCode, got.body)
			if tc.names != "" {
				assert.Equal(t, tc.names, got.problem(t).Detail)
			}
		})
	}

	t.Run("a merge patch is held against the schema too", func(t *testing.T) {
		t.Parallel()
		got := f.do(t, "PATCH", "/api/v1/things/1", `{"title":null,"x":1}`, "Content-Type", merge)
		assert.Equal(t, map[string]string{"title": "must not be null", "x": "is not a known field"}, got.fields(t))
		assert.Equal(t, 200, f.do(t, "PATCH", "/api/v1/things/1", `{"note":null}`, "Content-Type", merge).StatusCode)
	})
	t.Run("a body over the limit is refused", func(t *testing.T) {
		t.Parallel()
		fits := `{"title":"` + strings.Repeat("a", httpserver.MaxBody-len(`{"title":""}`)) + `"}`
		assert.Equal(t, 400, f.do(t, "POST", "/api/v1/things", fits).StatusCode, "read, and too long a title")
		assert.Equal(t, 413, f.do(t, "POST", "/api/v1/things", fits+" ").StatusCode)
	})
}

func TestAccept(t *testing.T) {
	t.Parallel()
	f := start(t)
	for name, tc := range map[string]struct {
		accept string
		status int
	}{
		"none takes anything":                   {"", 200},
		"JSON":                                  {"application/json", 200},
		"JSON among others":                     {"text/html, application/json;q=0.1", 200},
		"anything":                              {"*/*", 200},
		"any application":                       {"application/*", 200},
		"JSON and problems":                     {"application/json, application/problem+json", 200},
		"pages only":                            {"text/html", 406},
		"anything but JSON":                     {"*/*, application/json;q=0", 200},
		"no application at all, but all others": {"application/*;q=0, */*", 406},
		"a range that cannot be read":           {";;", 406},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := f.do(t, "GET", "/api/v1/things/1", "", "Accept", tc.accept)
			assert.Equal(t, tc.status, got.StatusCode)
			if tc.status == 406 {
				assert.Equal(t, "This is served as application/json, application/msgpack, application/x-protobuf.", got.problem(t).Detail)
			}
		})
	}
	t.Run("where nothing is served, nothing is refused", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, 204, f.do(t, "DELETE", "/api/v1/things/1", "", "Accept", "text/html").StatusCode)
	})
}

func TestParameters(t *testing.T) {
	t.Parallel()
	f := start(t)
	for name, tc := range map[string]struct {
		query string
		want  map[string]string
	}{
		"none is fine":             {"", nil},
		"all good ones are taken":  {"limit=0&offset=3&ids=1,2&owner=0190a5b2-7c1e-7b6a-9d3c-1f2e3d4c5b6a&color=red&from=2026-01-31T18:30:00Z&q=x", nil},
		"unknown ones are no harm": {"_=1", nil},
		"a word for a count":       {"limit=x", map[string]string{"limit": "must be a whole number"}},
		"a count beyond counting":  {"limit=" + strings.Repeat("9", 40) + "&offset=" + strings.Repeat("9", 40), nil},
		"a count twice":            {"limit=2&limit=3", map[string]string{"limit": "must be given once"}},
		"half an escape":           {"q=%zz", map[string]string{"query": "cannot be read: a % begins two hexadecimal digits, and ; is %3B"}},
		"a semicolon":              {"limit=1;offset=2", map[string]string{"query": "cannot be read: a % begins two hexadecimal digits, and ; is %3B"}},
		"a negative count":         {"limit=-1", map[string]string{"limit": "must be at least 0"}},
		"no value":                 {"limit=", map[string]string{"limit": "must not be empty"}},
		"a signed count":           {"limit=%2B5", map[string]string{"limit": "must be a whole number, 0 or more"}},
		"a list with a word":       {"ids=1,x", map[string]string{"ids": "must be a list in which each must be a whole number"}},
		"a list with a bad entry":  {"ids=1,0", map[string]string{"ids.1": "must be at least 1"}},
		"no uuid":                  {"owner=x", map[string]string{"owner": "must be a UUID"}},
		"another word":             {"color=blue", map[string]string{"color": "must be one of: red, green"}},
		"no time":                  {"from=today", map[string]string{"from": "must be a time such as 2026-01-31T18:30:00Z (RFC 3339)"}},
		"NUL":                      {"q=a%00", map[string]string{"q": "must be UTF-8 text without the character NUL"}},
		"bytes that are no text":   {"q=%ff", map[string]string{"q": "must be UTF-8 text without the character NUL"}},
		"all bad ones at once": {"limit=x&offset=-1&owner=y&q=12345678901", map[string]string{
			"limit": "must be a whole number", "offset": "must be at least 0", "owner": "must be a UUID", "q": "must have at most 10 characters"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := f.do(t, "GET", "/api/v1/things?"+tc.query, "")
			if tc.want == nil {
				assert.Equal(t, 200, got.StatusCode, got.body)
				return
			}
			require.Equal(t, 400, got.StatusCode, got.body)
			assert.Equal(t, tc.want, got.fields(t))
		})
	}

	for name, path := range map[string]string{
		"a word": "x", "zero": "0", "a negative number": "-1", "a number too great": "9007199254740992", "NUL": "%00", "a slash": "1%2F2", "a sign": "+1", "leading zeros": "01",
	} {
		t.Run(name+" for an id is not found, and cannot be put", func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{"GET", "HEAD", "DELETE"} {
				assert.Equal(t, 404, f.do(t, method, "/api/v1/things/"+path, "").StatusCode)
			}
			assert.Equal(t, 404, f.do(t, "PATCH", "/api/v1/things/"+path, `{"title":"a"}`).StatusCode)
			got := f.do(t, "PUT", "/api/v1/things/"+path, `{"title":""}`)
			assert.Equal(t, 400, got.StatusCode)
			assert.Contains(t, got.fields(t), "thing_id")
			assert.Contains(t, got.fields(t), "title", "and all else that is wrong")
		})
	}
}

func TestADocumentThatPromisesTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	l := &log{}
	for name, spec := range map[string]string{
		"a keyword that is not checked": `{title: {const: a}}`,
		"another one":                   `{tags: {type: array, contains: {type: string}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, l)
			o.Spec = []byte(`
openapi: 3.1.0
info: {title: x, version: '1'}
paths:
  /x:
    post:
      requestBody: {content: {application/json: {schema: {type: object, properties: ` + spec + `}}}}
      responses: {'200': {description: ok}}
`)
			_, err := httpserver.New(o)
			assert.ErrorContains(t, err, "POST /x")
		})
	}
	t.Run("no document at all", func(t *testing.T) {
		t.Parallel()
		o := options(t, l)
		o.Spec = []byte("nonsense")
		_, err := httpserver.New(o)
		assert.Error(t, err)
	})
}
