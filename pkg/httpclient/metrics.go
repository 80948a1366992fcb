package httpclient

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are named in the style of https://prometheus.io/docs/practices/naming.
// Services are those that the program calls, targets those that are in use.
type metrics struct {
	requests, retries, retriesRefused, cache *prometheus.CounterVec
	seconds                                  *prometheus.HistogramVec
	circuitOpen, inFlight                    *prometheus.Desc
}

// serviceMetrics are one service's, looked up once.
type serviceMetrics struct {
	outcomes       [outcomes]prometheus.Counter
	seconds        prometheus.Observer
	retriesRefused prometheus.Counter
}

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		requests:       counter("http_client_requests_total", "Calls to other services, by what became of them.", "service", "outcome"),
		retries:        counter("http_client_retries_total", "Further attempts, by why there was one.", "service", "reason"),
		retriesRefused: counter("http_client_retries_refused_total", "Further attempts that the retry budget did not allow.", "service"),
		cache:          counter("http_client_cache_total", "Answers to what may be cached: hit (304), changed, miss.", "result"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_client_request_seconds", Help: "How long calls took, with all attempts and the body.", Buckets: prometheus.DefBuckets,
		}, []string{"service"}),
		circuitOpen: prometheus.NewDesc("http_client_circuit_open", "Whether the circuit of a target is open or half-open.", []string{"service", "target"}, nil),
		inFlight:    prometheus.NewDesc("http_client_in_flight", "Requests under way.", []string{"service"}, nil),
	}
	for _, result := range []string{"hit", "changed", "miss"} {
		m.cache.WithLabelValues(result)
	}
	return m
}

func (m *metrics) of(service string) serviceMetrics {
	s := serviceMetrics{seconds: m.seconds.WithLabelValues(service), retriesRefused: m.retriesRefused.WithLabelValues(service)}
	for o := range outcomes {
		s.outcomes[o] = m.requests.WithLabelValues(service, o.String())
	}
	return s
}

func (c *call) countCache(resp *http.Response, kept bool) {
	switch {
	case kept:
		c.metrics.cache.WithLabelValues("hit").Inc()
	case !c.cacheable || resp.StatusCode != http.StatusOK:
	case c.stored != nil:
		c.metrics.cache.WithLabelValues("changed").Inc()
	default:
		c.metrics.cache.WithLabelValues("miss").Inc()
	}
}

// Describe implements prometheus.Collector.
func (c *Client) Describe(to chan<- *prometheus.Desc) {
	m := c.transport.metrics
	for _, collector := range m.collectors() {
		collector.Describe(to)
	}
	to <- m.circuitOpen
	to <- m.inFlight
}

// Collect implements prometheus.Collector.
func (c *Client) Collect(to chan<- prometheus.Metric) {
	m := c.transport.metrics
	for _, collector := range m.collectors() {
		collector.Collect(to)
	}
	c.transport.services.Range(func(_, value any) bool {
		s := value.(*service)
		to <- prometheus.MustNewConstMetric(m.inFlight, prometheus.GaugeValue, float64(s.places.inside.Load()), s.name)
		p := s.current.Load()
		if p == nil {
			return true
		}
		open := map[string]float64{} // two targets may differ in the path only
		for _, t := range p.targets {
			open[t.url.Host] = max(open[t.url.Host], number(!t.closed()))
		}
		for host, value := range open {
			to <- prometheus.MustNewConstMetric(m.circuitOpen, prometheus.GaugeValue, value, s.name, host)
		}
		return true
	})
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.retries, m.retriesRefused, m.cache, m.seconds}
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
