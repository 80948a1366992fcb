package deploy_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
)

const (
	patience = 90 * time.Second
	replicas = 2
	pace     = 20 * time.Millisecond // between two events of a replica
)

// system is a producer and two consumers on servers of their own.
type system struct {
	server    *servertest.Broker
	config    broker.Config
	producer  *producer
	consumers []*consumer
	log       []string
}

func newSystem(t *testing.T) *system {
	t.Helper()
	server := servertest.RabbitMQ(t)
	s := &system{server: server, config: broker.Config{URL: server.URL, Username: server.Username, Password: setting.Secret(server.Password)}}
	s.producer = &producer{config: s.config, database: servertest.Postgres(t, outbox.Schema())}
	// One handles messages alone, the other in batches.
	for _, name := range []string{"archive", "mailer"} {
		s.consumers = append(s.consumers, newConsumer(t, s.config, name, name == "mailer"))
	}
	t.Cleanup(func() {
		if t.Failed() {
			s.tell(t)
		}
		for _, r := range slices.Concat(s.producer.running[:], s.consumers[0].running[:], s.consumers[1].running[:]) {
			r.stop()
		}
	})
	return s
}

// replica is parts that run until they are stopped, the last one first, as in a service's main.
type replica []part

type part struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func start(runs ...func(context.Context) error) replica {
	r := make(replica, len(runs))
	for i, run := range runs {
		ctx, cancel := context.WithCancel(context.Background())
		r[i] = part{cancel, make(chan struct{})}
		go func() {
			defer close(r[i].done)
			_ = run(ctx)
		}()
	}
	return r
}

func (r replica) stop() {
	for _, p := range slices.Backward(r) {
		p.cancel()
		<-p.done
	}
}

// flows waits until twenty events more have been written and had their effects everywhere.
func (s *system) flows(t *testing.T) {
	t.Helper()
	from := s.producer.events.Load() + 1
	to := from + 20
	servertest.Eventually(t, patience, "events flow", func() bool { return s.producer.events.Load() > to })
	for _, c := range s.consumers {
		servertest.Eventually(t, patience, "effects at "+c.name, func() bool { return c.missing(t, from, to) == 0 })
		assert.Zero(t, s.depth(t, c.queue()+".dead"), "dead letters of %s", c.name)
	}
}

// tell logs where things are, for whoever has to find out why they are not where they should be.
func (s *system) tell(t *testing.T) {
	t.Helper()
	var rows []string
	assert.NoError(t, s.producer.database.DB().Raw("SELECT key || ' ' || attempts || ' ' || last_error FROM outbox LIMIT 10").Scan(&rows).Error)
	t.Logf("outbox: %q", rows)
	for _, c := range s.consumers {
		var missing []int64
		assert.NoError(t, c.database.DB().Raw("SELECT n FROM generate_series(1, ?::bigint) AS n WHERE NOT EXISTS (SELECT FROM effects WHERE person = n) LIMIT 10",
			s.producer.events.Load()).Scan(&missing).Error)
		t.Logf("%s has no effect for %v", c.name, missing)
		for _, q := range c.topology(reading{}).Queues() {
			t.Logf("%s: %d messages", q.Name, s.depth(t, q.Name))
		}
	}
	t.Logf("releases, and after how many events: %q", s.log)
}

func (s *system) depth(t *testing.T, queue string) int {
	t.Helper()
	messages, _ := s.server.Depth(t, queue)
	return messages
}

// asked is who is bound to the exchange by all versions of the kind.
func (s *system) asked(t *testing.T, kind string) []string {
	t.Helper()
	var bindings []struct {
		Destination string `json:"destination"`
		Key         string `json:"routing_key"`
	}
	s.server.Manage(t, "GET", "/api/exchanges/"+s.server.Vhost+"/users/bindings/source", nil, &bindings)
	queues := []string{}
	for _, b := range bindings {
		if b.Key == kind+".#" {
			queues = append(queues, b.Destination)
		}
	}
	slices.Sort(queues)
	return queues
}
