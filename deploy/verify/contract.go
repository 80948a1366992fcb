package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// contract looks at the documents that the outside relies on: each by itself and against what was released, with the
// tools in deploy/tools/contract; all against each other; and against the Protobuf messages. `buf breaking` in the
// Makefile does for proto what the tools do for HTTP.
func contract(h house) ([]string, error) {
	var problems []string
	documents := map[string]document{}
	for _, service := range h.services() {
		path := filepath.Join("services", service, "openapi.yaml")
		var err error
		if documents[service], err = readDocument(filepath.Join(h.root, path)); err != nil {
			return problems, err
		}
		released := filepath.Join("deploy", "contracts", service+".yaml")
		found, err := h.output("deploy/tools/contract", false, "go", "run", ".", filepath.Join(h.root, path), filepath.Join(h.root, released))
		if err != nil {
			return problems, err
		}
		found = append(found, messages(service, documents[service])...)
		for _, problem := range found {
			problems = append(problems, path+": "+problem)
		}
	}
	return append(problems, shared(documents)...), nil
}

// shared says which components two services have by the same name and not the same way: what is called the same is the
// same, so that whoever knows one service knows all.
func shared(documents map[string]document) []string {
	var problems []string
	first := map[string]string{} // component → the service that has it
	for _, service := range slices.Sorted(maps.Keys(documents)) {
		for _, component := range documents[service].components() {
			owner, known := first[component]
			if !known {
				first[component] = service
			} else if !reflect.DeepEqual(documents[owner].at(component), documents[service].at(component)) {
				problems = append(problems, fmt.Sprintf("%s is not the same in %s and %s", component, owner, service))
			}
		}
	}
	return problems
}

// document is a YAML document of objects, or a part of one.
type document map[string]any

func readDocument(path string) (document, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var d document
	if err := yaml.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// components returns the references to all that the document has.
func (d document) components() []string {
	var references []string
	for section, members := range d.at("#/components") {
		for name := range members.(document) {
			references = append(references, "#/components/"+section+"/"+name)
		}
	}
	slices.Sort(references)
	return references
}

// at follows a reference.
func (d document) at(reference string) document {
	for _, name := range strings.Split(strings.TrimPrefix(reference, "#/"), "/") {
		d = d.sub(name)
	}
	return d
}

// sub is a member that is an object; empty if it is none.
func (d document) sub(name string) document {
	member, _ := d[name].(document)
	return member
}

// resolve follows $ref, which stands alone where it stands.
func (d document) resolve(part document) document {
	for {
		reference, ok := part["$ref"].(string)
		if !ok {
			return part
		}
		part = d.at(reference)
	}
}
