// Command events owns events and who attends them.
package main

import (
	"context"
	_ "embed"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/command"
	"github.com/tizza/tizza/pkg/discovery"
	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/health"
	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/process"
	"github.com/tizza/tizza/services/events/internal/consumer"
	"github.com/tizza/tizza/services/events/internal/event"
	"github.com/tizza/tizza/services/events/internal/httpapi"
	"github.com/tizza/tizza/services/events/internal/likes"
	"github.com/tizza/tizza/services/events/internal/pizza"
	store "github.com/tizza/tizza/services/events/internal/postgres"
)

const (
	service = "events"
	// personalData tells auth that events holds something of people: erasures and exports wait for it.
	personalData = `{"contract":"1.0.0"}`
)

//go:embed openapi.yaml
var spec []byte

func main() {
	command.Main(command.Program[Config]{
		Name:      service,
		Defaults:  defaults(),
		Run:       run,
		Schemas:   store.Schemas,
		Database:  func(c Config) postgres.Config { return c.Postgres },
		Broker:    func(c Config) broker.Config { return c.Broker },
		Topology:  func(Config) broker.Topology { return consumer.Topology(nil, nil, message.JSON, nil) },
		Addr:      func(c Config) string { return c.HTTP.Addr },
		Discovery: func(c Config) discovery.Config { return c.Discovery },
		Keys:      func(c Config) string { return "tizza/" + c.Env },
	})
}

// run wires the parts in the order in which they start; they stop in reverse.
func run(ctx context.Context, cfg Config, role command.Role, registry *discovery.Registry) error {
	log := slog.Default()
	database, err := postgres.Open(cfg.Postgres, store.Schemas()...)
	if err != nil {
		return err
	}
	registry.Fallback(map[string]string{"pizza": cfg.PizzaURL, "likes": cfg.LikesURL})
	holder := erasure.NewHolder(cfg.TombstoneKey, store.Register())
	callers, err := identity.New(cfg.Identity, service)
	if err != nil {
		return err
	}
	topology := consumer.Topology(database, holder, cfg.MessageFormat, callers)
	route := broker.NewRoute(cfg.Broker, log, registry)
	registry.Handle(broker.RouteKey, route.Follow)
	publisher := broker.NewPublisher(route, log, topology)
	consumers := broker.NewConsumer(route, log, topology, publisher)
	listener := broker.NewListener(route, log, topology)
	relay := outbox.NewRelay(database, publisher, log)

	client := httpclient.New(httpclient.Options{
		Resolver: registry, Token: cfg.ServiceToken, Config: cfg.Client, Control: discovery.Control, Log: log,
	})
	pizzas, err := pizza.NewClient(client)
	if err != nil {
		return err
	}
	liked, err := likes.NewClient(client)
	if err != nil {
		return err
	}
	events := event.NewService(store.NewStore(database, holder), pizzas, liked)

	checks := []health.Check{
		{Name: "postgres", Required: true, Probe: database.Ready},
		{Name: "discovery", Required: true, Probe: registry.Started},
		{Name: "etcd", Probe: registry.Ready},
	}
	metrics := []prometheus.Collector{registry, route, client, listener}
	if role.Worker() { // a broker that is lost later does not make it unready: the outbox takes what it cannot
		checks = append(checks,
			health.Check{Name: "consumers", Required: true, Probe: consumers.Started},
			health.Check{Name: "publisher", Required: true, Probe: publisher.Started},
			health.Check{Name: "rabbitmq", Probe: publisher.Ready})
		metrics = append(metrics, publisher, relay, consumers)
	} else { // when the broker moves, nobody waits for what does not run here
		publisher.Idle()
		consumers.Idle()
	}
	if !role.API() {
		listener.Idle()
		cfg.HTTP.Drain = 0 // nobody calls a worker
	}
	server, err := httpserver.New(httpserver.Options{
		Service: service, Version: command.Version(), Config: cfg.HTTP, Spec: spec, Messages: httpapi.Messages(),
		Services: registry.Services, Identity: callers, Checks: checks, Metrics: metrics, Log: log,
	})
	if err != nil {
		return err
	}

	parts := []process.Component{
		{Name: "database", Run: database.Run},
		{Name: "discovery", Run: registry.Run},
		{Name: "route to the broker", Run: route.Run, Patience: broker.Patience},
		{Name: "personal data", Run: registry.Put("personal-data/"+service, personalData)},
	}
	if role.Worker() {
		parts = append(parts,
			process.Component{Name: "publisher", Run: publisher.Run},
			process.Component{Name: "relay", Run: relay.Run},
			process.Component{Name: "consumers", Run: database.AfterMigrated(consumers.Run), Patience: broker.Patience},
		)
	}
	parts = append(parts, process.Component{Name: "http", Run: server.Run, Patience: server.Patience()})
	if role.API() {
		httpapi.Register(server, events, cfg.HTTP.PageSize)
		parts = append(parts,
			process.Component{Name: "listener", Run: listener.Run},
			process.Component{Name: "registration", Run: registry.Instance(service, cfg.AdvertiseURL)})
	}
	return process.Run(ctx, log, parts...)
}
