// Package consumer handles the messages that pizza reads.
package consumer

import (
	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
)

const service = "pizza"

// Topology is what pizza declares at the broker, and who handles what comes.
func Topology(database *postgres.Database, holder *erasure.Holder, format message.Format, sessions Sessions) broker.Topology {
	return broker.Topology{
		Service:   service,
		Exchanges: []broker.Exchange{{Name: "pizzas", Kind: "topic"}},
		Subscriptions: []broker.Subscription{
			UserDeleted(database, holder, format),
		},
		Broadcasts: []broker.Broadcast{SessionRevoked(sessions)},
	}
}
