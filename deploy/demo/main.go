// Command demo shows the running system: a person signs up, likes, attends, and is forgotten. `make demo` runs it with
// the addresses of .local/env. With -people it does the same to a crowd at once.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/tizza/tizza/deploy/internal/visitor"
)

func main() {
	people := flag.Int("people", 0, "forget a crowd of this many instead of one person")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if err := run(ctx, *people); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1) //nolint:gocritic // the process ends, and with it what cancel would free
	}
}

func run(ctx context.Context, people int) error {
	system, err := visitor.Open(os.Getenv)
	if err != nil {
		return err
	}
	if people > 0 {
		return crowd(ctx, system, people)
	}
	return person(ctx, system)
}

// crowd makes many people and has them forgotten, 16 at a time.
func crowd(ctx context.Context, system *visitor.System, people int) error {
	const concurrency = 16
	ids, err := system.Crowd(ctx, people, concurrency)
	if err != nil {
		return err
	}
	fmt.Printf("%d people, each with a pizza, a like, an event and an attendance\n", people)
	asked := time.Now()
	erasures, refused, err := system.Forget(ctx, ids, concurrency)
	if err != nil {
		return err
	}
	fmt.Printf("%d × 202 after %s, %d requests repeated\n", len(erasures), time.Since(asked).Round(time.Millisecond), refused)
	deleted := map[string]int{}
	for _, url := range erasures {
		erasure, err := system.Complete(ctx, url)
		if err != nil {
			return err
		}
		for _, h := range erasure.Holders {
			for table, rows := range h.Deleted {
				deleted[table] += rows
			}
		}
	}
	fmt.Printf("%d complete after %s: deleted %s\n", len(erasures), time.Since(asked).Round(time.Millisecond), tables(deleted))
	return nil
}

func person(ctx context.Context, system *visitor.System) error {
	name := "ann-" + time.Now().UTC().Format("20060102-150405.000")
	ann, err := system.SignUp(ctx, name)
	if err != nil {
		return err
	}
	fmt.Printf("%s signs up and logs in                   user %s\n", name, ann.ID)
	pizza, err := ann.UploadPizza(ctx, "Margherita")
	if err != nil {
		return err
	}
	fmt.Printf("uploads a pizza                                            pizza %d\n", pizza)
	house, err := system.HousePizza(ctx, "Marinara")
	if err != nil {
		return err
	}
	if err := ann.Like(ctx, house); err != nil {
		return err
	}
	fmt.Printf("likes a pizza of the house                                 pizza %d, which likes asked pizza about\n", house)
	event, err := ann.Host(ctx, "Pizza night", pizza)
	if err != nil {
		return err
	}
	if err := ann.Attend(ctx, event); err != nil {
		return err
	}
	fmt.Printf("hosts an event and attends it                              event %d\n", event)

	asked := time.Now()
	url, err := ann.BeForgotten(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("asks to be forgotten                                       %s\n\n", url)
	erasure, err := system.Complete(ctx, url)
	if err != nil {
		return err
	}
	fmt.Printf("erasure %s after %s\n", erasure.State, time.Since(asked).Round(time.Millisecond))
	for _, h := range erasure.Holders {
		fmt.Printf("  %-7s %-7s deleted %-28s left %d\n", h.Service, h.State, tables(h.Deleted), h.Left)
	}
	return nil
}

func tables(deleted map[string]int) string {
	parts := make([]string, 0, len(deleted))
	for table, rows := range deleted {
		parts = append(parts, fmt.Sprintf("%s %d", table, rows))
	}
	sort.Strings(parts)
	return strings.Join(parts, ", ")
}
