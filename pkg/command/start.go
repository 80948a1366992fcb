package command

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/tizza/tizza/pkg/discovery"
)

// readTimeout is how long a start waits for etcd, which it does not need.
const readTimeout = time.Second

// start runs the service with the environment's settings and the overrides of its operators.
func start[C any](ctx context.Context, p Program[C], l *loaded[C], role Role) error {
	log, cfg, below := slog.Default().With("component", "settings"), l.Config().Program, p.Name+"/config/"
	registry, err := discovery.Connect(p.Discovery(cfg), p.Name, p.Keys(cfg), slog.Default())
	if err != nil {
		return err
	}
	defer func() { _ = registry.Close() }() // Run has, if it came to run the registry
	refused := l.Start(readOverrides(ctx, registry, below, log))
	for _, name := range slices.Sorted(maps.Keys(refused)) {
		log.Warn("setting refused", "name", name, "reason", refused[name].Error())
	}
	registry.Handle(below, newOverrides(l, log).apply)
	return p.Run(ctx, l.Config().Program, role, registry)
}

func readOverrides(ctx context.Context, registry *discovery.Registry, below string, log *slog.Logger) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	overrides, err := registry.Read(ctx, below)
	switch {
	case err == nil || errors.Is(ctx.Err(), context.Canceled):
	case len(overrides) > 0:
		log.Warn("etcd does not answer: starting with the overrides that are remembered", "count", len(overrides))
	default:
		log.Warn("etcd does not answer: starting with the environment's settings")
	}
	return overrides
}
