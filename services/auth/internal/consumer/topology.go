// Package consumer handles the messages that auth reads.
package consumer

import (
	"github.com/tizza/tizza/pkg/broker"
)

const service = "auth"

// Topology is what auth declares at the broker, and who handles what comes.
func Topology(ledger Ledger) broker.Topology {
	return broker.Topology{
		Service:   service,
		Exchanges: []broker.Exchange{{Name: "users", Kind: "topic"}, {Name: "sessions", Kind: "fanout"}},
		Subscriptions: []broker.Subscription{
			UserErased(ledger),
		},
	}
}
