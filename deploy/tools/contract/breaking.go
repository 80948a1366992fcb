package main

import (
	"fmt"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/oasdiff/checker"
	"github.com/oasdiff/oasdiff/diff"
	"github.com/oasdiff/oasdiff/load"
)

// breaking names what works with the released document and would not, or perhaps not, with the other one.
func breaking(released, path string) ([]string, error) {
	before, err := load.NewSpecInfo(openapi3.NewLoader(), load.NewSource(released))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", released, err)
	}
	after, err := load.NewSpecInfo(openapi3.NewLoader(), load.NewSource(path))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	changes, sources, err := diff.GetWithOperationsSourcesMap(diff.NewConfig(), before, after)
	if err != nil {
		return nil, fmt.Errorf("compare %s with %s: %w", path, released, err)
	}
	words := checker.NewDefaultLocalizer()
	var problems []string
	for _, change := range checker.CheckBackwardCompatibility(checker.NewConfig(checker.GetAllChecks()), changes, sources) {
		problems = append(problems, fmt.Sprintf("breaks clients of the released contract: %s %s: %s (%s)",
			change.GetOperation(), change.GetPath(), change.GetUncolorizedText(words), change.GetId()))
	}
	return problems, nil
}
