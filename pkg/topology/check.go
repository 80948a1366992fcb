package topology

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tizza/tizza/pkg/broker"
)

// Check says in what the broker differs from what the service declares. Nothing to find is nil.
func Check(t broker.Topology, seen Seen) []Finding {
	c := &check{Topology: t, seen: seen, own: map[string]bool{}, wanted: map[seenBinding]bool{}}
	for _, e := range exchanges(t) {
		c.own[e.Name] = true
	}
	c.exchanges()
	for _, q := range t.Queues() {
		c.queue(q)
	}
	c.strangers()
	c.bindings()
	c.broadcasts()
	return c.findings
}

type check struct {
	broker.Topology
	seen     Seen
	own      map[string]bool      // exchanges that are declared
	wanted   map[seenBinding]bool // bindings that are declared
	findings []Finding
}

func (c *check) problem(object, what, do string) {
	c.findings = append(c.findings, Finding{Problem: true, Object: object, What: what, Do: do})
}

// start is the cure for what a running service declares by itself.
func (c *check) start() string {
	return "start " + c.Service + " (a worker): it declares this when it connects, and again every half minute"
}

func (c *check) exchanges() {
	seen := map[string]seenExchange{}
	for _, e := range c.seen.exchanges {
		seen[e.Name] = e
	}
	for _, e := range exchanges(c.Topology) {
		found, exists := seen[e.Name]
		switch {
		case !exists:
			c.problem("exchange "+e.Name, "is missing", c.start())
		case found.Type != e.Kind || !found.Durable || found.AutoDelete:
			c.problem("exchange "+e.Name, fmt.Sprintf("is %s, not durable and %s", describe(found), e.Kind),
				c.Service+" cannot declare over it: delete it, and whoever binds to it binds again within half a minute")
		}
	}
	for _, name := range c.foreign() {
		if _, exists := seen[name]; !exists && !c.own[name] {
			c.problem("exchange "+name, "is missing", "start the service that owns it; until then "+c.Service+" cannot bind to it")
		}
	}
}

func describe(e seenExchange) string {
	words := []string{"durable", "and", e.Type}
	if !e.Durable {
		words[0] = "transient"
	}
	if e.AutoDelete {
		words[0] += ", deleted with its last binding"
	}
	return strings.Join(words, " ")
}

// foreign are the exchanges that the service binds to, its own among them.
func (c *check) foreign() []string {
	names := map[string]bool{}
	for _, q := range c.Queues() {
		for _, b := range q.Bindings {
			names[b.Exchange] = true
		}
	}
	for _, b := range c.Broadcasts {
		names[b.Exchange] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func (c *check) queue(q broker.Queue) {
	object := "queue " + q.Name
	for _, b := range q.Bindings {
		c.wanted[seenBinding{Source: b.Exchange, Destination: q.Name, To: "queue", Key: b.Key}] = true
	}
	i := slices.IndexFunc(c.seen.queues, func(s seenQueue) bool { return s.Name == q.Name })
	if i < 0 {
		c.problem(object, "is missing", c.start())
		return
	}
	found := c.seen.queues[i]
	if differences := compare(q.Arguments, found); len(differences) > 0 {
		c.problem(object, "was made differently: "+strings.Join(differences, "; "),
			c.Service+" cannot declare over it: move its messages, delete it, and "+c.Service+" makes it anew within half a minute")
	}
	for _, b := range q.Bindings {
		if !slices.Contains(c.seen.bindings, seenBinding{Source: b.Exchange, Destination: q.Name, To: "queue", Key: b.Key}) {
			c.problem(object, "is not bound to "+Binding(b).String(), c.start())
		}
	}
	_, consumes := c.Subscription(q.Name)
	if consumes && c.seen.consumed[q.Name] == 0 {
		c.problem(object, "is consumed by nobody ("+messages(found.Messages)+")", "start "+c.Service+" (a worker), or read in its log why it cannot")
	}
	if !consumes && c.seen.consumed[q.Name] > 0 {
		c.problem(object, "is consumed, which is for nobody to do", "find the consumer in RabbitMQ's management and end it: what it takes is lost to "+c.Service)
	}
	if found.Messages > 0 && strings.HasSuffix(q.Name, broker.DeadQueue("")) {
		c.findings = append(c.findings, Finding{Object: object, What: "holds " + messages(found.Messages),
			Do: "see why with `" + c.Service + " dead-letters list`, then replay or discard them"})
	}
}

// strangers are exchanges and queues with the service's name that it does not declare.
func (c *check) strangers() {
	for _, e := range c.seen.exchanges {
		if !c.own[e.Name] && strings.HasPrefix(e.Name, c.Service+".") {
			c.problem("exchange "+e.Name, "is not declared by "+c.Service, "if no version of "+c.Service+" that still runs declares it, delete it")
		}
	}
	declared := map[string]bool{}
	for _, q := range c.Queues() {
		declared[q.Name] = true
	}
	for _, q := range c.seen.queues {
		if declared[q.Name] || !strings.HasPrefix(q.Name, c.Service+".") || c.hears(q) {
			continue
		}
		do := "if no version of " + c.Service + " that still runs declares it, delete it"
		if q.Messages > 0 {
			do = "see what its messages are before you delete it"
		}
		c.problem("queue "+q.Name, "is not declared by "+c.Service+" ("+messages(q.Messages)+")", do)
	}
}

// hears says whether a queue is one that a replica made for itself.
func (c *check) hears(q seenQueue) bool {
	return q.Exclusive && slices.ContainsFunc(c.Broadcasts, func(b broker.Broadcast) bool { return strings.HasPrefix(q.Name, replicas(c.Topology, b)) })
}

// bindings finds those that nobody declared: to the service's queues, out of its exchange for redelivery, and between
// its exchanges and others, which no service here makes, and which pass by the rights to single messages.
func (c *check) bindings() {
	queues := map[string]bool{}
	for _, q := range c.Queues() {
		queues[q.Name] = true
	}
	const do = "remove it in RabbitMQ's management (or start no older version that declares it), unless you know who needs it"
	for _, b := range c.seen.bindings {
		what := fmt.Sprintf("from %s", Binding{Exchange: b.Source, Key: b.Key})
		switch {
		case b.Source == "" || c.wanted[b]: // every queue is bound to the default exchange
		case b.To == "exchange" && (c.own[b.Source] || c.own[b.Destination]):
			c.problem("exchange "+b.Destination, "gets messages "+what+", which nobody declared", do)
		case b.To == "queue" && (queues[b.Destination] || b.Source == c.Redelivery().Name):
			c.problem("queue "+b.Destination, "gets messages "+what+", which nobody declared", do)
		}
	}
}

func (c *check) broadcasts() {
	for _, b := range c.Broadcasts {
		heard := slices.ContainsFunc(c.seen.bindings, func(s seenBinding) bool {
			return s.Source == b.Exchange && s.To == "queue" && strings.HasPrefix(s.Destination, replicas(c.Topology, b))
		})
		if !heard {
			c.problem("exchange "+b.Exchange, "is heard by no replica of "+c.Service, "start "+c.Service+", or read in its log why it does not listen")
		}
	}
}
