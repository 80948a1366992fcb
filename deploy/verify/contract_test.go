package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	eventsv1 "github.com/tizza/tizza/proto/events/v1"
	likesv1 "github.com/tizza/tizza/proto/likes/v1"
)

func TestContract(t *testing.T) {
	t.Setenv("GOFLAGS", "")
	cases := []struct {
		name  string
		edits []string // pairs: what is replaced, by what
		want  string   // nothing to complain about if empty
	}{
		{"the documents as they are have nothing to complain about", nil, ""},
		{"an operation without an operationId is found",
			[]string{"      operationId: countLikes\n", ""}, "semantic-operation-operation-id"},
		{"a component that nobody uses is found",
			[]string{"    Count:\n", "    Lonely: {type: string, description: Nobody's.}\n    Count:\n"}, "semantic-unused-component"},
		{"an example that does not fit its schema is found",
			[]string{"value: {pizza: 7}", "value: {pizza: Margherita}"}, "NewLike"},
		{"an example of a schema that does not fit is found",
			[]string{"examples: [42]", "examples: [-1]"}, "schema Count"},
		{"a body without an example is found",
			[]string{"          examples:\n            Counts: {$ref: '#/components/examples/Counts'}\n", ""}, "/likes/counts 200 has no example as application/json"},
		{"a route that goes is a breaking change",
			[]string{"    delete:\n      operationId: deleteLike\n", "    x-was:\n      operationId: deleteLike\n"}, "DELETE /likes/{id}"},
		{"a field that becomes required is a breaking change",
			[]string{"required: [pizza]\n", "required: [pizza, user]\n"}, "breaks clients of the released contract: POST /likes"},
		{"a field that goes from an answer is a breaking change",
			[]string{"required: [pizza, count]", "required: [pizza]", "        count: {type: integer, format: int64, minimum: 0, description: How many people like it., examples: [42]}\n", ""},
			"breaks clients of the released contract: GET /likes/counts"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := copied(t, "likes", c.edits...)
			h.modules = []string{"services/likes"}
			problems, err := contract(h)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, problems, c.want)
		})
	}
}

const title = "        title: {type: string, examples: [Margherita]}\n"

func TestMessages(t *testing.T) {
	cases := []struct {
		name  string
		edits []string
		want  string
	}{
		{"schemas and messages as they are agree", nil, ""},
		{"a schema without a message is found", []string{"schemas/PizzaPatch'", "schemas/PizzaEdit'", "    PizzaPatch:\n      type: object", "    PizzaEdit:\n      type: object"},
			"there is no message pizza.v1.PizzaEdit"},
		{"a property without a field is found", []string{title, title + "        price: {type: integer}\n"}, "pizza.v1.Pizza has no field price"},
		{"a field without a property is found", []string{title, ""}, "no property for pizza.v1.Pizza.title"},
		{"a type that does not fit is found", []string{title, "        title: {type: boolean}\n"}, "pizza.v1.Pizza.title has to be bool, not string"},
		{"a time that is text in proto is found", []string{title, "        title: {type: string, format: date-time}\n"},
			"pizza.v1.Pizza.title has to be google.protobuf.Timestamp"},
		{"a list that is one thing in proto is found", []string{title, "        title: {type: array, items: {type: string}}\n"},
			"pizza.v1.Pizza.title has to be repeated"},
		{"one thing that is a list in proto is found", []string{"        results:\n          type: array\n          items: {", "        results: {"},
			"pizza.v1.PizzaList.results must not be repeated"},
		{"an object that is text in proto is found", []string{title, "        title: {$ref: '#/components/schemas/FieldError'}\n"},
			"pizza.v1.Pizza.title has to be a message"},
		{"a smaller integer is found", []string{"      format: int64\n      minimum: 0\n", "      format: int32\n      minimum: 0\n"},
			"pizza.v1.PizzaList.count has to be int32, not int64"},
		{"a null that proto cannot say is found", []string{title, "        title: {type: [string, 'null']}\n"}, "pizza.v1.Pizza.title has to be optional"},
		{"a body that is not there as Protobuf is found", []string{"        application/x-protobuf:\n          schema: {$ref: '#/components/schemas/NewPizza'}\n", ""},
			"requestBodies/NewPizzaBody is not there as application/x-protobuf"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			expect(t, messages("pizza", documentOf(t, copied(t, "pizza", c.edits...), "pizza")), c.want)
		})
	}
	t.Run("a field whose number differs between the messages of a resource is found", func(t *testing.T) {
		m := &matcher{numbers: map[string]protoreflect.FieldNumber{}}
		for name, message := range map[string]protoreflect.ProtoMessage{"Like": &likesv1.Like{}, "NewLike": &eventsv1.Event{}} {
			m.number(name, message.ProtoReflect().Descriptor().Fields().ByName("pizza"))
		}
		expect(t, m.problems, "in another message of Like")
	})
}

func TestShared(t *testing.T) {
	for want, edits := range map[string][]string{
		"": nil,
		"#/components/headers/Retry-After is not the same in auth and pizza": {"Seconds after which", "Minutes after which"},
	} {
		h := copied(t, "pizza", edits...)
		expect(t, shared(map[string]document{"auth": documentOf(t, h, "auth"), "pizza": documentOf(t, h, "pizza")}), want)
	}
}

func documentOf(t *testing.T, h house, service string) document {
	t.Helper()
	d, err := readDocument(filepath.Join(h.root, "services", service, "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// copied is a house with copies of the contracts, that of one service edited.
func copied(t *testing.T, service string, edits ...string) house {
	t.Helper()
	own, err := open(".")
	if err != nil {
		t.Fatal(err)
	}
	h := house{root: t.TempDir()}
	for _, folder := range []string{"services", "deploy/contracts", "deploy/tools"} {
		if err := os.MkdirAll(filepath.Join(h.root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(own.root, "deploy/tools/contract"), filepath.Join(h.root, "deploy/tools/contract")); err != nil {
		t.Fatal(err)
	}
	for _, name := range own.services() {
		data, err := os.ReadFile(filepath.Join(own.root, "services", name, "openapi.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		write(t, filepath.Join(h.root, "deploy/contracts", name+".yaml"), text)
		for i := 0; name == service && i < len(edits); i += 2 {
			if !strings.Contains(text, edits[i]) {
				t.Fatalf("%s has no %q to edit", name, edits[i])
			}
			text = strings.ReplaceAll(text, edits[i], edits[i+1])
		}
		write(t, filepath.Join(h.root, "services", name, "openapi.yaml"), text)
	}
	return h
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, problems []string, want string) {
	t.Helper()
	got := strings.Join(problems, "\n")
	if want == "" && got != "" || !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
