// Package consumer handles the messages that loyalty reads.
package consumer

import (
	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/erasure"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/postgres"
)

const service = "loyalty"

// Topology is what loyalty declares at the broker, and who handles what comes.
func Topology(database *postgres.Database, holder *erasure.Holder, format message.Format, sessions Sessions) broker.Topology {
	return broker.Topology{
		Service:       service,
		Subscriptions: []broker.Subscription{UserDeleted(database, holder, format)},
		Broadcasts:    []broker.Broadcast{SessionRevoked(sessions)},
	}
}
