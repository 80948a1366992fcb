package conformance

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// complaints collects what is wrong with an answer.
type complaints []string

func (c *complaints) add(format string, args ...any) { *c = append(*c, fmt.Sprintf(format, args...)) }

// check reads the answer's body into its tree and returns what is wrong with the answer.
func (r Request) check(a *Answer) []string {
	var wrong complaints
	response := r.documented(a.Status)
	if response == nil {
		wrong.add("this status is not documented for %s", r.OperationID)
		response = r.problemResponse()
	}
	if a.Header.Get("X-Request-Id") == "" {
		wrong.add("it has no X-Request-Id")
	}
	r.checkHeaders(&wrong, response, a)
	if len(response.Content) == 0 {
		r.checkEmpty(&wrong, a)
		return wrong
	}
	r.checkFraming(&wrong, a)
	if r.method() != http.MethodHead {
		r.checkBody(&wrong, response, a)
	}
	return wrong
}

// documented is the document's response for the status; OPTIONS and 405 are the same everywhere.
func (r Request) documented(status int) *openapi3.Response {
	switch method := r.method(); {
	case method == http.MethodOptions && status == http.StatusNoContent:
		return &openapi3.Response{}
	case status == http.StatusMethodNotAllowed && !slices.Contains(r.Service.takes[r.Path], method):
		return r.problemResponse()
	}
	if ref := r.Responses.Status(status); ref != nil {
		return ref.Value
	}
	return nil
}

// problemResponse is how a problem looks that no operation documents.
func (r Request) problemResponse() *openapi3.Response {
	content := openapi3.Content{}
	schema := openapi3.NewSchemaRef("#/components/schemas/Problem", r.Service.Document.Components.Schemas["Problem"].Value)
	for _, f := range Formats {
		content[string(f.problem())] = openapi3.NewMediaType().WithSchemaRef(schema)
	}
	return &openapi3.Response{Content: content}
}

func (r Request) checkHeaders(wrong *complaints, response *openapi3.Response, a *Answer) {
	for _, name := range slices.Sorted(maps.Keys(response.Headers)) {
		header := response.Headers[name].Value
		value := a.Header.Get(name)
		if value == "" {
			if header.Required {
				wrong.add("the header %s is missing", name)
			}
			continue
		}
		if err := header.Schema.Value.VisitJSON(headerTree(header.Schema.Value, value), responseOptions...); err != nil {
			wrong.add("%s: %s: %v", name, value, err)
		}
	}
	if tag := a.Tag(); tag != "" && !strongTag.MatchString(tag) {
		wrong.add("%s is no strong tag", tag)
	}
	allow := strings.Join(r.Service.takes[r.Path], ", ")
	if a.Status == http.StatusMethodNotAllowed || r.method() == http.MethodOptions {
		if got := a.Header.Get("Allow"); got != allow {
			wrong.add("Allow is %q, the document has %q", got, allow)
		}
	}
}

var strongTag = regexp.MustCompile(`^"[\x21\x23-\x7e]+"$`)

func headerTree(schema *openapi3.Schema, value string) any {
	if n, err := strconv.ParseFloat(value, 64); err == nil && schema.Type.Is("integer") {
		return n
	}
	return value
}

func (r Request) checkEmpty(wrong *complaints, a *Answer) {
	if len(a.Raw) > 0 || a.Length > 0 {
		wrong.add("it has a body of %d bytes, and is to have none", max(int64(len(a.Raw)), a.Length))
	}
	for _, name := range []string{"Content-Type", "Content-Encoding"} {
		if a.Header.Get(name) != "" {
			wrong.add("it has a %s and no body", name)
		}
	}
}

// checkFraming looks at what every answer with a body says of it.
func (r Request) checkFraming(wrong *complaints, a *Answer) {
	if head := r.method() == http.MethodHead; head && len(a.Raw) > 0 {
		wrong.add("HEAD has a body")
	} else if !head && a.Length != int64(len(a.Raw)) {
		wrong.add("Content-Length is %d, the body has %d bytes", a.Length, len(a.Raw))
	}
	vary := strings.Join(a.Header.Values("Vary"), ",")
	for _, name := range []string{"Accept", "Accept-Encoding"} {
		if !slices.ContainsFunc(strings.Split(vary, ","), func(s string) bool { return strings.TrimSpace(s) == name }) {
			wrong.add("Vary is %q, without %s", vary, name)
		}
	}
	coding := a.Header.Get("Content-Encoding")
	if want := map[bool]string{true: "gzip"}[r.Unzip]; coding != want && r.Header["Accept-Encoding"] == nil {
		wrong.add("Content-Encoding is %q", coding)
	}
	want := r.Accept
	if want == "" || !slices.Contains(Formats, want) {
		want = JSON
	}
	if a.Status >= http.StatusBadRequest {
		want = want.problem()
	}
	if got := a.Header.Get("Content-Type"); got != string(want) && r.Header["Accept"] == nil {
		wrong.add("Content-Type is %s, %s was asked for", got, want)
	}
}

func (r Request) checkBody(wrong *complaints, response *openapi3.Response, a *Answer) {
	a.Data = a.Raw
	if a.Header.Get("Content-Encoding") == "gzip" {
		data, err := gunzip(a.Raw)
		if err != nil {
			wrong.add("the body is not in gzip: %v", err)
			return
		}
		a.Data = data
	}
	mediaType := a.Header.Get("Content-Type")
	media := response.Content[mediaType]
	if media == nil {
		wrong.add("%s is not documented for this status", mediaType)
		return
	}
	schema := r.theOne(media.Schema)
	var err error
	switch Format(mediaType) {
	case MessagePack:
		a.Tree, err = decodeMsgpack(a.Data)
	case Protobuf:
		a.Tree, err = r.Service.messages.decode(schema, a.Data)
	default:
		a.Tree, err = decodeJSON(a.Data)
	}
	if err != nil {
		wrong.add("the body is no %s: %v", mediaType, err)
		return
	}
	checkTree(wrong, schema.Value, a.Tree)
	if a.Status >= http.StatusBadRequest {
		r.checkProblem(wrong, a)
	}
}

// theOne is the schema that the request expects, where the document has several.
func (r Request) theOne(schema *openapi3.SchemaRef) *openapi3.SchemaRef {
	several := slices.Concat(schema.Value.OneOf, schema.Value.AnyOf)
	if len(several) == 0 {
		return schema
	}
	for _, one := range several {
		if schemaName(one) == r.Schema {
			return one
		}
	}
	return several[0]
}

func gunzip(data []byte) ([]byte, error) {
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(zip)
}
