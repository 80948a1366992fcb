package httpserver

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Bounds on /metrics: some figures are asked of a database when they are asked for.
const (
	metricsAtOnce  = 4
	metricsTimeout = 10 * time.Second
)

// metrics serves what the process and its parts count, for Prometheus. What a part cannot tell is left out, and the rest
// is there all the same.
func metrics(parts ...prometheus.Collector) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	process := []prometheus.Collector{collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})}
	for _, part := range append(process, parts...) {
		if err := registry.Register(part); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: metricsAtOnce, Timeout: metricsTimeout,
	}), nil
}

// traffic counts the requests by the templates of their routes: a path holds ids, and anyone can make up more of them.
type traffic struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newTraffic() *traffic {
	return &traffic{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "Requests answered; 499 are those whose callers had left.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_seconds", Help: "How long requests took.",
			Buckets: slices.Concat(prometheus.DefBuckets, []float64{requestTimeout.Seconds()}),
		}, []string{"route"}),
	}
}

func (t *traffic) observe(route, method string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	t.requests.WithLabelValues(route, knownMethod(method), strconv.Itoa(status)).Inc()
	t.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// knownMethod is the method, or "other" for one that somebody made up.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// Describe implements prometheus.Collector.
func (t *traffic) Describe(to chan<- *prometheus.Desc) {
	t.requests.Describe(to)
	t.seconds.Describe(to)
}

// Collect implements prometheus.Collector.
func (t *traffic) Collect(to chan<- prometheus.Metric) {
	t.requests.Collect(to)
	t.seconds.Collect(to)
}
