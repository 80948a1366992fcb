package system

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/tizza/tizza/deploy/internal/conformance"
)

// refusal makes of an operation's good request one that is refused with the status, wherever it applies.
type refusal struct {
	why     string
	status  int
	applies func(request) bool
	spoil   func(*world, request) request
}

func always(request) bool       { return true }
func hasBody(r request) bool    { return r.RequestBody != nil }
func changes(r request) bool    { return r.Operation.Method != http.MethodGet }
func answers(r request) bool    { return r.Documents(http.StatusNotAcceptable) }
func conditions(r request) bool { return r.Documents(http.StatusPreconditionFailed) }
func hasID(r request) bool      { return r.Parameter("path", "id") != nil }
func hasUUID(r request) bool {
	return r.Parameter("path", "uuid") != nil || r.Parameter("path", "user") != nil
}

func both(conditions ...func(request) bool) func(request) bool {
	return func(r request) bool {
		return !slices.ContainsFunc(conditions, func(holds func(request) bool) bool { return !holds(r) })
	}
}

func method(methods ...string) func(request) bool {
	return func(r request) bool { return slices.Contains(methods, r.Operation.Method) }
}

// refusals are what every operation is protected by in the same way. Only some depend on how the body is written.
var refusals = []struct {
	each     []refusal
	ofBodies bool
}{{callers, false}, {negotiations, true}, {bodies, true}, {places, false}, {spellings(), false}}

func with(name string, values ...string) func(*world, request) request {
	return func(_ *world, r request) request { return r.With(name, values...) }
}

func saying(raw ...byte) func(*world, request) request {
	return func(_ *world, r request) request {
		r.Body, r.Raw = nil, slices.Clone(raw)
		return r
	}
}

func encoded(token string) string {
	return "Bearer " + base64.StdEncoding.EncodeToString([]byte(token))
}

var callers = []refusal{
	{"an unknown token", 401, always, with("Authorization", encoded("operator:wrong"))},
	{"a token that is none", 401, always, with("Authorization", "Bearer operator")},
	{"two tokens", 401, always, with("Authorization", encoded("operator:operator-development"), encoded("operator:operator-development"))},
	{"nobody", 401, request.NeedsCaller, func(_ *world, r request) request { return r.By(nil) }},
	{"a cookie that does not open", 401, request.NeedsCaller, func(_ *world, r request) request { return r.By(cookie("pizza-auth=k1.AAAA")) }},
	{"a token without the scope", 403, always, func(w *world, r request) request { return r.By(w.narrow) }},
	{"a page of another site", 403, changes, func(w *world, r request) request {
		return r.By(w.ann.as).With("Sec-Fetch-Site", "cross-site")
	}},
}

var negotiations = []refusal{
	{"a type that it is not served as", 406, answers, with("Accept", "text/html, image/*;q=0.5")},
	{"no type at all", 406, answers, with("Accept", "*/*;q=0")},
	{"a type that is not read", 415, hasBody, with("Content-Type", "text/plain")},
	{"a charset that is not read", 415, hasBody, with("Content-Type", "application/json; charset=latin1")},
	{"no type", 415, hasBody, with("Content-Type")},
	{"a coding that is not read", 415, hasBody, with("Content-Encoding", "br")},
	{"two codings", 415, hasBody, with("Content-Encoding", "gzip, gzip")},
	{"two codings on two lines", 415, hasBody, with("Content-Encoding", "gzip", "gzip")},
	{"no gzip", 400, hasBody, with("Content-Encoding", "gzip")},
	{"gzip that is cut off", 400, hasBody, zipped(func(data []byte) []byte { return data[:len(data)-5] })},
	{"gzip with something behind it", 400, hasBody, zipped(func(data []byte) []byte { return append(data, "more"...) })},
	{"gzip with a wrong checksum", 400, hasBody, zipped(func(data []byte) []byte {
		data[len(data)-8] ^= 1
		return data
	})},
	{"a gzip bomb", 413, hasBody, func(_ *world, r request) request {
		r.Body, r.Raw = nil, bomb()
		return r.With("Content-Encoding", "gzip")
	}},
}

func zipped(spoil func([]byte) []byte) func(*world, request) request {
	return func(_ *world, r request) request {
		r.Raw, r.Body = spoil(conformance.Gzip([]byte(`{"title":"Funghi"}`))), nil
		return r.With("Content-Encoding", "gzip")
	}
}

// bomb is 1 GiB of zeros, of which gzip leaves less than the 1 MiB that a body may have.
var bomb = sync.OnceValue(func() []byte {
	part := conformance.Gzip(make([]byte, 64<<20)) // a stream of several is one, too
	return bytes.Repeat(part, 16)
})

var tooLarge = sync.OnceValue(func() []byte { return conformance.Gzip(bytes.Repeat([]byte(" "), 1<<20+1)) })

var bodies = []refusal{
	{"no body", 400, hasBody, saying()},
	{"a body that is cut off", 400, hasBody, func(w *world, r request) request {
		raw, err := r.Service.Encode(r.Send, schemaOf(r), r.Body)
		if err != nil {
			w.t.Fatal(err)
		}
		return saying(raw[:len(raw)-1]...)(w, r)
	}},
	{"a body that is no document", 400, hasBody, saying(0xff, 0xc1, '{', 0xff)},
	{"a list", 400, hasBody, func(_ *world, r request) request {
		if r.Send != conformance.Protobuf { // which has none
			r.Body = []any{}
			return r
		}
		return saying(0xff)(nil, r)
	}},
	{"a field that is not known", 400, hasBody, func(w *world, r request) request {
		if r.Send == conformance.Protobuf { // a varint with the number 1000
			raw, err := r.Service.Encode(r.Send, schemaOf(r), r.Body)
			if err != nil {
				w.t.Fatal(err)
			}
			return saying(append(raw, 0xc0, 0x3e, 0x01)...)(w, r)
		}
		more := fields{"surprise": true}
		for name, value := range r.Body.(fields) {
			more[name] = value
		}
		return r.Saying(more)
	}},
	{"a body that is too large", 413, hasBody, saying(bytes.Repeat([]byte(" "), 1<<20+1)...)},
	{"a body that is too large in gzip", 413, hasBody, func(_ *world, r request) request {
		r.Body, r.Raw = nil, tooLarge()
		return r.With("Content-Encoding", "gzip")
	}},
}

func schemaOf(r request) string {
	_, schema := r.BodySchema(r.Send)
	return schema
}

var places = []refusal{
	{"a query that cannot be read", 400, always, func(_ *world, r request) request { return r.Asking("a=%zz", r.Schema) }},
	{"a condition that cannot be read", 400, conditions, with("If-Match", "nonsense")},
	{"another condition that cannot be read", 400, conditions, with("If-None-Match", `"open`)},
	{"a limit that is no count", 400, hasLimit, func(_ *world, r request) request { return r.Asking("limit=-1", r.Schema) }},
	{"an offset that is no count", 400, both(hasLimit, hasOffset), func(_ *world, r request) request { return r.Asking("offset=1.5", r.Schema) }},
	{"a cursor of one's own", 400, both(hasLimit, hasOffset), func(_ *world, r request) request { return r.Asking("cursor=AAAA", r.Schema) }},
	{"a tag of long ago", 412, conditions, with("If-Match", `"0.x.json"`)},
	{"a weak tag", 412, conditions, with("If-Match", `W/"1.x.json"`)},
	{"an id that nothing has", 404, both(hasID, documents404), func(w *world, r request) request { return at("id", unused())(w, r) }},
	{"a person whom nobody knows", 404, both(hasUUID, documents404, method("GET", "PATCH", "DELETE")), func(w *world, r request) request {
		return at("uuid", nobody())(w, at("user", nobody())(w, r))
	}},
}

func hasLimit(r request) bool     { return r.Parameter("query", "limit") != nil }
func hasOffset(r request) bool    { return r.Parameter("query", "offset") != nil }
func documents404(r request) bool { return r.Documents(http.StatusNotFound) }

// at is the request with another value in its path, by the operator, who may see that nothing is there.
func at(name, value string) func(*world, request) request {
	return func(w *world, r request) request {
		values := map[string]string{}
		for parameter, old := range r.Values {
			values[parameter] = old
		}
		if strings.Contains(r.Path, "{"+name+"}") {
			values[name] = value
		}
		if name == "id" && r.Parameter("path", "id").Schema.Value.Type.Is("string") { // an erasure's
			values[name] = strings.Repeat("0", 32)
		}
		r.Values = values
		return r.By(w.operator)
	}
}

// spellings are ids that name nothing: not found, and nothing that PUT could create.
func spellings() (all []refusal) {
	refuse := func(why string, has func(request) bool, spoil func(*world, request) request) {
		all = append(all, refusal{why, 404, both(has, documents404, method("GET", "PATCH", "DELETE")), spoil},
			refusal{why, 400, both(has, method("PUT")), spoil})
	}
	for _, id := range []string{"0", "-1", "01", "+1", "1e2", "1.0", "abc", "9007199254740992", "99999999999999999999", "%201", "%EF%BC%91", "1%2F2"} {
		refuse("the id "+id, hasID, spelled(id))
	}
	for _, id := range []string{"1", "6f1c9f9e3a554f0e9d5b0c6f0d9b7a11", "{6f1c9f9e-3a55-4f0e-9d5b-0c6f0d9b7a11}", "6f1c9f9e-3a55-4f0e-9d5b-0c6f0d9b7a1g"} {
		refuse("the person "+id, hasUUID, misspelled(id))
	}
	return all
}

// spelled is the request at an id that is none.
func spelled(id string) func(*world, request) request {
	return func(w *world, r request) request {
		r = at("id", id)(w, r)
		r.Values["id"] = id
		return r
	}
}

func misspelled(id string) func(*world, request) request {
	return func(w *world, r request) request { return at("uuid", id)(w, at("user", id)(w, r)) }
}
