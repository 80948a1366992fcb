// Command contract looks at OpenAPI documents with the tools of the trade, and prints what is wrong, a line each:
// a linter, their own examples against their own schemas, and what a client of the released document would stumble over.
// It is a module of its own, as what those tools need must not decide what the services get.
//
//	contract <document> <released document>
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "contract <document> <released document>")
		os.Exit(2)
	}
	ctx := context.Background()
	linted, failed := lint(ctx, os.Args[1])
	unfit, invalid := examples(ctx, os.Args[1])
	broken, unread := breaking(os.Args[2], os.Args[1])
	problems := slices.Concat(linted, unfit, broken)
	for _, problem := range slices.Compact(problems) { // what many operations refer to is found as often
		fmt.Println(strings.ReplaceAll(problem, "\n", " "))
	}
	if err := errors.Join(failed, invalid, unread); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
