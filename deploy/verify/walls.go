package main

import (
	"fmt"
	"slices"
	"strings"
)

// adapters are the folders below a service's internal that speak to the outside. A folder named after another service is
// the adapter that calls it; holders is auth's view of etcd's personal-data keys. Everything else there is domain.
var adapters = []string{"httpapi", "postgres", "consumer", "holders"}

// outside are the libraries that a domain must not reach, even through others.
var outside = []string{
	"github.com/labstack/echo", "gorm.io/", "github.com/jackc/pgx", "github.com/rabbitmq/", "go.etcd.io/", "github.com/oapi-codegen/", "database/sql",
}

// forTests are packages that have no place in a binary.
var forTests = []string{
	"testing", "github.com/stretchr/testify", "go.uber.org/goleak", "pgregory.net/rapid", "github.com/google/go-cmp", prefix + "pkg/servertest", prefix + "pkg/openapitest",
	prefix + "proto/corpus",
}

// walls asks what each package reaches, directly or not, tests included, and compares with what its place allows.
func walls(h house) ([]string, error) {
	var problems []string
	for _, module := range h.modules {
		found, err := h.wallsOf(module)
		if err != nil {
			return problems, err
		}
		problems = append(problems, found...)
	}
	return problems, nil
}

func (h house) wallsOf(module string) ([]string, error) {
	reached, err := h.reached(module, "-test", "./...")
	if err != nil {
		return nil, err
	}
	base, err := h.path(module)
	if err != nil {
		return nil, err
	}
	service, isService := strings.CutPrefix(base, h.prefix+"services/")
	var problems []string
	complain := func(forbidden []string, why string) {
		for _, path := range forbidden {
			problems = append(problems, fmt.Sprintf("%s reaches %s: %s", module, path, why))
		}
	}
	switch {
	case isService:
		complain(within(reached, h.prefix+"services/", base), "services meet over HTTP and messages only")
		complain(within(reached, h.prefix+"deploy/", ""), "what operators use is no part of a service")
	case module == "pkg":
		complain(within(reached, h.prefix, h.prefix+"pkg"), "pkg knows nothing of tizza")
	case module == "proto":
		complain(within(reached, h.prefix, h.prefix+"proto"), "proto holds contracts only")
		complain(libraries(reached, h.prefix, "google.golang.org/protobuf"), "proto needs the protobuf runtime only")
	default:
		complain(within(reached, h.prefix+"services/", ""), "the system is tested from outside")
	}
	if isService {
		found, err := h.inside(module, base, service)
		return append(problems, found...), err
	}
	return problems, nil
}

// inside looks at a service's own packages: main and internal only, domains free of adapters, binaries free of tests.
func (h house) inside(module, base, service string) ([]string, error) {
	own, err := h.output(module, false, "go", "list", "./...")
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, path := range own {
		if path != base && !strings.HasPrefix(path, base+"/internal/") {
			problems = append(problems, path+": a service is main and internal, nothing else, so that nobody can import it")
		}
		if !h.domain(path, base, service) {
			continue
		}
		reached, err := h.reached(module, path)
		if err != nil {
			return problems, err
		}
		forbidden := slices.DeleteFunc(reached, func(library string) bool {
			adapter := strings.HasPrefix(library, base+"/internal/") && library != path && !h.domain(library, base, service)
			// google/uuid implements the interface of database/sql/driver; that reaches no database.
			return !adapter && !below(library, outside) || library == "database/sql/driver"
		})
		if len(forbidden) > 0 {
			problems = append(problems, fmt.Sprintf("%s reaches %s (%d such): a domain knows no adapter",
				path, strings.Join(forbidden[:min(len(forbidden), 3)], ", "), len(forbidden)))
		}
	}
	linked, err := h.reached(module, ".")
	for _, path := range linked {
		if below(path, forTests) {
			problems = append(problems, fmt.Sprintf("%s links %s: that is for tests", module, path))
		}
	}
	return problems, err
}

func (h house) domain(path, base, service string) bool {
	rest, ok := strings.CutPrefix(path, base+"/internal/")
	folder, _, _ := strings.Cut(rest, "/")
	callee := folder != service && slices.Contains(h.services(), folder)
	return ok && !callee && !slices.Contains(adapters, folder)
}

// reached returns the import paths that packages need, in any number of steps.
func (h house) reached(module string, args ...string) ([]string, error) {
	lines, err := h.output(module, false, "go", append([]string{"list", "-deps", "-f", "{{.ImportPath}}"}, args...)...)
	for i, line := range lines {
		lines[i], _, _ = strings.Cut(line, " ") // "a/b [a/b.test]": built again for a test
	}
	slices.Sort(lines)
	return slices.Compact(lines), err
}

// within returns the paths below a prefix, those below except (if any) left out.
func within(paths []string, prefix, except string) []string {
	var found []string
	for _, path := range paths {
		own := except != "" && below(strings.TrimSuffix(path, ".test"), []string{except})
		if strings.HasPrefix(path, prefix) && !own {
			found = append(found, path)
		}
	}
	return found
}

// libraries returns third-party paths (their first element has a dot) outside the allowed ones.
func libraries(paths []string, own string, allowed ...string) []string {
	var found []string
	for _, path := range paths {
		first, _, _ := strings.Cut(path, "/")
		if strings.Contains(first, ".") && !strings.HasPrefix(path, own) && !below(path, allowed) && first != "vendor" {
			found = append(found, path)
		}
	}
	return found
}

// below says whether a path is one of the roots or below one; a root that ends in a slash matches what it begins.
func below(path string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return path == root || strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/")
	})
}
