package deploy_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// page is versions.md, of which the tests take what they do.
type page struct{ text string }

func openPage(t *testing.T) page {
	t.Helper()
	text, err := os.ReadFile("versions.md")
	require.NoError(t, err)
	return page{string(text)}
}

var step = regexp.MustCompile(`(?m)^## (\d\. .+)$`)

// steps are the headings that have a number.
func (p page) steps() []string {
	var headings []string
	for _, heading := range step.FindAllStringSubmatch(p.text, -1) {
		headings = append(headings, heading[1])
	}
	return headings
}

// table is the rows of the one whose heading begins with the word, without the heading.
func (p page) table(t *testing.T, word string) [][]string {
	t.Helper()
	var rows [][]string
	_, below, found := strings.Cut(p.text, "\n| "+word+" |")
	require.True(t, found, "a table of the %s", word)
	for _, line := range strings.Split(below, "\n")[2:] {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 3 {
			break
		}
		for i, cell := range cells {
			cells[i] = strings.TrimSpace(cell)
		}
		rows = append(rows, cells)
	}
	return rows
}

var quoted = regexp.MustCompile("`([^`]+)`")

// reading is a release of a consumer.
type reading struct {
	name            string
	reads, formerly []string
}

func (p page) consumers(t *testing.T) []reading {
	t.Helper()
	var releases []reading
	for _, row := range p.table(t, "consumer") {
		releases = append(releases, reading{row[0], names(row[1]), names(row[2])})
	}
	return releases
}

func names(cell string) []string {
	var found []string
	for _, name := range quoted.FindAllStringSubmatch(cell, -1) {
		found = append(found, name[1])
	}
	return found
}

// writing is a release of the producer: what it does with each of the two versions.
type writing struct {
	name     string
	old, new string // nothing, "yes" or "`Optional`"
}

func (p page) producers(t *testing.T) []writing {
	t.Helper()
	var releases []writing
	for _, row := range p.table(t, "producer") {
		for _, cell := range row[1:] {
			require.Contains(t, []string{"", "yes", "`Optional`"}, cell)
		}
		releases = append(releases, writing{row[0], row[1], row[2]})
	}
	return releases
}

// named finds a release in its table.
func named[T any](t *testing.T, releases []T, name string, nameOf func(T) string) T {
	t.Helper()
	i := slices.IndexFunc(releases, func(release T) bool { return nameOf(release) == name })
	require.GreaterOrEqual(t, i, 0, "the page has no release %q", name)
	return releases[i]
}

func TestReleasesThatRunSideBySideShareABinding(t *testing.T) {
	releases := openPage(t).consumers(t)
	require.Len(t, releases, 5)
	for i, release := range releases[1:] {
		before := releases[i]
		kept := slices.ContainsFunc(release.reads, func(kind string) bool { return slices.Contains(before.reads, kind) })
		require.True(t, kept, "%q and %q take away each other's bindings", before.name, release.name)
		for _, kind := range release.reads {
			understood := slices.Contains(before.reads, kind) || slices.Contains(before.formerly, kind)
			require.True(t, understood, "%q asks for %s, %q does not understand it and cannot come back", release.name, kind, before.name)
		}
	}
}
