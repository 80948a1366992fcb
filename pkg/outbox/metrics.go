package outbox

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"
)

const scrapeTime = 2 * time.Second // what a scrape may cost the database

var (
	rowsDesc = prometheus.NewDesc("outbox_rows", "Rows in the outbox, by state.", []string{"state"}, nil)
	ageDesc  = prometheus.NewDesc("outbox_oldest_age_seconds",
		"Age of the oldest row that is waiting or claimed, 0 if there is none. Parked rows do not count.", nil, nil)
)

func newSent() prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{
		Name: "outbox_sent_total", Help: "Messages that the broker has confirmed and a queue has taken.",
	})
}

func newFailures() prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{
		Name: "outbox_failed_total", Help: "Attempts that failed through the message's own fault, not the broker's.",
	})
}

// Describe implements prometheus.Collector.
func (r *Relay) Describe(descs chan<- *prometheus.Desc) {
	descs <- rowsDesc
	descs <- ageDesc
	r.sent.Describe(descs)
	r.failures.Describe(descs)
}

// Collect implements prometheus.Collector. What the table holds is asked of the database, and absent when it does not
// answer in time: 0 would say that all has been sent. Every relay of a table gives the same numbers.
func (r *Relay) Collect(metrics chan<- prometheus.Metric) {
	r.sent.Collect(metrics)
	r.failures.Collect(metrics)
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	if age, err := oldestAge(ctx, r.database.DB()); err == nil { // first, as the backlog may be too long to be counted in time
		metrics <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, age)
	}
	counts, err := count(ctx, r.database.DB())
	if err != nil {
		return
	}
	for _, state := range []State{Waiting, Claimed, Parked} {
		metrics <- prometheus.MustNewConstMetric(rowsDesc, prometheus.GaugeValue, counts[state], string(state))
	}
}

// oldestAge is in seconds. It looks at one row: ids grow with time.
func oldestAge(ctx context.Context, db *gorm.DB) (age float64, err error) {
	err = db.WithContext(ctx).Raw(`
		SELECT coalesce((SELECT greatest(extract(epoch FROM now() - created_at), 0)
			FROM outbox WHERE state <> 'parked' ORDER BY id LIMIT 1), 0)`).Scan(&age).Error
	return age, err
}

func count(ctx context.Context, db *gorm.DB) (map[State]float64, error) {
	var rows []struct {
		State State
		Rows  float64
	}
	err := db.WithContext(ctx).Raw("SELECT state, count(*) AS rows FROM outbox GROUP BY state").Scan(&rows).Error
	counts := make(map[State]float64, len(rows))
	for _, row := range rows {
		counts[row.State] = row.Rows
	}
	return counts, err
}
