package corpus

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	pizzav1 "github.com/tizza/tizza/proto/pizza/v1"
	sessionv1 "github.com/tizza/tizza/proto/session/v1"
	userv1 "github.com/tizza/tizza/proto/user/v1"
	userv2 "github.com/tizza/tizza/proto/user/v2"
)

// bodies are the schemas of the messages, by name and major version.
var bodies = map[string]proto.Message{
	"pizza.deleted.1":   &pizzav1.Deleted{},
	"session.revoked.1": &sessionv1.Revoked{},
	"user.deleted.1":    &userv1.Deleted{},
	"user.deleted.2":    &userv2.Deleted{},
	"user.erased.1":     &userv1.Erased{},
}

// What is released stays: services that nobody builds again have to read it, and dead letters of years ago are it.
func TestWhatIsReleasedStaysAsItIs(t *testing.T) {
	list, err := os.ReadFile("SHA-256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(list)); lines.Scan(); {
		sum, file, ok := strings.Cut(lines.Text(), "  ")
		if !ok {
			t.Fatalf("SHA-256SUMS: %q is not a sum and a file", lines.Text())
		}
		listed[file] = sum
	}
	for _, e := range all() {
		sum := fmt.Sprintf("%x", sha256.Sum256(e.Body))
		switch was, known := listed[e.Path]; {
		case !known:
			t.Errorf("a new example: if it is right, add this line to SHA-256SUMS\n%s  %s", sum, e.Path)
		case was != sum:
			t.Errorf("%s has changed: put it back, and add a new example or a new version", e.Path)
		}
		delete(listed, e.Path)
	}
	for file := range listed {
		t.Errorf("%s is gone: put it back", file)
	}
}

func TestAllExamplesOfAValueSayTheSame(t *testing.T) {
	for kind, schema := range bodies {
		t.Run(kind, func(t *testing.T) {
			values := map[string]proto.Message{}
			for _, e := range Of(cut(kind)) {
				body := read(t, e, schema)
				first, known := values[e.Version+" "+e.Value]
				if values[e.Version+" "+e.Value] = body; known && !proto.Equal(first, body) {
					t.Errorf("%s says %v, others of its value say %v", e.Path, body, first)
				}
			}
			for value, body := range values {
				if proto.Size(body) == 0 && !strings.HasSuffix(value, " nothing") {
					t.Errorf("%s says nothing", value)
				}
			}
		})
	}
}

func TestEveryValueIsThereAsAProducerWritesItInBothFormats(t *testing.T) {
	for kind := range bodies {
		for _, e := range Of(cut(kind)) {
			if !compact(e.Plain()) {
				t.Errorf("%s of %s: producers write fields in the order of their names and no white space", e.Value, e.Version)
			}
			Released(e.Version, e.Value, "application/x-protobuf") // panics if it is not there
		}
	}
}

func TestEveryVersionHasWhatIsRequiredOfIt(t *testing.T) {
	for kind := range bodies {
		for format, ends := range map[string]string{"JSON": ".json", "Protobuf": ".binpb"} {
			has := map[string]bool{}
			for _, e := range Of(cut(kind)) {
				if strings.HasSuffix(e.Path, ends) {
					has["a later minor version"] = has["a later minor version"] || strings.HasPrefix(e.Variant, "later-")
				}
			}
			for _, e := range Bad(cut(kind)) {
				for _, wanted := range []string{"empty", "truncated", "trailing-garbage"} {
					has[wanted] = has[wanted] || strings.HasSuffix(e.Path, "/bad/"+wanted+ends)
				}
			}
			for _, wanted := range []string{"a later minor version", "empty", "truncated", "trailing-garbage"} {
				if !has[wanted] {
					t.Errorf("%s lacks as %s: %s", kind, format, wanted)
				}
			}
		}
	}
}

func TestEveryMessageHasASchemaHere(t *testing.T) {
	versions, err := fs.Glob(files, "*/*")
	if err != nil || len(versions) == 0 {
		t.Fatal(versions, err)
	}
	for _, version := range versions {
		name, numbers, _ := strings.Cut(version, "/")
		major, _, _ := strings.Cut(numbers, ".")
		if kind := name + "." + major; bodies[kind] == nil {
			t.Errorf("%s has no schema in this test, which has %v", kind, slices.Sorted(maps.Keys(bodies)))
		}
	}
}

// read is the value of an example, without what the schema does not know.
func read(t *testing.T, e Example, schema proto.Message) proto.Message {
	t.Helper()
	body := schema.ProtoReflect().New().Interface()
	var err error
	if e.ContentType == "application/x-protobuf" {
		err = proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(e.Body, body)
	} else {
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(e.Body, body)
	}
	if err != nil {
		t.Errorf("%s: %v", e.Path, err)
	}
	return body
}

// compact says whether JSON is as encoding/json writes a map.
func compact(body []byte) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return false
	}
	again, err := json.Marshal(fields)
	return err == nil && bytes.Equal(again, body)
}

func cut(kind string) (name string, major int) {
	dot := strings.LastIndex(kind, ".")
	_, _ = fmt.Sscan(kind[dot+1:], &major)
	return kind[:dot], major
}
