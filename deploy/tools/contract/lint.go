package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/speakeasy-api/openapi/linter"
	"github.com/speakeasy-api/openapi/openapi"
	rules "github.com/speakeasy-api/openapi/openapi/linter"
	"github.com/speakeasy-api/openapi/validation"
)

//go:embed lint.yaml
var config string

// lint holds the document against the rules that lint.yaml leaves on. Hints count as errors do.
func lint(ctx context.Context, path string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	doc, invalid, err := openapi.Unmarshal(ctx, bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	settings, err := linter.LoadConfig(strings.NewReader(config))
	if err != nil {
		return nil, fmt.Errorf("read lint.yaml: %w", err)
	}
	l, err := rules.NewLinter(settings)
	if err != nil {
		return nil, err
	}
	found, err := l.Lint(ctx, linter.NewDocumentInfo(doc, path), invalid, nil)
	if err != nil {
		return nil, fmt.Errorf("lint %s: %w", path, err)
	}
	slices.SortStableFunc(found.Results, func(a, b error) int { return cmp.Compare(line(a), line(b)) })
	var problems []string
	for _, problem := range found.Results {
		problems = append(problems, problem.Error())
	}
	return problems, nil
}

func line(err error) int {
	if problem, ok := errors.AsType[*validation.Error](err); ok && problem.Node != nil {
		return problem.Node.Line
	}
	return 0
}
