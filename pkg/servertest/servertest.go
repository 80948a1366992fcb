// Package servertest gives tests the real servers: a migrated database, a
// RabbitMQ virtual host and an etcd prefix of their own, so that tests run in
// parallel and leave nothing behind.
//
// The servers are found from TEST_POSTGRES_URL (a superuser's),
// TEST_RABBITMQ_URL (an administrator's), TEST_RABBITMQ_MANAGEMENT_URL and
// TEST_ETCD_ENDPOINTS, or else from the file .local/test/env at the root of the
// workspace. A test without its server fails: it never skips. Whatever a killed
// test left on a server has a name that begins with "servertest".
//
// Tests only: nothing that ends up in a program may import it.
package servertest

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// timeout bounds one step on a server; a loaded machine is slow.
const timeout = time.Minute

// Eventually polls until ok returns true, and fails the test when it has not
// within the bound. It is the place where tests wait.
func Eventually(t testing.TB, bound time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(bound)
	defer deadline.Stop()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("not within %s: %s", bound, what)
		case <-ticker.C:
		}
	}
}

// setting is a variable of the environment, or of the file that `make
// test-servers` writes.
func setting(t testing.TB, name string) string {
	t.Helper()
	if value := os.Getenv(name); value != "" {
		return value
	}
	if value := fileSettings()[name]; value != "" {
		return value
	}
	t.Fatalf("%s is not set and .local/test/env does not have it: run `make test-servers` first", name)
	return ""
}

var fileSettings = sync.OnceValue(func() map[string]string {
	settings := map[string]string{}
	root, ok := workspace()
	if !ok {
		return settings
	}
	file, err := os.Open(filepath.Join(root, ".local", "test", "env"))
	if err != nil {
		return settings
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := strings.TrimPrefix(strings.TrimSpace(lines.Text()), "export ")
		if name, value, found := strings.Cut(line, "="); found {
			settings[name] = strings.Trim(value, `'"`)
		}
	}
	return settings
})

// workspace is the nearest directory above that has a go.work.
func workspace() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

func unique() string {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails
	return hex.EncodeToString(random)
}

// cleanupContext is for t.Cleanup, where the test's own context has ended.
func cleanupContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), timeout)
}
