package command

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// linked is set by the linker: -X github.com/tizza/tizza/pkg/command.linked=1.2.3
var linked string

// Version is what the linker was told, else the commit that the binary was built
// from, else "development".
func Version() string {
	if linked != "" {
		return linked
	}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "development"
	}
	var revision, changed string
	for _, s := range build.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changes"
		}
	}
	if len(revision) >= 12 {
		return revision[:12] + changed
	}
	if build.Main.Version == "(devel)" {
		return "development"
	}
	return cmp.Or(build.Main.Version, "development")
}

type version[C any] struct{}

func (version[C]) Run(p Program[C], out io.Writer) error {
	_, err := fmt.Fprintln(out, p.Name, Version(), runtime.Version())
	return err
}
