package conformance

import (
	"bytes"
	"encoding/json"
	"strings"

	"pgregory.net/rapid"
)

// Broken draws requests that began as valid ones, with something wrong in one or a few places. Some are still valid.
func (o *Operation) Broken(known Known) *rapid.Generator[Request] {
	return rapid.Custom(func(t *rapid.T) Request {
		r := o.Valid(known).Draw(t, "valid")
		spoilers := []func(*rapid.T, Request) Request{spoilHeader, spoilQuery}
		if len(r.Values) > 0 {
			spoilers = append(spoilers, spoilPath)
		}
		if r.Body != nil {
			spoilers = append(spoilers, spoilTree, spoilTree, spoilBytes, cannedBody)
		}
		for range rapid.IntRange(1, 2).Draw(t, "how many") {
			r = rapid.SampledFrom(spoilers).Draw(t, "spoiler")(t, r)
		}
		return r
	})
}

// scraps are values that seldom belong where they are put.
var scraps = []any{
	nil, true, json.Number("0"), json.Number("-1"), json.Number("1.5"), json.Number("1e2"), json.Number("9007199254740993"),
	json.Number("18446744073709551616"), json.Number("1e400"), json.Number("-0"), "", " ", "\x00", "a\x00b", "\u2028", "\ufeff", "é", "e\u0301", "🍕",
	"0", "null", "' OR 1=1 --", "../../etc/passwd", "<script>", "%s%n", strings.Repeat("x", 121), strings.Repeat("ü", 2001), strings.Repeat("y", 100_000),
	"2030-02-31T00:00:00Z", "0000-01-01T00:00:00Z", "99999-01-01T00:00:00Z", "2030-01-01", "6f1c9f9e-3a55-4f0e-9d5b-0c6f0d9b7a1",
	[]any{}, []any{[]any{[]any{}}}, map[string]any{}, map[string]any{"": map[string]any{"a.b": nil}}, deep(20), deep(40),
}

// deep is that many lists in each other.
func deep(n int) any {
	var value any = "deep"
	for range n {
		value = []any{value}
	}
	return value
}

// spoilTree replaces, adds or takes out a member, or replaces the whole.
func spoilTree(t *rapid.T, r Request) Request {
	object, is := r.Body.(map[string]any)
	if !is || r.Send == Protobuf {
		return spoilBytes(t, r)
	}
	scrap := rapid.SampledFrom(scraps).Draw(t, "scrap")
	schema, _ := r.BodySchema(r.Send)
	names := []string{"surprise", "", "__proto__", "\x00", strings.Repeat("n", 1000), "title.x"}
	for name := range schema.Properties {
		names = append(names, name)
	}
	spoiled := map[string]any{}
	for name, value := range object {
		spoiled[name] = value
	}
	switch name := rapid.SampledFrom(names).Draw(t, "member"); rapid.IntRange(0, 9).Draw(t, "what") {
	case 0:
		return r.Saying(scrap)
	case 1:
		delete(spoiled, name)
	default:
		spoiled[name] = scrap
	}
	return r.Saying(spoiled)
}

// spoilBytes cuts the body off, or writes something into it.
func spoilBytes(t *rapid.T, r Request) Request {
	zip := r.Zip
	r.Zip = false
	data, err := r.body()
	if err != nil || len(data) == 0 {
		return cannedBody(t, r)
	}
	at := rapid.IntRange(0, len(data)-1).Draw(t, "at")
	noise := rapid.SliceOfN(rapid.Byte(), 0, 6).Draw(t, "noise")
	spoiled := append(bytes.Clone(data[:at]), noise...)
	switch rapid.IntRange(0, 2).Draw(t, "what") {
	case 0: // cut off
	case 1: // something between
		spoiled = append(spoiled, data[at:]...)
	case 2: // something over it
		spoiled = append(spoiled, data[min(at+len(noise), len(data)):]...)
	}
	r.Body, r.Raw, r.Zip = nil, spoiled, zip
	return r
}

// canned are bodies that readers of a format have stumbled over.
var canned = map[Format][]string{
	JSON: {
		"", "{", "nul", "{}{}", `{"title":"a","title":"b"}`, `{"title":"\ud800"}`, `{"title":"\udc00\ud800"}`, "{\"title\":\"\xff\"}", "{\"title\":\"\xed\xa0\x80\"}",
		`{"title":1e999999}`, `{"id":` + strings.Repeat("9", 100_000) + `}`, `{"title":"\u0000"}`, "\ufeff{}", `{"a":01}`, `{"a":NaN}`, "{'a':1}", `{"a":1,}`,
		strings.Repeat("[", 200_000), strings.Repeat(`{"a":`, 50_000), "[" + strings.Repeat("1,", 300_000) + "1]", `"` + strings.Repeat("a", 1_000_000) + `"`,
	},
	MessagePack: {
		"", "\xc1", "\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff", "\xdc\xff\xff", "\xde\xff\xff", "\xc6\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff", "\xc9\xff\xff\xff\xff\x01",
		"\x81\xa5title\xdd\xff\xff\xff\xff", "\x81\xa5title\xdb\x7f\xff\xff\xff", "\x82\xa1a\x01\xa1a\x02", "\x81\x01\x02", "\x81\xc0\x02", "\x81\xa5title\xa1\xff",
		"\x81\xa5title\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "\x81\xa2id\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "\x81\xa2id\xd6\xff\x00\x00\x00\x00", "\x80\x80",
		strings.Repeat("\x91", 200_000), strings.Repeat("\x81\xa1a", 200_000), "\xdd\x00\x0f\xff\xff" + strings.Repeat("\xc0", 1_000_000),
	},
	Protobuf: {
		"\xff", "\x0a\xff\xff\xff\xff\x0f", "\x12\xff\xff\xff\xff\x07", "\x00\x01", "\x12\x01\xff", "\x10\x01", "\xc0\x3e\x01", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
		"\x0b\x0c", strings.Repeat("\x0b", 100_000), strings.Repeat("\x12\x01a", 200_000), "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", "\xa2\x06\x04\x0a\x02..", "\xa2\x06\x00",
		"\x32\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x32\x06\x10\xff\xff\xff\xff\x07",
	},
}

func cannedBody(t *rapid.T, r Request) Request {
	kind := r.Send
	if kind == MergePatch {
		kind = JSON
	}
	if rapid.IntRange(0, 9).Draw(t, "other format") == 0 {
		kind = rapid.SampledFrom(Formats).Draw(t, "format")
	}
	r.Body, r.Raw = nil, []byte(rapid.SampledFrom(canned[kind]).Draw(t, "body"))
	return r
}

func spoilPath(t *rapid.T, r Request) Request {
	ids := []string{
		"0", "-1", "01", "+1", "1e2", "1.0", "0x1", "1_000", "9007199254740992", "9223372036854775808", strings.Repeat("9", 400), "%00", "1%00", "%ff", "%20", "1%20", "%2F",
		"1%2F2", "..%2F1", "%2e%2e", "null", "*", "'", "%EF%BC%91", "6F1C9F9E-3A55-4F0E-9D5B-0C6F0D9B7A11", "00000000-0000-0000-0000-000000000000", "urn:uuid:6f1c9f9e-3a55-4f0e-9d5b-0c6f0d9b7a11",
	}
	values := map[string]string{}
	for name, value := range r.Values {
		values[name] = value
		if rapid.Bool().Draw(t, "spoil "+name) {
			values[name] = rapid.SampledFrom(ids).Draw(t, name)
		}
	}
	r.Values = values
	return r
}

func spoilQuery(t *rapid.T, r Request) Request {
	more := rapid.SampledFrom([]string{
		"limit=-1", "limit=1.5", "limit=" + strings.Repeat("9", 400), "limit=", "limit=%2B1", "limit=1&limit=2", "limit=0", "offset=9223372036854775807", "offset=1e3", "cursor=AQAE", "cursor=AQAF", "cursor=",
		"cursor=AQD-----------w", "cursor=" + strings.Repeat("A", 64), "a=%zz", "a;b", "%00=1", "q=%00", "q=%ff", "q=" + strings.Repeat("q", 121), "q=%25_%5C", "q='", "ids=1,,2", "ids=", "ids=" + strings.Repeat("1,", 200) + "1",
		"ids=1&ids=2", "pizza=0", "pizza=1,2", "pizza=" + strings.Repeat("1&pizza=", 101) + "1", "expand=user", "expand=pizza&expand=pizza", "user=x", "creator=%00", "from=2030", "from=2030-01-01T00:00:00+01:00", "to=0000-00-00T00:00:00Z",
		"unknown=1", strings.Repeat("a=b&", 2000), "limit[]=1", "=",
	}).Draw(t, "query")
	if r.Query != "" && rapid.Bool().Draw(t, "beside") {
		more = r.Query + "&" + more
	}
	r.Query = more
	if r.Parameter("query", "expand") != nil {
		r.Schema = ""
		if strings.Contains(more, "expand=pizza") {
			r.Schema = r.expanded()
		}
	}
	return r
}

func spoilHeader(t *rapid.T, r Request) Request {
	odd := rapid.SampledFrom([][2]string{
		{"Content-Type", ""}, {"Content-Type", "application/json; charset=latin1"}, {"Content-Type", "application/json;;;"}, {"Content-Type", "a/b/c"}, {"Content-Type", "application/JSON; charset=UTF-8"},
		{"Content-Type", "application/cloudevents+json"}, {"Content-Type", strings.Repeat("a", 4000)}, {"Accept", ""}, {"Accept", "*/*;q=NaN"}, {"Accept", "*/*;q=0"}, {"Accept", ",,;q=,"}, {"Accept", "application/*"},
		{"Accept", "application/msgpack;q=0.1, application/x-protobuf;q=0.2"}, {"Accept", "application/json;q=1e-400"}, {"Accept", strings.Repeat("a/b,", 4000)}, {"Accept", "é"}, {"Accept-Encoding", "gzip;q=0"},
		{"Accept-Encoding", "br, *"}, {"Accept-Encoding", "gzip;q=x, identity;q=0"}, {"Content-Encoding", "gzip"}, {"Content-Encoding", "GZIP"}, {"Content-Encoding", "gzip, gzip"}, {"Content-Encoding", "identity"},
		{"Content-Encoding", "deflate"}, {"If-Match", `"`}, {"If-Match", ""}, {"If-Match", ",,,"}, {"If-Match", `"99999999999999999999999.x.json"`}, {"If-Match", `"-1"`}, {"If-Match", "*, *"}, {"If-Match", strings.Repeat(`"a",`, 5000)},
		{"If-None-Match", "*"}, {"If-None-Match", `W/""`}, {"If-None-Match", "W/*"}, {"If-None-Match", "é"}, {"If-None-Match", `"l.x.json"`}, {"Traceparent", "00-0-0-0"}, {"Traceparent", "é"}, {"Tracestate", strings.Repeat("a=b,", 500)},
		{"X-Request-Id", strings.Repeat("i", 4000)}, {"X-Request-Id", "é\t"}, {"Authorization", "Bearer"}, {"Authorization", "Basic b3BlcmF0b3I6"}, {"Authorization", ""}, {"Cookie", "pizza-auth=x; pizza-auth=y"},
		{"Cookie", strings.Repeat("a=b; ", 1000)}, {"Range", "bytes=0-1"}, {"If-Modified-Since", "Sat, 01 Jan 2050 00:00:00 GMT"}, {"If-Unmodified-Since", "never"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"},
		{"X-Http-Method-Override", "DELETE"}, {"X-Forwarded-Proto", "gopher"}, {"X-Forwarded-For", "1.2.3.4, é"}, {"X-Forwarded-Host", "evil.example"}, {"Baggage", "é=é"}, {"Connection", "close"},
	}).Draw(t, "header")
	if odd[0] == "Content-Type" && odd[1] == "" {
		return r.With(odd[0])
	}
	return r.With(odd[0], odd[1])
}
