package command

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/discovery"
)

// brokerNow is the broker that the services use now. Where etcd cannot say, it is the one that is remembered, else the
// environment's: to look at dead letters has to work with etcd down.
func brokerNow[C any](ctx context.Context, p Program[C], cfg C, t *terminal) (broker.Config, error) {
	config := p.Broker(cfg)
	registry, err := discovery.Connect(p.Discovery(cfg), p.Name, p.Keys(cfg), slog.Default())
	if err != nil {
		return config, err
	}
	defer func() { _ = registry.Close() }()
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	found, err := registry.Read(ctx, brokerKeys)
	named := found[brokerKey]
	moved, unusable := config.At(named)
	switch {
	case err != nil && named == "":
		fmt.Fprintf(t.out, "etcd does not answer: using the broker of RABBITMQ_URL, though %s%s may name another\n", brokerKeys, brokerKey)
	case moved.URL == config.URL:
	case unusable != nil:
		fmt.Fprintf(t.out, "%s%s in etcd is not usable: using the broker of RABBITMQ_URL\n", brokerKeys, brokerKey)
	default:
		where := "in etcd names"
		if err != nil {
			where = "named, as is remembered: etcd does not answer"
		}
		fmt.Fprintf(t.out, "using the broker that %s%s %s: %s\n", brokerKeys, brokerKey, where, plain(moved.URL))
		return moved, nil
	}
	return config, nil
}

// The key that moves all services to another broker.
const (
	brokerKeys = "rabbitmq/"
	brokerKey  = "url"
)
