package httpserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"

	"github.com/tizza/tizza/pkg/representation"
)

// spec is the OpenAPI document, ready to be served and to validate against.
type spec struct {
	yaml, json []byte
	edition    string                // a short hash of the document
	operations map[string]*operation // by method and echo's route template
	fixed      map[string]string     // paths without parameters, and the methods that each takes
}

// operation is what validation needs of one operation.
type operation struct {
	route       *routers.Route
	parameters  openapi3.Parameters
	body        *openapi3.RequestBody // nil: bodies are not looked at
	answers     bool                  // success has a body
	anyone      bool                  // may call it, and all get the same
	needsCaller bool
}

func loadSpec(data []byte) (*spec, error) {
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("load openapi.yaml: %w", err)
	}
	if err := doc.Validate(context.Background(), openapi3.DisableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("validate openapi.yaml: %w", err)
	}
	json, err := doc.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("write openapi.json: %w", err)
	}
	s := &spec{yaml: data, json: json, edition: hash(data)[:6], operations: map[string]*operation{}, fixed: map[string]string{}}
	for path, item := range doc.Paths.Map() {
		base, err := basePath(doc, item)
		if err != nil {
			return nil, err
		}
		if !strings.Contains(path, "{") {
			methods := append(slices.Collect(maps.Keys(item.Operations())), http.MethodOptions)
			s.fixed[base+path] = strings.Join(methods, ", ")
		}
		for method, op := range item.Operations() {
			o, err := newOperation(doc, path, method, item, op)
			if err != nil {
				return nil, fmt.Errorf("openapi.yaml: %s %s: %w", method, path, err)
			}
			s.operations[operationKey(method, base+path)] = o
		}
	}
	return s, nil
}

// find is the operation behind one of echo's routes, nil if the document does
// not speak of it.
func (s *spec) find(method, template string) *operation {
	return s.operations[operationKey(method, template)]
}

var parameterName = regexp.MustCompile(`:[^/]+|\{[^/}]+\}`)

// operationKey makes "{id}" and ":id" the same.
func operationKey(method, template string) string {
	return method + " " + parameterName.ReplaceAllString(template, "{}")
}

func basePath(doc *openapi3.T, item *openapi3.PathItem) (string, error) {
	servers := doc.Servers
	if len(item.Servers) > 0 {
		servers = item.Servers
	}
	if len(servers) == 0 {
		return "", nil
	}
	u, err := url.Parse(servers[0].URL)
	if err != nil {
		return "", errors.New("openapi.yaml: the server's url cannot be read")
	}
	return strings.TrimSuffix(u.Path, "/"), nil
}

func newOperation(doc *openapi3.T, path, method string, item *openapi3.PathItem, op *openapi3.Operation) (*operation, error) {
	o := &operation{parameters: parametersOf(item, op), answers: answers(op)}
	o.anyone, o.needsCaller = access(doc, op)
	for _, parameter := range o.parameters {
		if err := checkable(parameter.Value.Schema); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", parameter.Value.Name, err)
		}
	}
	if op.RequestBody != nil {
		o.body = op.RequestBody.Value
		for _, mediaType := range o.body.Content {
			if err := checkable(mediaType.Schema); err != nil {
				return nil, fmt.Errorf("request body: %w", err)
			}
		}
	}
	// For a 3.1 document kin-openapi compiles every schema anew on every request
	// and reports errors as text. Its own validator knows everything of 3.1 that
	// checkable lets through and says which keyword failed, so it gets that one.
	plain := *doc
	plain.OpenAPI = "3.0.3"
	o.route = &routers.Route{Spec: &plain, Path: path, PathItem: item, Method: method, Operation: op}
	return o, nil
}

// parametersOf is the operation's parameters and those of its path that it does
// not redefine.
func parametersOf(item *openapi3.PathItem, op *openapi3.Operation) openapi3.Parameters {
	all := slices.Clone(op.Parameters)
	for _, parameter := range item.Parameters {
		if op.Parameters.GetByInAndName(parameter.Value.In, parameter.Value.Name) == nil {
			all = append(all, parameter)
		}
	}
	return all
}

func answers(op *openapi3.Operation) bool {
	for status, response := range op.Responses.Map() {
		if strings.HasPrefix(status, "2") && response.Value != nil && len(response.Value.Content) > 0 {
			return true
		}
	}
	return false
}

// access says whether the operation is anyone's, and whether the document's
// security leaves no way in without a caller.
func access(doc *openapi3.T, op *openapi3.Operation) (anyone, needsCaller bool) {
	security := doc.Security
	if op.Security != nil {
		security = *op.Security
	}
	anonymous := slices.ContainsFunc(security, func(r openapi3.SecurityRequirement) bool { return len(r) == 0 })
	return len(security) == 0, len(security) > 0 && !anonymous
}

var errKeyword = errors.New("a schema uses a JSON Schema keyword that requests are not checked against" +
	" (const, if, dependent*, unevaluated*, patternProperties, propertyNames, contains, prefixItems)")

// checkable refuses the keywords of 3.1 that kin-openapi's own validator skips:
// better no start than a promise in the document that nothing keeps.
func checkable(schema *openapi3.SchemaRef) error {
	if schema == nil {
		return nil
	}
	return schema.WalkSubtree(func(_ string, ref *openapi3.SchemaRef) error {
		s := ref.Value
		if s == nil {
			return nil
		}
		if s.Const != nil || s.If != nil || s.Then != nil || s.Else != nil || s.Contains != nil || s.PropertyNames != nil ||
			len(s.PrefixItems) > 0 || len(s.PatternProperties) > 0 || len(s.DependentSchemas) > 0 || len(s.DependentRequired) > 0 ||
			s.UnevaluatedItems.Has != nil || s.UnevaluatedItems.Schema != nil ||
			s.UnevaluatedProperties.Has != nil || s.UnevaluatedProperties.Schema != nil {
			return errKeyword
		}
		return nil
	})
}

// fits makes sure that each body that the document promises in Protobuf has a message.
func (s *spec) fits(codec *representation.Codec) error {
	for _, o := range s.operations {
		for _, content := range o.contents() {
			media := content[representation.Protobuf.MediaType()]
			if media == nil || media.Schema == nil {
				continue
			}
			for _, schema := range append(openapi3.SchemaRefs{media.Schema}, media.Schema.Value.OneOf...) {
				if name := schemaName(schema); name != "" && !codec.Knows(name) {
					return fmt.Errorf("openapi.yaml: schema %s has no protobuf message", name)
				}
			}
		}
	}
	return nil
}

// contents is all that goes in or out.
func (o *operation) contents() []openapi3.Content {
	var all []openapi3.Content
	if o.body != nil {
		all = append(all, o.body.Content)
	}
	for _, response := range o.route.Operation.Responses.Map() {
		if response.Value != nil {
			all = append(all, response.Value.Content)
		}
	}
	return all
}

// schemaFor is the schema that a body of this media type has to fit, and its
// name. A merge patch is read like the JSON that PATCH takes.
func (o *operation) schemaFor(mediaType string) (schema *openapi3.Schema, name string, taken bool) {
	content := o.body.Content[mediaType]
	if content == nil {
		return nil, "", false
	}
	if content.Schema == nil {
		return &openapi3.Schema{}, "", true
	}
	return content.Schema.Value, schemaName(content.Schema), true
}

// schemaName is the name under which the document keeps a schema, "" for one on the spot.
func schemaName(schema *openapi3.SchemaRef) string {
	return strings.TrimPrefix(schema.Ref, "#/components/schemas/")
}

// takes is the media types of bodies, for 415.
func (o *operation) takes() string {
	return strings.Join(slices.Sorted(maps.Keys(o.body.Content)), ", ")
}
