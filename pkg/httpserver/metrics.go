package httpserver

import (
	"fmt"
	"net/http"
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
func metrics(parts []prometheus.Collector) (http.Handler, error) {
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
