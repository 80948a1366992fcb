package broker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/broker"
	"github.com/tizza/tizza/pkg/message"
	"github.com/tizza/tizza/pkg/servertest"
	"github.com/tizza/tizza/pkg/setting"
)

// town is several processes that follow one key, as discovery has them follow it: told of each edit, again until it is
// applied, and no more when the next one comes.
type town struct {
	t *testing.T

	mu        sync.Mutex
	url       string
	revision  int64
	history   []string // of values that somebody applied, newest first
	citizens  []*citizen
	absent    []string      // holders of personal data that do not run
	forgetful int           // how often History fails before it answers
	lost      time.Duration // what processes wait for who is missing, while they cannot publish where they did
}

// citizen is a process.
type citizen struct {
	town    *town
	name    string
	route   *broker.Route
	applied int64
	refused error
	cancel  context.CancelFunc
	part    sync.WaitGroup
	parts   []part
	stop    func()
}

// part is a publisher, consumer or listener.
type part interface {
	Run(ctx context.Context) error
	Ready(ctx context.Context) error
	Started(ctx context.Context) error
	prometheus.Collector
}

func newTown(t *testing.T) *town { return &town{t: t, lost: time.Second} }

// Missing implements broker.Peers.
func (w *town) Missing(_ string, revision int64) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	missing := append([]string{}, w.absent...)
	for _, c := range w.citizens {
		if c.applied < revision {
			missing = append(missing, c.name)
		}
	}
	return missing
}

// History implements broker.Peers.
func (w *town) History(context.Context, string) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.forgetful > 0 {
		w.forgetful--
		return nil, errors.New("etcd is away")
	}
	return append([]string{}, w.history...), nil
}

// Started is what the registry has: the first value has been tried.
func (w *town) Started(ctx context.Context) error {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end) && ctx.Err() == nil; <-ticker.C {
		w.mu.Lock()
		fresh := slices.ContainsFunc(w.citizens, func(c *citizen) bool { return c.applied < w.revision && c.refused == nil })
		w.mu.Unlock()
		if !fresh {
			return nil
		}
	}
	return ctx.Err()
}

// put edits the key.
func (w *town) put(url string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revision++
	w.url = url
	for _, c := range w.citizens {
		w.tell(c)
	}
}

func (w *town) tell(c *citizen) {
	if c.cancel != nil {
		c.cancel()
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	url, revision := w.url, w.revision
	c.part.Go(func() {
		for ctx.Err() == nil {
			err := c.route.Follow(ctx, "url", url, revision)
			w.mu.Lock()
			if ctx.Err() == nil {
				c.refused = err
				if err == nil {
					c.applied = revision
					if url != "" && (len(w.history) == 0 || w.history[0] != url) {
						w.history = append([]string{url}, w.history...)
					}
				}
			}
			w.mu.Unlock()
			if err == nil {
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
}

// settle runs a process until the test ends or its stop is called. make makes its parts.
func (w *town) settle(name string, config broker.Config, parts func(*broker.Route) []part) *citizen {
	c := &citizen{town: w, name: name, route: broker.NewRoute(config, quiet, w)}
	c.route.Hurry(w.lost)
	runs := []func(context.Context) error{c.route.Run}
	c.parts = parts(c.route)
	for _, p := range c.parts {
		runs = append(runs, p.Run)
	}
	ctx, cancel := context.WithCancel(context.Background())
	for _, run := range runs {
		c.part.Go(func() {
			if err := run(ctx); err != nil {
				w.t.Errorf("%s: %v", name, err)
			}
		})
	}
	c.stop = sync.OnceFunc(func() {
		w.mu.Lock()
		for i, other := range w.citizens {
			if other == c {
				w.citizens = append(w.citizens[:i:i], w.citizens[i+1:]...)
			}
		}
		if c.cancel != nil {
			c.cancel()
		}
		w.mu.Unlock()
		cancel()
		c.part.Wait()
	})
	w.t.Cleanup(c.stop)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.citizens = append(w.citizens, c)
	if w.url != "" {
		w.tell(c)
	}
	return c
}

// arrived waits until all processes use that broker alone, publish there, and have let go of the others.
func (w *town) arrived(b *servertest.Broker) {
	w.t.Helper()
	var where string
	name := broker.Label(b.URL)
	defer func() {
		if w.t.Failed() {
			w.t.Log(where)
		}
	}()
	servertest.Eventually(w.t, 2*patience, "all at "+name+" and nowhere else", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, c := range w.citizens {
			at := c.route.Standings()
			if slices.ContainsFunc(c.parts, func(p part) bool { return p.Ready(w.t.Context()) != nil }) {
				where = c.name + " is not ready"
				return false
			}
			if len(at) != 1 || at[name] != "active" || c.route.Publishing() != name {
				where = fmt.Sprint(c.name, " is at ", at, ", publishes at ", c.route.Publishing(), ", refused ", c.refused)
				return false
			}
		}
		return true
	})
}

func at(b *servertest.Broker) broker.Config {
	return broker.Config{URL: b.URL, Username: b.Username, Password: setting.Secret(b.Password)}
}

// metrics are all that the process tells.
func (c *citizen) metrics(t *testing.T) map[string]float64 {
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(c.route))
	for _, p := range c.parts {
		if _, listens := p.(*broker.Consumer); !listens || p == c.parts[1] { // the names of a listener's are a consumer's
			require.NoError(t, registry.Register(p))
		}
	}
	families, err := registry.Gather()
	require.NoError(t, err)
	found := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := family.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			found[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return found
}

func (c *citizen) carried(t *testing.T) float64 {
	return c.metrics(t)["broker_messages_failed_total carried reader.news"]
}

// press is a process that publishes papers and speaks on the radio.
type press struct {
	*citizen
	*broker.Publisher

	mu   sync.Mutex
	sent []message.Message
}

func (w *town) press(config broker.Config) *press {
	p := &press{}
	p.citizen = w.settle("press", config, func(route *broker.Route) []part {
		p.Publisher = broker.NewPublisher(route, quiet, broker.Topology{Service: "press", Exchanges: []broker.Exchange{
			{Name: "news", Kind: amqp.ExchangeTopic}, {Name: "radio", Kind: amqp.ExchangeFanout},
		}})
		return []part{p.Publisher}
	})
	return p
}

// print publishes a message as a relay does, until it is taken.
func (p *press) print(ctx context.Context, m message.Message) {
	for end := time.Now().Add(2 * patience); ctx.Err() == nil; {
		if time.Now().After(end) {
			p.town.t.Error("nobody takes the message")
			return
		}
		if p.Publish(context.WithoutCancel(ctx), []message.Message{m})[0] == nil {
			p.mu.Lock()
			p.sent = append(p.sent, m)
			p.mu.Unlock()
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// work prints without end; the function ends it.
func (p *press) work(t *testing.T, workers int, paper func() message.Message) (end func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for ctx.Err() == nil {
				p.print(ctx, paper())
			}
		})
	}
	end = sync.OnceFunc(func() {
		cancel()
		all.Wait()
	})
	t.Cleanup(end)
	return end
}

// club is a service that reads papers and hears the radio; its replicas share what they have done.
type club struct {
	name string

	mu      sync.Mutex
	effects map[uuid.UUID]int // an inbox: the same paper again has no effect
	came    atomic.Int64
	heard   map[uuid.UUID]int
}

func newClub(name string) *club {
	return &club{name: name, effects: map[uuid.UUID]int{}, heard: map[uuid.UUID]int{}}
}

func (c *club) queue() string { return c.name + ".news" }

func (c *club) queues() []string {
	q := c.queue()
	return []string{q, q + ".retry", q + ".retry.10s", q + ".retry.60s", q + ".dead"}
}

func (c *club) read(_ context.Context, d broker.Delivery) error {
	c.came.Add(1)
	switch {
	case string(d.Body) == `"torn"`:
		return broker.Permanent(errors.New("torn"))
	case string(d.Body) == `"soaked"`:
		return errors.New("soaked")
	case string(d.Body) == `"wet"` && d.Attempt == 1:
		return errors.New("wet")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.effects[d.ID] == 0 {
		c.effects[d.ID]++
	}
	return nil
}

func (c *club) effect() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.effects)
}

func (c *club) hasHeard(id uuid.UUID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard[id] > 0
}

// join runs a replica of the club.
func (w *town) join(c *club, config broker.Config) *citizen {
	return w.settle(c.name, config, func(route *broker.Route) []part {
		topology := broker.Topology{
			Service:       c.name,
			Subscriptions: []broker.Subscription{{Queue: c.queue(), Exchange: "news", Reads: []string{"paper.out.1"}, Handle: c.read}},
			Broadcasts: []broker.Broadcast{{Exchange: "radio", Handle: func(_ context.Context, d broker.Delivery) error {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.heard[d.ID]++
				return nil
			}}},
		}
		publisher := broker.NewPublisher(route, quiet, broker.Topology{Service: c.name})
		consumer, listener := broker.NewConsumer(route, quiet, topology, publisher), broker.NewListener(route, quiet, topology)
		return []part{publisher, consumer, listener}
	})
}

func (c *club) leftAt(t *testing.T, b *servertest.Broker) (left map[string]int) {
	left = map[string]int{}
	for _, queue := range c.queues() {
		if n, _ := b.Depth(t, queue); n > 0 {
			left[queue] = n
		}
	}
	return left
}

func sheet(body string) message.Message {
	m := paper("paper.out.1.0.0")
	m.Body = []byte(body)
	return m
}

// lettersAt takes the dead letters of the club out of a broker.
func (c *club) lettersAt(t *testing.T, b *servertest.Broker) (letters []amqp.Delivery) {
	channel := b.Channel(t)
	for {
		d, ok, err := channel.Get(c.queue()+".dead", true)
		require.NoError(t, err)
		if !ok {
			return letters
		}
		letters = append(letters, d)
	}
}
