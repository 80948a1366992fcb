package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// versions compares what the modules of the workspace require. Built together they would share the highest version, built
// alone each its own: a difference means that what was tested is not what runs.
func versions(h house) ([]string, error) {
	users := map[string]map[string][]string{} // library → version → modules
	for _, module := range h.modules {
		lines, err := h.output(module, false, "go", "list", "-m", "-f", "{{if not .Main}}{{.Path}} {{.Version}}{{end}}", "all")
		if err != nil {
			return nil, err
		}
		direct, err := h.required(module)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			library, version, _ := strings.Cut(line, " ")
			if strings.HasPrefix(library, h.prefix) || !direct[library] {
				continue
			}
			if users[library] == nil {
				users[library] = map[string][]string{}
			}
			users[library][version] = append(users[library][version], module)
		}
	}
	var problems []string
	for _, library := range slices.Sorted(maps.Keys(users)) {
		if len(users[library]) < 2 {
			continue
		}
		var parts []string
		for _, version := range slices.Sorted(maps.Keys(users[library])) {
			parts = append(parts, fmt.Sprintf("%s in %s", version, strings.Join(users[library][version], ", ")))
		}
		problems = append(problems, library+": "+strings.Join(parts, "; "))
	}
	return problems, nil
}

// required returns the libraries that a module's go.mod names: all that its packages need, since go.mod lists also the
// indirect ones.
func (h house) required(module string) (map[string]bool, error) {
	lines, err := h.output(module, false, "go", "mod", "edit", "-print")
	named := map[string]bool{}
	for _, line := range lines {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) >= 2 && strings.HasPrefix(fields[1], "v") {
			named[fields[0]] = true
		}
	}
	return named, err
}
