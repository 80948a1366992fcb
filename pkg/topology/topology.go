// Package topology compares what a service declares at RabbitMQ with what stands there.
//
// A service declares its exchanges, queues and bindings whenever it connects, so most of what is missing comes back by
// itself while the service runs. What does not: a queue that somebody made with other arguments, which the service can
// not declare over; a binding or a queue that was left behind, or laid by someone else; a service that does not run.
//
//	broker.Topology ──▶ List                      what there has to be
//	       │
//	       └──────────▶ Check ◀── Look ◀── RabbitMQ's management API
//	                      │
//	                      └──▶ findings: what is wrong, and what to do
//
// Looking changes nothing and reads no message. It takes a user with the tag "monitoring" and some right in the virtual
// host, however small ('^$'). What is seen is not of one moment: a queue that is being declared may be seen without its
// bindings, and the management hears of a new consumer only after some seconds. Look twice before you act.
package topology

import (
	"fmt"
	"strings"

	"github.com/tizza/tizza/pkg/broker"
)

// Item is one thing that a service declares.
type Item struct {
	Kind      string         `json:"kind"` // exchange, queue or broadcast
	Name      string         `json:"name"`
	Type      string         `json:"type"`
	Arguments map[string]any `json:"arguments,omitempty"`
	Bindings  []Binding      `json:"bindings,omitempty"`
}

// Binding is one of a queue's.
type Binding struct {
	Exchange string `json:"exchange"`
	Key      string `json:"key"`
}

// From says where the item's messages come from.
func (i Item) From() string {
	parts := make([]string, len(i.Bindings))
	for n, b := range i.Bindings {
		parts[n] = b.String()
	}
	return strings.Join(parts, ", ")
}

func (b Binding) String() string {
	if b.Key == "" {
		return b.Exchange
	}
	return fmt.Sprintf("%s by %s", b.Exchange, b.Key)
}

// List is all that the topology declares.
func List(t broker.Topology) []Item {
	var items []Item
	for _, e := range exchanges(t) {
		items = append(items, Item{Kind: "exchange", Name: e.Name, Type: e.Kind})
	}
	for _, q := range t.Queues() {
		item := Item{Kind: "queue", Name: q.Name, Type: kindOf(q.Arguments), Arguments: q.Arguments}
		for _, b := range q.Bindings {
			item.Bindings = append(item.Bindings, Binding(b))
		}
		items = append(items, item)
	}
	for _, b := range t.Broadcasts {
		items = append(items, Item{Kind: "broadcast", Name: replicas(t, b) + "*", Type: "classic", Bindings: []Binding{{Exchange: b.Exchange}}})
	}
	return items
}

// exchanges are those that the service owns.
func exchanges(t broker.Topology) []broker.Exchange {
	own := append([]broker.Exchange{}, t.Exchanges...)
	if len(t.Subscriptions) > 0 {
		own = append(own, t.Redelivery())
	}
	return own
}

// replicas is what the names of the queues begin with that each replica makes for itself, to hear a broadcast.
func replicas(t broker.Topology, b broker.Broadcast) string {
	return t.Service + "." + b.Exchange + "."
}

func kindOf(arguments map[string]any) string {
	if kind, ok := arguments["x-queue-type"].(string); ok {
		return kind
	}
	return "classic"
}
