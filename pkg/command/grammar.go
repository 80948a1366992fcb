package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/tizza/tizza/pkg/postgres"
)

type grammar[C any] struct {
	Serve       serve[C]       `cmd:"" help:"Run with all roles."`
	API         api[C]         `cmd:"" name:"api" help:"Run the HTTP API only."`
	Worker      worker[C]      `cmd:"" help:"Run the relay and the consumers only."`
	Migrate     migrate[C]     `cmd:"" help:"Bring the database's schema up to date, or show it."`
	Outbox      outboxes[C]    `cmd:"" help:"Show messages that have not been sent yet, or send those that failed now."`
	DeadLetters deadLetters[C] `cmd:"" name:"dead-letters" help:"Show messages that could not be handled, send them again, or discard them."`
	Topology    topologies[C]  `cmd:"" help:"Show what the service declares at RabbitMQ, or check that it is there."`
	Healthcheck healthcheck[C] `cmd:"" help:"Fail unless the running service is ready."`
	Version     version[C]     `cmd:"" help:"Print the version."`
}

type (
	serve[C any]  struct{}
	api[C any]    struct{}
	worker[C any] struct{}
)

func (serve[C]) Run(ctx context.Context, p Program[C], l *loaded[C]) error {
	return start(ctx, p, l, All)
}
func (api[C]) Run(ctx context.Context, p Program[C], l *loaded[C]) error {
	return start(ctx, p, l, API)
}
func (worker[C]) Run(ctx context.Context, p Program[C], l *loaded[C]) error {
	return start(ctx, p, l, Worker)
}

type migrate[C any] struct {
	Up     migrateUp[C]     `cmd:"" help:"Apply what is pending."`
	Status migrateStatus[C] `cmd:"" help:"List all migrations."`
}

type migrateUp[C any] struct{}

func (migrateUp[C]) Run(ctx context.Context, p Program[C], cfg C, out io.Writer) error {
	return withDatabase(p, cfg, func(db *postgres.Database) error {
		if err := db.Migrate(ctx); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out, "The schema is up to date.")
		return err
	})
}

type migrateStatus[C any] struct{ List }

func (c migrateStatus[C]) Run(ctx context.Context, p Program[C], cfg C, out io.Writer) error {
	return withDatabase(p, cfg, func(db *postgres.Database) error {
		versions, err := db.Status(ctx)
		if err != nil {
			return err
		}
		return Print(out, c.List, versions, []string{"SCHEMA", "MIGRATION", "APPLIED"}, func(v postgres.Version) []string {
			applied := "pending"
			if v.Applied != nil {
				applied = v.Applied.Format(time.RFC3339)
			}
			return []string{v.Schema, v.Name, applied}
		})
	})
}

func withDatabase[C any](p Program[C], cfg C, do func(*postgres.Database) error) error {
	db, err := postgres.Open(p.Database(cfg), p.Schemas()...)
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}

type healthcheck[C any] struct{}

const healthTimeout = 3 * time.Second

// Run asks over loopback, past any proxy.
func (healthcheck[C]) Run(ctx context.Context, p Program[C], cfg C) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, readyURL(p.Addr(cfg)), nil)
	if err != nil {
		return fmt.Errorf("ask for readiness: %w", err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("ask for readiness: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) // only to be shown
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s: %s", response.Status, strings.TrimSpace(string(body)))
	}
	return nil
}

// readyURL makes an address to dial out of one to listen on.
func readyURL(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		host, port = addr, "80"
	}
	switch host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return "http://" + net.JoinHostPort(host, port) + "/readyz"
}
