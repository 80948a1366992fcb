package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// output runs a command in a folder of the house and returns its lines. Without the workspace a module has to stand on
// its own go.mod.
func (h house) output(folder string, workspace bool, name string, args ...string) ([]string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = filepath.Join(h.root, folder)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if workspace {
		cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(h.root, "go.work"))
	}
	var failure bytes.Buffer
	cmd.Stderr = &failure
	out, err := cmd.Output()
	lines := strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
	if err != nil {
		return lines, fmt.Errorf("%s: %s %s: %w\n%s", folder, name, strings.Join(args, " "), err, strings.TrimSpace(failure.String()))
	}
	return lines, nil
}

// formatted runs gofmt over every module.
func formatted(h house) ([]string, error) {
	return h.output(".", true, "gofmt", append([]string{"-l"}, h.modules...)...)
}

// alone builds and vets each module by itself: a workspace hides a requirement that is missing in go.mod.
func alone(h house) ([]string, error) {
	var problems []string
	for _, module := range h.modules {
		for _, verb := range []string{"build", "vet"} {
			args := []string{verb, "./..."}
			if verb == "build" {
				args = []string{"build", "-o", os.DevNull, "./..."}
			}
			if _, err := h.output(module, false, "go", args...); err != nil {
				problems = append(problems, err.Error())
				break
			}
		}
	}
	return problems, nil
}

// tidy asks go mod what it would change in the workspace's modules. Those of tools are left out: to tidy them takes
// everything that the tools' own tests need.
func tidy(h house) ([]string, error) {
	var problems []string
	for _, module := range h.modules {
		diff, err := h.output(module, false, "go", "mod", "tidy", "-diff")
		if len(diff) > 0 {
			problems = append(problems, module+": `go mod tidy` would change\n"+strings.Join(diff[:min(len(diff), 20)], "\n"))
		} else if err != nil {
			problems = append(problems, err.Error())
		}
	}
	return problems, nil
}
