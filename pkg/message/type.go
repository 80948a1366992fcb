package message

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Type says what a message is and how its body is written: a name, and the semantic version (https://semver.org) of
// the body's schema. A reader of one major version reads every message of that major version.
type Type struct {
	Name                string
	Major, Minor, Patch int
}

// maxType is what fits into a routing key and into a type property of AMQP 0-9-1.
const maxType = 255

// ParseType reads "user.deleted.2.0.0": dotted lower-case words, then three numbers. It accepts exactly what String
// writes, so that two texts of one type are the same text. Versions are released ones: no pre-release, no build.
func ParseType(s string) (Type, error) {
	t, err := parseType(s)
	if err != nil {
		return Type{}, fmt.Errorf("message type %.*q: %w", maxType, s, err)
	}
	return t, nil
}

func parseType(s string) (Type, error) {
	if s == "" {
		return Type{}, errors.New("is empty")
	}
	if len(s) > maxType {
		return Type{}, fmt.Errorf("has %d bytes, at most %d fit", len(s), maxType)
	}
	parts := strings.Split(s, ".")
	words := parts[:max(0, len(parts)-3)]
	if len(words) == 0 {
		return Type{}, errors.New("want a name and three numbers, as in user.deleted.2.0.0")
	}
	t := Type{Name: strings.Join(words, ".")}
	for i, number := range []*int{&t.Major, &t.Minor, &t.Patch} {
		var err error
		if *number, err = versionNumber(parts[len(words)+i]); err != nil {
			return Type{}, fmt.Errorf("%s: %w", [...]string{"major version", "minor version", "patch version"}[i], err)
		}
	}
	for _, word := range words {
		if !isWord(word) {
			return Type{}, fmt.Errorf("name: %q is not a word of lower-case letters, digits, - and _ that begins with a letter", word)
		}
	}
	return t, nil
}

// String is the type as routing keys and type properties have it: "user.deleted.2.0.0".
func (t Type) String() string {
	return fmt.Sprintf("%s.%d.%d.%d", t.Name, t.Major, t.Minor, t.Patch)
}

// Kind is what a reader has to know: the name and the major version, "user.deleted.2".
func (t Type) Kind() string {
	return fmt.Sprintf("%s.%d", t.Name, t.Major)
}

func versionNumber(s string) (int, error) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	if len(s) > 1 && s[0] == '0' {
		return 0, fmt.Errorf("%q has a leading zero", s)
	}
	number, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("%q is too large", s)
	}
	return number, nil
}

func isWord(s string) bool {
	return s != "" && s[0] >= 'a' && s[0] <= 'z' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}
