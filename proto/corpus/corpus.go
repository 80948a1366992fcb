// Package corpus holds examples of every message in every version that was ever released. Producers have to write them
// to the byte, consumers have to read them as long as they read the version, and nobody changes them: see README.md.
//
// Tests only: no binary links it.
package corpus

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed *.*/*.*.*
var files embed.FS

// contentTypes are the content types that examples come with, by the ends of their files' names.
var contentTypes = map[string]string{
	".json":            "application/json",
	".json-utf8":       "application/json; charset=utf-8",
	".binpb":           "application/x-protobuf",
	".no-content-type": "",
	".xml":             "application/xml",
	".broken":          "application/",
}

// Example is one message as it lies in a queue.
type Example struct {
	Path string // its file: "user.deleted/2.0.0/full.spaced.json"
	// Version is the released one that it is an example of: "user.deleted.2.0.0".
	Version string
	// Type is what it comes as: its version, or a later minor one.
	Type string
	// Value names what it says: all examples of a version with one value say the same. Bad ones say nothing.
	Value string
	// Variant is what sets it apart from what a producer writes, which has none: "spaced".
	Variant     string
	ContentType string
	Body        []byte
}

// Of returns everything that a consumer has to read which reads the major version of the messages of that name. It
// panics if there is nothing.
func Of(name string, major int) []Example { return some(name, major, false) }

// Bad returns what every such consumer has to refuse for ever.
func Bad(name string, major int) []Example { return some(name, major, true) }

// Released returns what a producer has to write to say the value in that version. It panics if there is none.
func Released(version, value, contentType string) Example {
	for _, e := range all() {
		if e.Version == version && e.Value == value && e.Variant == "" && e.ContentType == contentType {
			return e
		}
	}
	panic(fmt.Sprintf("corpus: no %s of the value %s as %s", version, value, contentType))
}

// Plain is what a producer writes in JSON to say the same, for tests that want to know what to expect without the code
// that they test.
func (e Example) Plain() []byte { return Released(e.Version, e.Value, "application/json").Body }

func some(name string, major int, bad bool) []Example {
	var found []Example
	for _, e := range all() {
		if strings.HasPrefix(e.Path, fmt.Sprintf("%s/%d.", name, major)) && (e.Value == "") == bad {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		panic(fmt.Sprintf("corpus: no %s.%d", name, major))
	}
	return found
}

func all() []Example {
	var examples []Example
	err := fs.WalkDir(files, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := files.ReadFile(file)
		examples = append(examples, example(file, body))
		return err
	})
	if err != nil {
		panic(err) // of files within the binary
	}
	return examples
}

// example reads name/version/value.variant.ext or name/version/bad/reason.ext.
func example(file string, body []byte) Example {
	parts := strings.Split(file, "/")
	end := path.Ext(file)
	contentType, known := contentTypes[end]
	if !known {
		panic("corpus: " + file + ": no content type for " + end)
	}
	version := parts[0] + "." + parts[1]
	e := Example{Path: file, Version: version, Type: version, ContentType: contentType, Body: body}
	if parts[2] == "bad" {
		return e
	}
	e.Value, e.Variant, _ = strings.Cut(strings.TrimSuffix(parts[2], end), ".")
	if later, ok := strings.CutPrefix(e.Variant, "later-"); ok {
		e.Type = parts[0] + "." + later
	}
	return e
}
