package broker

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are named in the style of https://prometheus.io/docs/practices/naming.

type publisherCounts struct{ published *prometheus.CounterVec }

func newPublisherCounts() publisherCounts {
	return publisherCounts{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "broker_published_total", Help: "Messages published, by what became of them.",
	}, []string{"result"})}
}

func (c publisherCounts) add(results []error) {
	for _, err := range results {
		c.published.WithLabelValues(published(err)).Inc()
	}
}

func published(err error) string {
	switch {
	case err == nil:
		return "confirmed"
	case errors.Is(err, ErrUnrouted):
		return "unrouted"
	case errors.Is(err, ErrRefused):
		return "refused"
	case errors.Is(err, ErrUnknown):
		return "unknown"
	}
	return "unsent"
}

// Describe implements prometheus.Collector.
func (p *Publisher) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(p, to) }

// Collect implements prometheus.Collector.
func (p *Publisher) Collect(to chan<- prometheus.Metric) {
	p.counts.published.Collect(to)
	to <- p.connectedMetric()
	ch := p.channelTo(p.route.destination())
	to <- p.gauge("broker_blocked", "Whether an alarm of the broker blocks publishers.", number(ch != nil && ch.alarm.on()))
}

type consumerCounts struct {
	messages    *prometheus.CounterVec
	redelivered *prometheus.CounterVec
	failed      *prometheus.CounterVec
	seconds     *prometheus.HistogramVec
	inFlight    *atomic.Int64
}

func newConsumerCounts() consumerCounts {
	queue := []string{"queue"}
	return consumerCounts{
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "broker_messages_received_total", Help: "Messages that came, every time that they came.",
		}, queue),
		redelivered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "broker_messages_redelivered_total", Help: "Messages that came again after a delivery was lost.",
		}, queue),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "broker_messages_failed_total",
			Help: "Messages not handled, by what became of them: failed and later come back, dead is a dead letter, dropped was a broadcast, carried a dead letter of a broker that was left.",
		}, []string{"queue", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "broker_handle_seconds", Help: "Time for a batch, from its first message to its acknowledgement.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}, queue),
		inFlight: new(atomic.Int64),
	}
}

func (c consumerCounts) received(queue string, again bool) {
	c.messages.WithLabelValues(queue).Inc()
	if again {
		c.redelivered.WithLabelValues(queue).Inc()
	}
}

func (c consumerCounts) ended(queue, outcome string) { c.failed.WithLabelValues(queue, outcome).Inc() }

// begin notes that messages are in hand until the function is called.
func (c consumerCounts) begin(queue string, messages int) (end func()) {
	began := time.Now()
	c.inFlight.Add(int64(messages))
	return func() {
		c.inFlight.Add(-int64(messages))
		c.seconds.WithLabelValues(queue).Observe(time.Since(began).Seconds())
	}
}

// Describe implements prometheus.Collector.
func (c *Consumer) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, to) }

// Collect implements prometheus.Collector.
func (c *Consumer) Collect(to chan<- prometheus.Metric) {
	c.counts.messages.Collect(to)
	c.counts.redelivered.Collect(to)
	c.counts.failed.Collect(to)
	c.counts.seconds.Collect(to)
	to <- c.gauge("broker_messages_in_flight", "Messages that handlers have in hand.", float64(c.counts.inFlight.Load()))
	to <- c.connectedMetric()
}

// connectedMetric is about the broker that the route names: those that are left say nothing of how things are.
func (p *part) connectedMetric() prometheus.Metric {
	p.route.mu.Lock()
	defer p.route.mu.Unlock()
	at := p.route.active
	l := p.links[at]
	desc := prometheus.NewDesc("broker_connected", "Whether the connection can be used.", []string{"broker"}, prometheus.Labels{"connection": p.name})
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, number(l != nil && l.up.Load()), at.name)
}

// gauge is a figure of one of a process's parts.
func (p *part) gauge(name, help string, value float64) prometheus.Metric {
	desc := prometheus.NewDesc(name, help, nil, prometheus.Labels{"connection": p.name})
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
}

func number(on bool) float64 {
	if on {
		return 1
	}
	return 0
}
