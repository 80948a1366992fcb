package broker

import "github.com/prometheus/client_golang/prometheus"

func newMoves() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "broker_moves_total",
		Help: "Values that named a broker: applied, failed (kept the old one), refused; and forced, when messages went there before everybody was there.",
	}, []string{"result"})
}

var (
	siteDesc  = prometheus.NewDesc("broker_site", "What a broker is to this process: coming, active or draining; and publishing, where messages go.", []string{"broker", "state"}, nil)
	lyingDesc = prometheus.NewDesc("broker_draining_messages", "Messages of this service at a broker that is being left.", []string{"broker"}, nil)
)

// Describe implements prometheus.Collector.
func (r *Route) Describe(to chan<- *prometheus.Desc) {
	r.moves.Describe(to)
	to <- siteDesc
	to <- lyingDesc
}

// Collect implements prometheus.Collector.
func (r *Route) Collect(to chan<- prometheus.Metric) {
	r.moves.Collect(to)
	states, lying := r.standings()
	for s := range states {
		to <- prometheus.MustNewConstMetric(siteDesc, prometheus.GaugeValue, 1, s[0], s[1])
	}
	for name, messages := range lying {
		to <- prometheus.MustNewConstMetric(lyingDesc, prometheus.GaugeValue, float64(messages), name)
	}
}

// standings are by name, which two addresses may share.
func (r *Route) standings() (states map[[2]string]bool, lying map[string]int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	states, lying = map[[2]string]bool{}, map[string]int64{}
	for _, s := range r.sites {
		states[[2]string{s.name, string(s.standing)}] = true
		if s.standing == draining {
			lying[s.name] += s.lying.Load()
		}
	}
	if r.publishing != nil {
		states[[2]string{r.publishing.name, "publishing"}] = true
	}
	return states, lying
}
