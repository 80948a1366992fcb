package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// Known gives values for the member or parameter of that name that mean something to the service, such as the ids of what
// is there; none if any value of the schema will do.
type Known func(o *Operation, in, name string) []any

// places that a Known is asked about, besides a parameter's own.
const inBody = "body"

// Valid draws requests that fit the document.
func (o *Operation) Valid(known Known) *rapid.Generator[Request] {
	return rapid.Custom(func(t *rapid.T) Request {
		r := Request{
			Operation: o, Values: map[string]string{}, Send: JSON,
			Accept: rapid.SampledFrom(Formats).Draw(t, "Accept"), Unzip: rapid.Bool().Draw(t, "unzip"),
		}
		query := url.Values{}
		for _, ref := range o.Parameters {
			p := ref.Value
			if !p.Required && rapid.Bool().Draw(t, "without "+p.Name) {
				continue
			}
			switch text := o.parameter(t, p, known); p.In {
			case openapi3.ParameterInPath:
				r.Values[p.Name] = url.PathEscape(text[0])
			case openapi3.ParameterInQuery:
				query[p.Name] = text
			case openapi3.ParameterInHeader:
				r = r.With(p.Name, text...)
			}
		}
		r.Query = query.Encode()
		if query.Get("expand") != "" && o.Method == http.MethodGet {
			r.Schema = o.expanded()
		}
		if takes := o.Takes(); len(takes) > 0 {
			r.Send, r.Zip = rapid.SampledFrom(takes).Draw(t, "Content-Type"), rapid.Bool().Draw(t, "zip")
			schema, _ := o.BodySchema(r.Send)
			r.Body = o.value(t, schema, "", known, r.Send != Protobuf)
		}
		return r
	})
}

// expanded is the name of the schema that a GET has with expand.
func (o *Operation) expanded() string {
	schema := o.Responses.Status(http.StatusOK).Value.Content[string(JSON)].Schema.Value
	for _, one := range slices.Concat(schema.OneOf, schema.AnyOf) {
		if name := schemaName(one); strings.HasPrefix(name, "Expanded") {
			return name
		}
	}
	return ""
}

// parameter draws the values of one, as they are written.
func (o *Operation) parameter(t *rapid.T, p *openapi3.Parameter, known Known) []string {
	schema := p.Schema.Value
	if p.In == openapi3.ParameterInHeader { // what these take is in RFC 9110, not in a schema
		return []string{rapid.SampledFrom([]string{"*", `"1.x.json"`, `W/"1.x.json"`, `"a", "b"`, `""`}).Draw(t, p.Name)}
	}
	if values := known(o, p.In, p.Name); len(values) > 0 && (p.Name == "cursor" || rapid.IntRange(0, 3).Draw(t, "any "+p.Name) > 0) {
		return []string{fmt.Sprint(rapid.SampledFrom(values).Draw(t, p.Name))}
	}
	if !schema.Type.Is("array") {
		return []string{fmt.Sprint(o.value(t, schema, p.Name, known, false))}
	}
	var texts []string
	for range rapid.IntRange(max(1, int(schema.MinItems)), 5).Draw(t, "how many") { //nolint:gosec // a small number
		texts = append(texts, fmt.Sprint(o.value(t, schema.Items.Value, "", known, false)))
	}
	if p.Explode != nil && !*p.Explode {
		return []string{strings.Join(texts, ",")}
	}
	return texts
}

// value draws one that fits the schema; with junk for what is only ever read, if that is asked for.
func (o *Operation) value(t *rapid.T, schema *openapi3.Schema, name string, known Known, junk bool) any {
	if schema.Type.Includes("null") && rapid.IntRange(0, 4).Draw(t, name+" null") == 0 {
		return nil
	}
	if values := known(o, inBody, name); len(values) > 0 {
		return rapid.SampledFrom(values).Draw(t, name)
	}
	switch {
	case len(schema.Enum) > 0:
		return rapid.SampledFrom(schema.Enum).Draw(t, name)
	case schema.Type.Includes("object"):
		return o.object(t, schema, known, junk)
	case schema.Type.Includes("boolean"):
		return rapid.Bool().Draw(t, name)
	case schema.Type.Includes("integer"):
		lowest, highest := int64(0), int64(1)<<53-1
		if schema.Min != nil {
			lowest = int64(*schema.Min)
		}
		if schema.Max != nil {
			highest = int64(*schema.Max)
		}
		return json.Number(fmt.Sprint(rapid.Int64Range(lowest, highest).Draw(t, name)))
	}
	return text(schema).Draw(t, name)
}

func (o *Operation) object(t *rapid.T, schema *openapi3.Schema, known Known, junk bool) any {
	object := map[string]any{}
	var names []string
	for name := range schema.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		property := schema.Properties[name].Value
		switch {
		case !slices.Contains(schema.Required, name) && rapid.Bool().Draw(t, "without "+name):
		case property.ReadOnly && junk:
			object[name] = rapid.SampledFrom(ignored).Draw(t, name)
		default:
			object[name] = o.value(t, property, name, known, junk)
		}
	}
	return object
}

// text draws strings that fit the schema.
func text(schema *openapi3.Schema) *rapid.Generator[string] {
	switch schema.Format {
	case "uuid":
		return rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) string { return uuid.UUID(b).String() })
	case "date-time":
		return rapid.Custom(func(t *rapid.T) string {
			seconds := rapid.Int64Range(time.Date(2, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(9998, 1, 1, 0, 0, 0, 0, time.UTC).Unix())
			zone := time.FixedZone("", 60*rapid.IntRange(-12*60, 14*60).Draw(t, "minutes east"))
			return time.Unix(seconds.Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).In(zone).Format(time.RFC3339Nano)
		})
	case "email":
		return rapid.StringMatching(`[a-z0-9_+-]{1,40}@[a-z0-9]{1,40}\.(com|example)`)
	}
	longest := 40
	if schema.MaxLength != nil {
		longest = int(*schema.MaxLength) //nolint:gosec // a length
	}
	if schema.Pattern != "" {
		return rapid.StringMatching(schema.Pattern).Filter(func(s string) bool { return utf8.RuneCountInString(s) <= longest })
	}
	// PostgreSQL stores no NUL, and no keyword of a schema says so of text that may otherwise be anything.
	return rapid.StringN(int(schema.MinLength), longest, -1).Filter(func(s string) bool { return !strings.ContainsRune(s, 0) }) //nolint:gosec // a length
}

// ignored is what stands in members that only the service writes.
var ignored = []any{nil, false, json.Number("-1"), json.Number("1.5"), "", "a\x00b", "yesterday", []any{}, []any{[]any{"x"}}, map[string]any{"a": nil}}
