package httpserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/tizza/tizza/pkg/fault"
)

const (
	maxFields    = 100 // bad fields in one answer
	maxFieldName = 100 // bytes of a name, which may be the caller's invention
)

// tidy leaves one detail for each field, and shortens names.
func tidy(fields []fault.Field) []fault.Field {
	seen := make(map[string]bool, len(fields))
	var out []fault.Field
	for _, f := range fields {
		if len(f.Field) > maxFieldName {
			f.Field = strings.ToValidUTF8(f.Field[:maxFieldName], "") + "…"
		}
		if !seen[f.Field] {
			seen[f.Field] = true
			out = append(out, f)
		}
	}
	return out
}

// schemaFields is everything that is wrong with a body.
func schemaFields(schema *openapi3.Schema, value any) []fault.Field {
	if path, found := unstorable(nil, value); found {
		return []fault.Field{{Field: join(path), Detail: detailUnstorable}}
	}
	var x explainer
	x.visit(schema, value, nil, 0)
	return x.fields
}

// explainer turns kin-openapi's errors into fields, in words of our own: theirs
// quote schemas, values and regular expressions. It stops listening when there
// is more than one answer tells, so that a body of junk costs no more than one
// of a hundred mistakes.
type explainer struct {
	fields []fault.Field
	listed map[object]bool // objects whose unknown properties are named already
}

type object struct {
	schema *openapi3.Schema
	path   string
}

const maxDepth = 8 // of compositions within compositions

func (x *explainer) add(path []string, detail string) {
	x.fields = append(x.fields, fault.Field{Field: join(path), Detail: detail})
}

func (x *explainer) full() bool { return len(x.fields) >= maxFields }

// visit validates value, which stands at path in the body.
func (x *explainer) visit(schema *openapi3.Schema, value any, path []string, depth int) {
	x.explain(schema.VisitJSON(value, append(visitOptions, openapi3.MultiErrors(), openapi3.VisitAsRequest())...), path, depth)
}

func (x *explainer) explain(err error, path []string, depth int) {
	if err == nil || x.full() {
		return
	}
	if many, ok := err.(openapi3.MultiError); ok { //nolint:errorlint // errors.As would look into the first one
		for _, one := range many {
			x.explain(one, path, depth)
		}
		return
	}
	se, ok := errors.AsType[*openapi3.SchemaError](err)
	if !ok {
		x.add(path, detailOther)
		return
	}
	at := slices.Concat(path, se.JSONPointer())
	switch se.SchemaField {
	case "properties":
		x.unknown(se, at)
		return
	case "oneOf", "anyOf", "allOf":
		if before := len(x.fields); depth < maxDepth {
			x.inside(se, at, depth)
			if len(x.fields) > before {
				return
			}
		}
	}
	x.add(at, detailOf(se))
}

// unknown names each property that the schema does not have: all of an object's
// at once, although there is an error for each.
func (x *explainer) unknown(se *openapi3.SchemaError, at []string) {
	this := object{se.Schema, join(at)}
	if x.listed[this] {
		return
	}
	if x.listed == nil {
		x.listed = map[object]bool{}
	}
	x.listed[this] = true
	members, _ := se.Value.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if _, known := se.Schema.Properties[name]; !known && !x.full() {
			x.add(append(slices.Clip(at), name), "is not a known field")
		}
	}
}

// inside looks into a composition: every part of allOf counts; of oneOf and
// anyOf only one that is the sole alternative to null says anything useful.
func (x *explainer) inside(se *openapi3.SchemaError, at []string, depth int) {
	if se.Schema == nil {
		return
	}
	parts := se.Schema.AllOf
	if se.SchemaField != "allOf" {
		parts = slices.DeleteFunc(slices.Concat(se.Schema.OneOf, se.Schema.AnyOf), func(ref *openapi3.SchemaRef) bool {
			return ref.Value == nil || ref.Value.Type.Is("null")
		})
		if len(parts) != 1 {
			return
		}
	}
	for _, part := range parts {
		if part.Value != nil {
			x.visit(part.Value, se.Value, at, depth+1)
		}
	}
}

// parameterFields is what is wrong with one parameter.
func parameterFields(parameter *openapi3.Parameter, err error) []fault.Field {
	if err == nil {
		return nil
	}
	field := func(detail string) []fault.Field { return []fault.Field{{Field: parameter.Name, Detail: detail}} }
	parse, unparsable := errors.AsType[*openapi3filter.ParseError](err)
	switch {
	case errors.Is(err, openapi3filter.ErrInvalidRequired):
		return field("is required")
	case errors.Is(err, openapi3filter.ErrInvalidEmptyValue):
		return field("must not be empty")
	case unparsable:
		return field(parseDetail(parameter, parse))
	}
	request, ok := errors.AsType[*openapi3filter.RequestError](err)
	if !ok || request.Err == nil {
		return field(detailOther)
	}
	var x explainer
	x.explain(request.Err, []string{parameter.Name}, 0)
	return x.fields
}

func parseDetail(parameter *openapi3.Parameter, parse *openapi3filter.ParseError) string {
	if parameter.Schema == nil || parameter.Schema.Value == nil {
		return detailOther
	}
	schema := parameter.Schema.Value
	if len(parse.Path()) > 0 && schema.Items != nil && schema.Items.Value != nil {
		return "must be a list in which each " + typeDetail(schema.Items.Value)
	}
	return typeDetail(schema)
}

// textFields refuses what no text column takes: a NUL or bytes that are not
// UTF-8 would otherwise come back as an error of the database.
func textFields(name string, input *openapi3filter.RequestValidationInput, parameter *openapi3.Parameter) []fault.Field {
	var values []string
	switch parameter.In {
	case openapi3.ParameterInPath:
		values = []string{input.PathParams[name]}
	case openapi3.ParameterInQuery:
		values = input.GetQueryParams()[name]
	case openapi3.ParameterInHeader:
		values = input.Request.Header.Values(name)
	}
	if slices.ContainsFunc(values, badText) {
		return []fault.Field{{Field: name, Detail: detailUnstorable}}
	}
	return nil
}

// formFields refuses what has more than one way to say the same: a parameter
// that is there twice, a number in the path with a sign or leading zeros.
func formFields(input *openapi3filter.RequestValidationInput, parameter *openapi3.Parameter) []fault.Field {
	schema := parameter.Schema.Value
	switch {
	case parameter.In == openapi3.ParameterInQuery && !repeats(parameter) && len(input.GetQueryParams()[parameter.Name]) > 1:
		return []fault.Field{{Field: parameter.Name, Detail: "must be given once"}}
	case parameter.In == openapi3.ParameterInPath && schema.Type.Is("integer"):
		text := input.PathParams[parameter.Name]
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) != text {
			return []fault.Field{{Field: parameter.Name, Detail: "must be a whole number without sign or leading zeros"}}
		}
	}
	return nil
}

// repeats says that each entry of the list is a parameter of its own.
func repeats(parameter *openapi3.Parameter) bool {
	return parameter.Schema.Value.Type.Is("array") && (parameter.Explode == nil || *parameter.Explode)
}

// boundCounts shortens numbers that have no upper bound to what fits an int: they
// are counts, and this many is as good as more.
func boundCounts(u *url.URL, parameters openapi3.Parameters) {
	query := u.Query()
	changed := false
	for _, ref := range parameters {
		p := ref.Value
		if p.In != openapi3.ParameterInQuery || !p.Schema.Value.Type.Is("integer") || p.Schema.Value.Max != nil {
			continue
		}
		for i, text := range query[p.Name] {
			if len(text) > maxDigits && strings.Trim(text, "0123456789") == "" {
				query[p.Name][i] = strings.Repeat("9", maxDigits)
				changed = true
			}
		}
	}
	if changed {
		u.RawQuery = query.Encode()
	}
}

const maxDigits = 18 // that every int64 has room for

func badText(s string) bool { return strings.ContainsRune(s, 0) || !utf8.ValidString(s) }

// unstorable finds the first text in a JSON value that no column would take.
// (Bytes that are not UTF-8 have become U+FFFD when the JSON was read.)
func unstorable(path []string, value any) ([]string, bool) {
	switch value := value.(type) {
	case string:
		return path, badText(value)
	case []any:
		for i, item := range value {
			if at, found := unstorable(append(slices.Clip(path), fmt.Sprint(i)), item); found {
				return at, true
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if badText(name) {
				return path, true
			}
			if at, found := unstorable(append(slices.Clip(path), name), value[name]); found {
				return at, true
			}
		}
	}
	return nil, false
}

// join is a path as callers read it: "title", "tags.0"; "body" for the whole.
func join(path []string) string { return fieldName(strings.Join(path, ".")) }

func list(values []any) string {
	words := make([]string, 0, len(values))
	for _, value := range values {
		if text, ok := value.(string); ok {
			words = append(words, text)
		} else if raw, err := json.Marshal(value); err == nil {
			words = append(words, string(raw))
		}
	}
	return strings.Join(words, ", ")
}
