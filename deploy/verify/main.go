// Command verify checks the walls of the house: what may import what, that every module stands alone, that all agree on
// the versions of their libraries, that generated code is what its sources give, and that the contract holds. `make verify`
// runs it beside the linter.
//
//	go run ./deploy/verify            all checks
//	go run ./deploy/verify walls tidy some of them
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// check is one wall. It returns what is wrong, a line each; an error means that it could not look.
type check struct {
	name string
	what string
	run  func(h house) ([]string, error)
}

var checks = []check{
	{"format", "gofmt has nothing to change", formatted},
	{"alone", "every module builds and vets without the workspace", alone},
	{"walls", "services, pkg, proto, domains and binaries import what they may", walls},
	{"versions", "one version per library across the modules", versions},
	{"tidy", "go.mod and go.sum are what the code needs", tidy},
	{"generated", "generated code is current", generated},
	{"contract", "the HTTP API and its Protobuf messages are sound, and break nobody", contract},
}

func main() {
	h, err := open(".")
	if err == nil {
		err = verify(h, os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func verify(h house, wanted []string) error {
	failed := 0
	for _, c := range checks {
		if len(wanted) > 0 && !slices.Contains(wanted, c.name) {
			continue
		}
		began := time.Now()
		problems, err := c.run(h)
		if err != nil {
			problems = append(problems, err.Error())
		}
		mark := "ok  "
		if len(problems) > 0 {
			failed++
			mark = "FAIL"
		}
		fmt.Printf("%s  %-9s  %s (%.1f s)\n", mark, c.name, c.what, time.Since(began).Seconds())
		for _, problem := range problems {
			fmt.Printf("      %s\n", strings.ReplaceAll(problem, "\n", "\n      "))
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of the checks failed", failed)
	}
	return nil
}

// house is the checkout: where it stands and what its modules are called.
type house struct {
	root    string
	prefix  string   // of every module's path
	modules []string // folders of the workspace's modules and of templates, relative to root
}

const prefix = "github.com/tizza/tizza/"

// open reads the house's plan from go.work.
func open(folder string) (house, error) {
	root, err := filepath.Abs(folder)
	if err != nil {
		return house{}, err
	}
	for ; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.work")); err == nil {
			break
		} else if root == filepath.Dir(root) {
			return house{}, errors.New("no go.work here or above")
		}
	}
	h := house{root: root, prefix: prefix}
	listed, err := h.output(".", true, "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return house{}, err
	}
	for _, dir := range listed {
		name, err := filepath.Rel(root, dir)
		if err != nil {
			return house{}, err
		}
		h.modules = append(h.modules, name)
	}
	// A template is no part of the system, but as sound as what is made of it.
	templates, err := filepath.Glob(filepath.Join(root, "services", "_*", "go.mod"))
	for _, path := range templates {
		h.modules = append(h.modules, "services/"+filepath.Base(filepath.Dir(path)))
	}
	return h, err
}

// path returns what a module is called: its folder's name but for templates, which have that of what they are copied to.
func (h house) path(module string) (string, error) {
	lines, err := h.output(module, false, "go", "list", "-m")
	return strings.Join(lines, " "), err
}

// services are the system's, by name.
func (h house) services() []string {
	var names []string
	for _, module := range h.modules {
		if name, ok := strings.CutPrefix(module, "services/"); ok && !strings.HasPrefix(name, "_") {
			names = append(names, name)
		}
	}
	return names
}
