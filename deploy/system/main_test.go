// Package system holds the tests that see tizza as its users do: the whole system runs, as `make up` runs it, on
// ports and data of its own, and everything is done from outside.
package system

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/tizza/tizza/deploy/internal/visitor"
	"github.com/tizza/tizza/deploy/local/cluster"
)

const patience = 30 * time.Second

var (
	running   *cluster.Cluster
	tizza     *visitor.System
	setting   = map[string]string{}  // what .local/env says of this system
	databases = map[string]*sql.DB{} // by service, each as the service's own role
)

var services = []string{"auth", "pizza", "likes", "events"}

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "system:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Minute)
	defer cancel()
	running, err = cluster.Open(cluster.Options{Dir: ".local/system", FreePorts: true, Fast: true, Fresh: true, Browser: true, Node: true, Curl: true, Settings: tokens, Out: os.Stdout})
	if err != nil {
		return 0, err
	}
	defer func() {
		// Not ctx, which may be what ended the tests.
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, downErr := running.Down(ctx)
		err = errors.Join(err, downErr, stopSecondBroker(ctx))
	}()
	if err := running.Up(ctx); err != nil {
		return 0, err
	}
	for _, v := range running.Environment() {
		setting[v.Name] = v.Value
	}
	if tizza, err = visitor.Open(func(name string) string { return setting[name] }); err != nil {
		return 0, err
	}
	defer tizza.Close()
	for _, service := range services {
		if databases[service], err = sql.Open("pgx", setting[strings.ToUpper(service)+"_DATABASE_URL"]); err != nil {
			return 0, err
		}
		defer func() { _ = databases[service].Close() }()
	}
	return m.Run(), nil
}
