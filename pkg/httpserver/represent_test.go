package httpserver_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/representation"
)

func messages(t *testing.T) []protoreflect.FileDescriptor {
	t.Helper()
	var parsed descriptorpb.FileDescriptorProto
	require.NoError(t, prototext.Unmarshal([]byte(`
		name: "things.proto" package: "things" syntax: "proto3"
		message_type { name: "Thing"
			field { name: "title" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL proto3_optional: true oneof_index: 0 }
			oneof_decl { name: "_title" } }
		message_type { name: "ThingPatch"
			field { name: "title" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL proto3_optional: true oneof_index: 0 }
			oneof_decl { name: "_title" } }
		message_type { name: "Problem"
			field { name: "type" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
			field { name: "title" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
			field { name: "status" number: 3 type: TYPE_INT32 label: LABEL_OPTIONAL }
			field { name: "detail" number: 4 type: TYPE_STRING label: LABEL_OPTIONAL }
			field { name: "instance" number: 5 type: TYPE_STRING label: LABEL_OPTIONAL }
			field { name: "errors" number: 6 type: TYPE_MESSAGE type_name: ".things.FieldError" label: LABEL_REPEATED }
			field { name: "trace_id" number: 7 type: TYPE_STRING label: LABEL_OPTIONAL } }
		message_type { name: "FieldError"
			field { name: "field" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
			field { name: "detail" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL } }`), &parsed))
	file, err := protodesc.NewFile(&parsed, nil)
	require.NoError(t, err)
	return []protoreflect.FileDescriptor{file}
}

// tree reads an answer in whatever format it is.
func (a answer) tree(t *testing.T, schema string) map[string]any {
	t.Helper()
	codec, err := representation.NewCodec(messages(t)...)
	require.NoError(t, err)
	_, format, ok := representation.ContentType(a.Header.Get("Content-Type"))
	require.True(t, ok, a.Header.Get("Content-Type"))
	data := a.body
	if a.Header.Get("Content-Encoding") == "gzip" {
		plain, err := gzip.NewReader(strings.NewReader(data))
		require.NoError(t, err)
		read, err := io.ReadAll(plain)
		require.NoError(t, err)
		data = string(read)
	}
	value, err := codec.Read(format, schema, []byte(data))
	require.NoError(t, err)
	return value.(map[string]any)
}

func TestOneThingInEveryRepresentation(t *testing.T) {
	t.Parallel()
	f := start(t)
	seen := map[string]string{}
	for _, format := range representation.Formats {
		for _, coding := range []string{"identity", "gzip"} {
			name := format.String() + " " + coding
			got := f.do(t, "GET", "/api/v1/things/1", "", "Accept", format.MediaType(), "Accept-Encoding", coding)
			assert.Equal(t, format.MediaType(), got.Header.Get("Content-Type"), name)
			assert.Equal(t, "Accept, Accept-Encoding", got.Header.Get("Vary"), name)
			assert.Equal(t, coding == "gzip", got.Header.Get("Content-Encoding") == "gzip", name)
			assert.Equal(t, map[string]any{"title": "1"}, got.tree(t, "Thing"), name)

			tag := got.Header.Get("ETag")
			assert.Regexp(t, `^"7\.[\w-]{6}\.[a-z.]+"$`, tag)
			assert.Empty(t, seen[tag], "two representations share a tag")
			seen[tag] = name
		}
	}
	for tag, name := range seen {
		t.Run(name+" is sent once", func(t *testing.T) {
			t.Parallel()
			format, coding, _ := strings.Cut(name, " ")
			for _, f2 := range representation.Formats {
				if f2.String() != format {
					continue
				}
				got := f.do(t, "GET", "/api/v1/things/1", "", "Accept", f2.MediaType(), "Accept-Encoding", coding, "If-None-Match", `"x", W/`+tag)
				assert.Equal(t, 304, got.StatusCode)
				assert.Equal(t, tag, got.Header.Get("ETag"))
				assert.Equal(t, "no-cache", got.Header.Get("Cache-Control"))
				assert.Empty(t, got.body)
			}
			got := f.do(t, "PUT", "/api/v1/things/1", `{"title":"a"}`, "If-Match", tag)
			assert.Equal(t, 200, got.StatusCode, "any representation's tag names the version")
		})
	}
	t.Run("the tag of another representation is another one", func(t *testing.T) {
		t.Parallel()
		tag := f.do(t, "GET", "/api/v1/things/1", "", "Accept-Encoding", "identity").Header.Get("ETag")
		assert.Equal(t, 200, f.do(t, "GET", "/api/v1/things/1", "", "Accept", "application/msgpack", "If-None-Match", tag).StatusCode)
	})
}

func TestBodiesInEveryRepresentation(t *testing.T) {
	t.Parallel()
	f := start(t)
	codec, err := representation.NewCodec(messages(t)...)
	require.NoError(t, err)
	for _, format := range representation.Formats {
		body, err := codec.Write(format, thing{"title": "a"})
		require.NoError(t, err)
		for coding, data := range map[string][]byte{"identity": body, "gzip": representation.Compress(body)} {
			got := f.do(t, "POST", "/api/v1/things", string(data), "Content-Type", format.MediaType(), "Content-Encoding", coding, "Accept", format.MediaType(), "Accept-Encoding", "identity")
			assert.Equal(t, 201, got.StatusCode, got.body)
			assert.Equal(t, map[string]any{"title": "a"}, got.tree(t, "Thing"))
			assert.Equal(t, "/api/v1/things/1", got.Header.Get("Location"))
			assert.Equal(t, "/api/v1/things/1", got.Header.Get("Content-Location"))
		}
		bad, err := codec.Write(format, thing{"title": strings.Repeat("a", 13)})
		require.NoError(t, err)
		got := f.do(t, "POST", "/api/v1/things", string(bad), "Content-Type", format.MediaType(), "Accept", format.MediaType(), "Accept-Encoding", "gzip",
			"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		assert.Equal(t, 400, got.StatusCode)
		assert.Equal(t, format.ProblemMediaType(), got.Header.Get("Content-Type"))
		problem := got.tree(t, "Problem")
		assert.Equal(t, []any{map[string]any{"field": "title", "detail": "must have at most 12 characters"}}, problem["errors"])
		assert.Equal(t, json.Number("400"), problem["status"])
		assert.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", problem["trace_id"])
	}
	t.Run("gzip that is none is the caller's mistake", func(t *testing.T) {
		t.Parallel()
		got := f.do(t, "POST", "/api/v1/things", `{"title":"a"}`, "Content-Encoding", "gzip")
		assert.Equal(t, map[string]string{"body": "is not a gzip stream"}, got.fields(t))
	})
	t.Run("gzip of too much is too large", func(t *testing.T) {
		t.Parallel()
		bomb := string(representation.Compress(make([]byte, 100<<20)))
		assert.Equal(t, 413, f.do(t, "POST", "/api/v1/things", bomb, "Content-Encoding", "gzip").StatusCode)
	})
	t.Run("who asks for what is not known gets the reason in JSON", func(t *testing.T) {
		t.Parallel()
		got := f.do(t, "GET", "/api/v1/things/1", "", "Accept", "text/html")
		assert.Equal(t, 406, got.StatusCode)
		assert.Equal(t, "not-acceptable", strings.TrimPrefix(got.problem(t).Type, "urn:problem:"))
	})
}

func TestConditions(t *testing.T) {
	t.Parallel()
	f := start(t)
	for name, tc := range map[string]struct {
		header, value string
		status        int
	}{
		"the version that stands":          {"If-Match", `"7.x.json"`, 200},
		"one of several":                   {"If-Match", `"6.x.json" , "7.y.msgpack.gzip"`, 200},
		"any":                              {"If-Match", "*", 200},
		"another version":                  {"If-Match", `"6.x.json"`, 412},
		"a weak tag matches nothing":       {"If-Match", `W/"7.x.json"`, 412},
		"a tag of somebody else":           {"If-Match", `"pizza"`, 412},
		"a tag with a comma in it":         {"If-Match", `"a,b"`, 412},
		"a tag without quotes":             {"If-Match", "7", 400},
		"no tag at all":                    {"If-Match", "", 400},
		"a star among tags":                {"If-Match", `"7.x.json", *`, 400},
		"a tag that does not end":          {"If-Match", `"7`, 400},
		"nothing there, where there is":    {"If-None-Match", "*", 412},
		"not this version":                 {"If-None-Match", `W/"7.x.json"`, 412},
		"not another version":              {"If-None-Match", `"6.x.json"`, 200},
		"nonsense where nothing should be": {"If-None-Match", "x", 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := f.do(t, "PUT", "/api/v1/things/1", `{"title":"a"}`, tc.header, tc.value)
			assert.Equal(t, tc.status, got.StatusCode, got.body)
			if tc.status == 400 {
				assert.Contains(t, got.fields(t), tc.header)
			}
		})
	}
	t.Run("what cannot be read does not keep anyone from reading", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, 200, f.do(t, "GET", "/api/v1/things/1", "", "If-None-Match", "x").StatusCode)
	})
	t.Run("lists and documents have tags too", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/api/v1/things", "/api/v1/content", "/openapi.yaml", "/openapi.json"} {
			tag := f.do(t, "GET", path, "").Header.Get("ETag")
			require.NotEmpty(t, tag, path)
			again := f.do(t, "GET", path, "", "If-None-Match", tag)
			assert.Equal(t, 304, again.StatusCode, path)
			assert.Empty(t, again.body)
			assert.Equal(t, 200, f.do(t, "GET", path, "", "If-None-Match", `"x"`).StatusCode, path)
		}
	})
	t.Run("HEAD answers as GET does", func(t *testing.T) {
		t.Parallel()
		tag := f.do(t, "HEAD", "/api/v1/things/1", "").Header.Get("ETag")
		assert.Equal(t, 304, f.do(t, "HEAD", "/api/v1/things/1", "", "If-None-Match", tag).StatusCode)
	})
}

func TestADocumentWithoutMessagesIsRefused(t *testing.T) {
	t.Parallel()
	o := options(t, &log{})
	o.Messages = nil
	_, err := httpserver.New(o)
	assert.ErrorContains(t, err, "has no protobuf message")
}
