package discovery

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	connectedDesc = prometheus.NewDesc("discovery_connected", "1 while etcd is followed.", nil, nil)
	ageDesc       = prometheus.NewDesc("discovery_watch_age_seconds",
		"How long ago etcd was heard of last. It is asked to speak every few seconds.", nil, nil)
	rejectedDesc = prometheus.NewDesc("discovery_rejected",
		"1 for each operator's key whose last edit is not in use. The status key says why.", []string{"key"}, nil)
	rememberedDesc = prometheus.NewDesc("discovery_remembered",
		"Values that are in use from disk, as etcd has not answered since the start.", nil, nil)
)

type metrics struct {
	edits  *prometheus.CounterVec
	probes prometheus.Histogram
}

func newMetrics() *metrics {
	return &metrics{
		edits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "discovery_edits_total", Help: "Edits that were applied or rejected, by what their key steers.",
		}, []string{"kind", "state"}),
		probes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "discovery_probe_seconds", Help: "How long addresses took to answer, or not, before they were taken.",
			Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1},
		}),
	}
}

// Describe implements prometheus.Collector.
func (r *Registry) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{connectedDesc, ageDesc, rejectedDesc, rememberedDesc} {
		descs <- desc
	}
	r.metrics.edits.Describe(descs)
	r.metrics.probes.Describe(descs)
}

// Collect implements prometheus.Collector.
func (r *Registry) Collect(found chan<- prometheus.Metric) {
	r.metrics.edits.Collect(found)
	r.metrics.probes.Collect(found)
	r.view.collect(found)
}

func (v *view) collect(found chan<- prometheus.Metric) {
	v.mu.Lock()
	defer v.mu.Unlock()
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		found <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	age := time.Since(v.heardAt)
	connected, recalled, reported := 0., 0., 0
	if v.follows && age <= silence {
		connected = 1
	}
	for _, key := range slices.Sorted(maps.Keys(v.levers)) {
		l := v.levers[key]
		if l.inUse != nil && l.inUse.recalled && !v.listed {
			recalled++
		}
		if l.operators() && l.state == rejected && reported < maxReported {
			reported++
			gauge(rejectedDesc, 1, key)
		}
	}
	gauge(connectedDesc, connected)
	gauge(ageDesc, age.Seconds())
	gauge(rememberedDesc, recalled)
}
