package command

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/tizza/tizza/pkg/deadletter"
)

// printLetter prints one letter for people.
func printLetter(out io.Writer, l deadletter.Letter) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{"message", l.ID}, {"key", l.Key}, {"sent", at(l.Time) + ", by " + cmp.Or(l.App, "unknown") + ", on " + cmp.Or(l.Exchange, "unknown")},
		{"failed in", l.Queue}, {"reason", l.Reason}, {"first failure", at(l.FirstFailure)}, {"last failure", at(l.LastFailure)},
		{"attempts", fmt.Sprintf("%d, waited %d times, replayed %d times", l.Attempts, l.Waits, l.Replays)},
	} {
		fmt.Fprintf(table, "%s\t%s\n", line[0], plain(line[1]))
	}
	for _, name := range slices.Sorted(maps.Keys(l.Headers)) {
		fmt.Fprintf(table, "header %s\t%s\n", plain(name), plain(fmt.Sprint(l.Headers[name])))
	}
	kind := l.ContentType
	if l.Redacted {
		kind += ", redacted: --payload shows it"
	}
	fmt.Fprintf(table, "payload\t%s\n", plain(kind))
	if err := table.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(payload(l.Payload)) {
		fmt.Fprintln(out, "  "+plain(strings.TrimSuffix(line, "\n")))
	}
	_, err := fmt.Fprintln(out)
	return err
}

// payload is the text as it came, or the document laid out.
func payload(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return err.Error()
	}
	return text.String()
}
