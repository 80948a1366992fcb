package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// generated makes the generated code again and compares. What comes out stays in the tree, so the cure for a failure is
// to commit it.
func generated(h house) ([]string, error) {
	before, err := h.generatedFiles()
	if err != nil {
		return nil, err
	}
	if _, err := h.output(".", true, "make", "--no-print-directory", "generate"); err != nil {
		return nil, err
	}
	after, err := h.generatedFiles()
	if err != nil {
		return nil, err
	}
	return changes(before, after), nil
}

// changes names the files that are in one but not the same in the other.
func changes(before, after map[string]string) []string {
	both := maps.Clone(before)
	maps.Copy(both, after)
	var problems []string
	for _, path := range slices.Sorted(maps.Keys(both)) {
		if before[path] != after[path] {
			problems = append(problems, fmt.Sprintf("%s was not what its source gives; it is now", path))
		}
	}
	return problems
}

// generatedFiles returns a hash of each file that generators write.
func (h house) generatedFiles() (map[string]string, error) {
	files := map[string]string{}
	for _, module := range h.modules {
		err := filepath.WalkDir(filepath.Join(h.root, module), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".gen.go") && !strings.HasSuffix(path, ".pb.go") {
				return err
			}
			content, err := os.ReadFile(path)
			files[strings.TrimPrefix(path, h.root+"/")] = fmt.Sprintf("%x", sha256.Sum256(content))
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}
