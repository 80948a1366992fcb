// Package command is the command line that all services share:
//
//	serve | api | worker         run, with all roles or one
//	migrate up | migrate status  the database
//	outbox list | retry          messages that have not been sent yet
//	dead-letters list | show | replay | discard | history
//	                             messages that could not be handled
//	topology list | check        what is declared at RabbitMQ, and whether it stands
//	healthcheck                  asks the running service's /readyz
//	version
//
// A service adds its own commands with Program.Extra. Bad settings end a command
// with code 2 and one line per setting, other errors with 1.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/alecthomas/kong"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/process"
	"github.com/tizza/tizza/pkg/setting"
)

// Program describes a service to Main. C is its settings.
type Program[C any] struct {
	Name string
	// Defaults are the settings for development, which the environment overrides.
	Defaults C
	// Run runs the service until ctx ends.
	Run func(ctx context.Context, cfg C, role Role) error
	// Schemas and Database are for the migrate commands.
	Schemas  func() []postgres.Schema
	Database func(C) postgres.Config
	// Broker and Topology are for the commands about messages. The topology says what there is; it need not handle anything.
	Broker   func(C) broker.Config
	Topology func(C) broker.Topology
	// Addr is the address that the service listens on, for healthcheck.
	Addr func(C) string
	// Extra is nil or a pointer to a struct of kong commands. Their Run methods
	// may take a context.Context, a C and an io.Writer for what they print.
	Extra any
}

// Role is which part of a service a process plays.
type Role int

// The roles.
const (
	All Role = iota
	API
	Worker
)

// API reports whether this process serves the HTTP API.
func (r Role) API() bool { return r != Worker }

// Worker reports whether this process runs the relay and the consumers.
func (r Role) Worker() bool { return r != API }

// Main runs the command that the process was started with and ends the process.
func Main[C any](p Program[C]) {
	startTracing()
	ctx, stop := process.Context()
	code := execute(ctx, p, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const (
	failed   = 1
	mistaken = 2 // bad settings or arguments
)

func execute[C any](ctx context.Context, p Program[C], args []string, stdout, stderr io.Writer) (code int) {
	defer func() { // kong ends --help by calling Exit in the middle of parsing
		switch cause := recover().(type) {
		case nil:
		case exit:
			code = int(cause)
		default:
			panic(cause)
		}
	}()
	parser, err := newParser(ctx, p, stdout, stderr)
	if err != nil {
		panic(err) // a mistake in the commands themselves
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\nTry: %s --help\n", p.Name, err, p.Name)
		return mistaken
	}
	if err := parsed.Run(); err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", p.Name, err)
		var bad *setting.Error
		if errors.As(err, &bad) {
			return mistaken
		}
		return failed
	}
	return 0
}

type exit int

func newParser[C any](ctx context.Context, p Program[C], stdout, stderr io.Writer) (*kong.Kong, error) {
	options := []kong.Option{
		kong.Name(p.Name),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.BindTo(stdout, (*io.Writer)(nil)),
		kong.Bind(newTerminal(stderr)),
		kong.Bind(p),
		// Only commands that take the settings load them: version works without.
		kong.BindSingletonProvider(func() (C, error) { return load(p, stderr) }),
	}
	if p.Extra != nil {
		options = append(options, kong.Embed(p.Extra))
	}
	return kong.New(&grammar[C]{}, options...)
}

// load reads the settings and sets up the log, whose level is one of them.
func load[C any](p Program[C], stderr io.Writer) (C, error) {
	var log struct {
		Level slog.Level `env:"LOG_LEVEL"`
	}
	cfg := p.Defaults
	err := both(setting.Load(&log), setting.Load(&cfg))
	handler := slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: log.Level})
	slog.SetDefault(slog.New(handler).With("service", p.Name))
	return cfg, err
}

// both makes one list of two.
func both(first, second error) error {
	var one, two *setting.Error
	if errors.As(first, &one) && errors.As(second, &two) {
		return &setting.Error{Settings: append(one.Settings, two.Settings...)}
	}
	return errors.Join(first, second)
}
