package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// List is embedded in commands that print a list.
type List struct {
	JSON bool `name:"json" help:"Print JSON instead of a table."`
}

// Print writes rows as the list asks: as JSON, or as a table whose cells come
// from the function.
func Print[T any](out io.Writer, list List, rows []T, columns []string, cells func(T) []string) error {
	if list.JSON {
		if rows == nil {
			rows = []T{} // an empty list is [], not null
		}
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(rows)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, strings.Join(columns, "\t"))
	for _, row := range rows {
		fmt.Fprintln(table, strings.Join(cells(row), "\t"))
	}
	return table.Flush()
}
