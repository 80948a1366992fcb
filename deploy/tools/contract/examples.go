package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// examples says which JSON bodies have no example, and which examples do not fit.
func examples(ctx context.Context, path string) ([]string, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	var problems []string
	if err := doc.Validate(ctx); err != nil { // with its examples
		problems = append(problems, err.Error())
	}
	check := func(where string, content openapi3.Content) {
		for _, mediaType := range slices.Sorted(maps.Keys(content)) {
			body := content[mediaType]
			if strings.HasSuffix(mediaType, "json") && body.Example == nil && len(body.Examples) == 0 {
				problems = append(problems, where+" has no example as "+mediaType)
			}
		}
	}
	for _, path := range doc.Paths.InMatchingOrder() {
		for method, operation := range doc.Paths.Value(path).Operations() {
			if body := operation.RequestBody; body != nil {
				check(method+" "+path, body.Value.Content)
			}
			for status, response := range operation.Responses.Map() {
				check(method+" "+path+" "+status, response.Value.Content)
			}
		}
	}
	slices.Sort(problems)
	return append(problems, schemaExamples(doc)...), nil
}

// schemaExamples looks at the examples of schemas and of their properties, at which Validate does not.
func schemaExamples(doc *openapi3.T) []string {
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		err := doc.Components.Schemas[name].WalkSubtree(func(at string, ref *openapi3.SchemaRef) error {
			for _, example := range ref.Value.Examples {
				if err := ref.Value.VisitJSON(example, openapi3.EnableFormatValidation()); err != nil {
					problems = append(problems, fmt.Sprintf("schema %s%s: example %v: %v", name, at, example, err))
				}
			}
			return nil
		})
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	return problems
}
