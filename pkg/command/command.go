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
//
// The settings are the environment's. What runs the service lays over them what
// operators have put under <service>/config/<NAME> in etcd:
//
//	environment ──▶ connect to etcd ──▶ overrides, read within 1 s ──▶ Run
//	                                              ▲
//	                          each edit from then on
//
// With etcd down they are those remembered in STATE_DIR, else there are none: a
// start never waits for etcd. Settings that are live (LOG_LEVEL, all that the
// program has as a setting.Live) change at once; a good value of another is for
// the next start; a bad one is refused, at the start too, and what was in use
// stays. Each of these is a log line with the setting's name and never its value,
// and is told to etcd's status keys. Secrets are the environment's alone, and so
// is whatever would lead this process, or its tokens, somewhere else.
//
// Commands about messages speak to the broker that the services use now: the one
// of the key rabbitmq/url, if etcd or the memory has one that is usable, else the
// environment's. They say so on stderr when it is not the environment's.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/discovery"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/process"
	"github.com/tizza/tizza/pkg/setting"
)

// Program describes a service to Main. C is its settings.
type Program[C any] struct {
	Name string
	// Defaults are the settings for development, which the environment overrides.
	Defaults C
	// Run runs the service until ctx ends. It runs the registry too, as one of its components.
	Run func(ctx context.Context, cfg C, role Role, registry *discovery.Registry) error
	// Discovery says where etcd is, and Keys the prefix of all keys in it, such as shop/development.
	Discovery func(C) discovery.Config
	Keys      func(C) string
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
		kong.BindSingletonProvider(func() (*loaded[C], error) { return load(p, stderr) }),
		kong.BindSingletonProvider(func(l *loaded[C]) (C, error) { return l.Config().Program, nil }),
	}
	if p.Extra != nil {
		options = append(options, kong.Embed(p.Extra))
	}
	return kong.New(&grammar[C]{}, options...)
}
