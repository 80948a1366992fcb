// Command safeguards takes the safeguards of the messages out, one at a time, in a copy of the checkout, and runs the
// test that is there for it: a test that stays green without its safeguard proves nothing. `make safeguards` runs it.
//
//	go run ./deploy/safeguards [WORD…]    only those whose promise or file has one of the words
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

// safeguard is a piece of code that keeps a promise, and the test that fails without it.
type safeguard struct {
	promise   string
	file      string // below the checkout
	code      string // as it stands there, once
	instead   string
	pkg, test string // the module's folder and package, as in "pkg/broker"; a pattern for -run
}

const testTimeout = 4 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "safeguards:", err)
		os.Exit(1) //nolint:gocritic // stop only releases a signal
	}
}

func run(ctx context.Context, words []string) error {
	checkout, err := os.MkdirTemp("", "tizza-safeguards-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(checkout) }()
	if err := copyTo(ctx, checkout); err != nil {
		return err
	}
	var unproven []string
	tried := 0
	for _, s := range safeguards {
		if !s.wanted(words) {
			continue
		}
		tried++
		began := time.Now()
		err := s.prove(ctx, checkout)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		verdict := "red without it"
		if err != nil {
			verdict = err.Error()
			unproven = append(unproven, s.promise)
		}
		fmt.Printf("%-70s %s (%s)\n", s.promise, verdict, time.Since(began).Round(time.Second))
	}
	if tried == 0 {
		return fmt.Errorf("no safeguard has a word of %q", words)
	}
	if len(unproven) > 0 {
		return fmt.Errorf("%d promises are not proven: %s", len(unproven), strings.Join(unproven, "; "))
	}
	return nil
}

func (s safeguard) wanted(words []string) bool {
	for _, word := range words {
		if strings.Contains(s.promise, word) || strings.Contains(s.file, word) {
			return true
		}
	}
	return len(words) == 0
}

// copyTo copies what git knows or would know of the checkout.
func copyTo(ctx context.Context, folder string) error {
	list, err := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return fmt.Errorf("list the checkout: %w", err)
	}
	for _, name := range strings.Split(strings.TrimRight(string(list), "\x00"), "\x00") {
		content, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted, and not committed yet
		}
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o750)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), content, 0o600)
		}
		if err != nil {
			return fmt.Errorf("copy the checkout: %w", err)
		}
	}
	return nil
}

// prove returns nil if the test is red without the safeguard, and green with it.
func (s safeguard) prove(ctx context.Context, checkout string) error {
	path := filepath.Join(checkout, s.file)
	whole, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if strings.Count(string(whole), s.code) != 1 {
		return fmt.Errorf("the safeguard is not in %s, or not once: adapt the table", s.file)
	}
	if out, err := s.testIn(ctx, checkout); err != nil {
		return fmt.Errorf("RED WITH IT\n%s", out)
	}
	without := strings.Replace(string(whole), s.code, s.instead, 1)
	if err := os.WriteFile(path, []byte(without), 0o600); err != nil {
		return err
	}
	out, red := s.testIn(ctx, checkout)
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		return err
	}
	switch {
	case red == nil:
		return errors.New("GREEN WITHOUT IT")
	case strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]"):
		return fmt.Errorf("does not build without it: adapt the table\n%s", out)
	}
	return nil
}

func (s safeguard) testIn(ctx context.Context, checkout string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	test := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout", "2m", "-run", s.test, ".")
	test.Dir = filepath.Join(checkout, s.pkg)
	out, err := test.CombinedOutput()
	if err == nil && strings.Contains(string(out), "no tests to run") {
		return string(out), fmt.Errorf("no test %s in %s", s.test, s.pkg)
	}
	return string(out), err
}
