// Command local runs the whole system on this machine: `make up`, `make down`, and the servers for `make test`.
// Package cluster does the work; this is its command line.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"github.com/tizza/tizza/deploy/local/cluster"
)

type arguments struct {
	Dir        string `help:"Folder of data, logs and binaries, relative to the checkout." default:".local"`
	PortOffset int    `help:"Added to every port." env:"TIZZA_PORT_OFFSET"`
	Native     bool   `help:"Native servers even where a Docker engine runs." env:"TIZZA_NATIVE"`

	Up      struct{} `cmd:"" help:"Start the whole system, or what is missing of it, and wait until it is ready."`
	Down    struct{} `cmd:"" help:"Stop it; data stays."`
	Servers struct{} `cmd:"" help:"Start PostgreSQL, RabbitMQ and etcd alone, empty and on free ports, for tests; install Chromium, Node.js and npm, too."`
	Status  struct {
		JSON bool `help:"Print JSON."`
	} `cmd:"" help:"Show what runs."`
	Clean     struct{} `cmd:"" help:"Stop it and remove all data, logs and binaries."`
	Supervise struct {
		Home string `arg:""`
	} `cmd:"" hidden:"" help:"Keep the processes of a plan running."`
}

func main() {
	var args arguments
	command := kong.Parse(&args, kong.Name("local"),
		kong.Description("Runs the whole system on this machine: with Compose where a Docker engine runs, otherwise on native servers. Set TIZZA_NATIVE=1 for native servers in any case."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, command.Command(), args)
	stop()
	if err != nil {
		if errors.Is(err, context.Canceled) {
			err = errors.New("interrupted; what was started keeps running: `make up` goes on, `make down` stops it")
		}
		fmt.Fprintf(os.Stderr, "\n%v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, command string, args arguments) error {
	if command == "supervise <home>" {
		return cluster.Supervise(args.Supervise.Home)
	}
	options := cluster.Options{Dir: args.Dir, Out: os.Stdout}
	switch command {
	case "up":
		ports, err := cluster.NewPorts(args.PortOffset, os.Getenv)
		if err != nil {
			return err
		}
		options.Ports = ports
		return up(ctx, options, args.Native)
	case "servers":
		return servers(ctx, options)
	}
	c, err := cluster.Open(options)
	if err != nil {
		return err
	}
	switch command {
	case "down":
		return down(ctx, c, args.Native)
	case "clean":
		return clean(ctx, c, args.Native)
	default:
		return status(ctx, c, args.Status.JSON)
	}
}

func up(ctx context.Context, options cluster.Options, native bool) error {
	c, err := cluster.Open(options)
	if err != nil {
		return err
	}
	began := time.Now()
	if composes(ctx, c, native) && !c.Running() {
		err = composeUp(ctx, c)
	} else {
		err = c.Up(ctx)
	}
	if err != nil {
		return err
	}
	ending(c, time.Since(began))
	return nil
}

func servers(ctx context.Context, options cluster.Options) error {
	options.ServersOnly, options.Fast, options.Fresh, options.FreePorts = true, true, true, true
	options.Browser, options.Node = true, true // `make test` ends with tests that need them
	c, err := cluster.Open(options)
	if err != nil {
		return err
	}
	return c.Up(ctx)
}

func down(ctx context.Context, c *cluster.Cluster, native bool) error {
	stopped, err := c.Down(ctx)
	if err != nil {
		return err
	}
	if !stopped && composes(ctx, c, native) {
		stopped, err = composeDown(ctx, c, false)
	}
	if err == nil && !stopped {
		fmt.Println("nothing was running")
	}
	return err
}

func clean(ctx context.Context, c *cluster.Cluster, native bool) error {
	if err := c.Clean(ctx); err != nil {
		return err
	}
	if composes(ctx, c, native) {
		_, err := composeDown(ctx, c, true)
		return err
	}
	return nil
}

func status(ctx context.Context, c *cluster.Cluster, asJSON bool) error {
	states := c.Status(ctx)
	if asJSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(states)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "PART\tSTATE\tADDRESS\tPID\tUP\tRESTARTS\tLOG")
	for _, s := range states {
		pid, age := "-", "-"
		if s.PID != 0 {
			pid, age = fmt.Sprint(s.PID), time.Since(s.Since).Round(time.Second).String()
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", s.Name, s.State, s.Address, pid, age, s.Restarts, s.Log)
	}
	return table.Flush()
}

// ending says what to open and what to try.
func ending(c *cluster.Cluster, took time.Duration) {
	ports, dir := c.Ports(), c.Dir()
	var b strings.Builder
	fmt.Fprintf(&b, "\nReady after %.1f s.\n\n", took.Seconds())
	for _, name := range cluster.Services() {
		fmt.Fprintf(&b, "  %-9s %s/\n", name, c.URL(name))
	}
	fmt.Fprintf(&b, "  %-9s http://127.0.0.1:%d  (tizza / tizza-development)\n", "RabbitMQ", ports[cluster.ManagementPort])
	fmt.Fprintf(&b, "\nAddresses and secrets are in %s/env. Try:\n\n", dir)
	fmt.Fprintf(&b, "  make demo\n")
	fmt.Fprintf(&b, "  curl -s %s/api/v1/pizzas\n", c.URL("pizza"))
	fmt.Fprintf(&b, "  %s get --prefix tizza/development/\n", c.Etcdctl())
	fmt.Fprintf(&b, "  make down\n")
	fmt.Print(b.String())
}
