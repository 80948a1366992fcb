package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sound is a small house with nothing wrong: its libraries are stand-ins within it.
var sound = map[string]string{
	"go.work":                                 "go 1.26\n\nuse (\n\t./pkg\n\t./proto\n\t./services/alpha\n\t./services/beta\n)\n",
	"pkg/go.mod":                              module("pkg"),
	"pkg/page/page.go":                        "// Package page is.\npackage page\n",
	"pkg/servertest/servertest.go":            "// Package servertest is.\npackage servertest\n\nimport _ \"testing\"\n",
	"proto/go.mod":                            module("proto"),
	"proto/user/user.go":                      "// Package user is.\npackage user\n",
	"proto/corpus/corpus.go":                  "// Package corpus is.\npackage corpus\n",
	"services/alpha/go.mod":                   module("services/alpha"),
	"services/alpha/main.go":                  imports("main", "services/alpha/internal/thing", "services/alpha/internal/httpapi") + "\nfunc main() {}\n",
	"services/alpha/internal/thing/t.go":      imports("thing", "pkg/page"),
	"services/alpha/internal/thing/t_test.go": "package thing\n\nimport _ \"github.com/tizza/tizza/pkg/servertest\"\n",
	"services/alpha/internal/httpapi/a.go":    imports("httpapi", "services/alpha/internal/thing", "proto/user"),
	"services/alpha/internal/beta/b.go":       "package beta\n\nimport _ \"database/sql\"\n",
	"services/beta/go.mod":                    module("services/beta"),
	"services/beta/main.go":                   "package main\n\nfunc main() {}\n",
}

func module(name string) string {
	up := strings.Repeat("../", strings.Count(name, "/")+1)
	text := "module " + prefix + name + "\n\ngo 1.26\n"
	for _, other := range []string{"pkg", "proto", "services/beta"} {
		if other != name {
			text += "\nrequire " + prefix + other + " v0.0.0\n\nreplace " + prefix + other + " => " + up + other + "\n"
		}
	}
	return text
}

func imports(name string, paths ...string) string {
	text := "package " + name + "\n\nimport (\n"
	for _, path := range paths {
		text += "\t_ \"" + prefix + path + "\"\n"
	}
	return text + ")\n"
}

func TestWalls(t *testing.T) {
	t.Setenv("GOFLAGS", "")
	t.Setenv("GOPROXY", "off")
	cases := []struct {
		name  string
		files map[string]string
		want  string // nothing to complain about if empty
	}{
		{"a sound house has nothing to complain about", nil, ""},
		{"a service that reaches another is found", map[string]string{
			"services/beta/open/o.go": "package open\n", "services/alpha/internal/httpapi/x.go": imports("httpapi", "services/beta/open")},
			"services/alpha reaches " + prefix + "services/beta/open"},
		{"a service whose tests reach another is found", map[string]string{
			"services/beta/open/o.go": "package open\n", "services/alpha/internal/thing/x_test.go": imports("thing", "services/beta/open")},
			"services/alpha reaches " + prefix + "services/beta/open"},
		{"a service with a package that others can import is found", map[string]string{"services/beta/open/o.go": "package open\n"},
			prefix + "services/beta/open: a service is main and internal"},
		{"pkg that knows proto is found", map[string]string{"pkg/page/x.go": imports("page", "proto/user")},
			"pkg reaches " + prefix + "proto/user"},
		{"proto that knows pkg is found", map[string]string{"proto/user/x.go": imports("user", "pkg/page")},
			"proto reaches " + prefix + "pkg/page"},
		{"a domain that knows an adapter is found", map[string]string{
			"services/alpha/internal/thing/x.go": imports("thing", "services/alpha/internal/beta")},
			prefix + "services/alpha/internal/beta (2 such): a domain knows no adapter"},
		{"a domain that knows a database is found, through others too", map[string]string{
			"pkg/page/x.go": "package page\n\nimport _ \"database/sql\"\n"},
			"services/alpha/internal/thing reaches database/sql (1 such)"},
		{"a binary that links a test package is found", map[string]string{
			"services/alpha/internal/httpapi/x.go": imports("httpapi", "pkg/servertest")},
			"services/alpha links " + prefix + "pkg/servertest"},
		{"a template is looked at too, by the name that its copy has", map[string]string{
			"services/beta/open/o.go":                      "package open\n",
			"services/_template/go.mod":                    strings.Replace(module("services/_template"), "_template", "gamma", 1),
			"services/_template/main.go":                   imports("main", "services/gamma/internal/thing") + "\nfunc main() {}\n",
			"services/_template/internal/thing/t.go":       imports("thing", "pkg/page"),
			"services/_template/internal/httpapi/httpa.go": imports("httpapi", "services/beta/open")},
			"services/_template reaches " + prefix + "services/beta/open"},
		{"a binary that links examples is found", map[string]string{
			"services/alpha/internal/httpapi/x.go": imports("httpapi", "proto/corpus")},
			"services/alpha links " + prefix + "proto/corpus"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := build(t, c.files)
			problems, err := walls(h)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(problems, "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// build writes the sound house with some files changed, and opens it.
func build(t *testing.T, changed map[string]string) house {
	t.Helper()
	root := t.TempDir()
	for _, files := range []map[string]string{sound, changed} {
		for name, content := range files {
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	h, err := open(root)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAlone(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	without := strings.Replace(module("services/alpha"), "require "+prefix+"pkg v0.0.0", "", 1)
	h := build(t, map[string]string{"services/alpha/go.mod": without})
	problems, err := alone(h)
	if err != nil || len(problems) != 1 || !strings.Contains(problems[0], "services/alpha") {
		t.Errorf("a module that lacks a requirement builds in the workspace only: got %q, %v", problems, err)
	}
}

func TestChanges(t *testing.T) {
	got := changes(map[string]string{"same": "1", "stale": "1", "left": "1"}, map[string]string{"same": "1", "stale": "2", "new": "1"})
	if len(got) != 3 || !strings.Contains(strings.Join(got, "\n"), "stale was not") {
		t.Errorf("got %q", got)
	}
}

func TestVersions(t *testing.T) {
	t.Setenv("GOFLAGS", "")
	t.Setenv("GOPROXY", "off")
	needs := func(version string) string {
		return "\nrequire example.org/library " + version + "\n\nreplace example.org/library => ../library\n"
	}
	library := map[string]string{"library/go.mod": "module example.org/library\n\ngo 1.26\n", "library/l.go": "package library\n"}
	for _, c := range []struct{ proto, want string }{{"v1.0.0", ""}, {"v1.1.0", "v1.0.0 in pkg; v1.1.0 in proto"}} {
		library["pkg/go.mod"] = "module " + prefix + "pkg\n\ngo 1.26\n" + needs("v1.0.0")
		library["proto/go.mod"] = "module " + prefix + "proto\n\ngo 1.26\n" + needs(c.proto)
		library["go.work"] = "go 1.26\n\nuse (\n\t./pkg\n\t./proto\n)\n"
		problems, err := versions(build(t, library))
		if got := strings.Join(problems, "\n"); err != nil || c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("got %q, %v, want %q", got, err, c.want)
		}
	}
}
