package outbox_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/outbox"
	"github.com/tizza/tizza/pkg/postgres"
	"github.com/tizza/tizza/pkg/setting"
)

// metrics are all that the relay shows, by name and labels.
func metrics(t *testing.T, relay *outbox.Relay) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(relay))
	families, err := registry.Gather()
	require.NoError(t, err)
	values := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := family.GetName()
			for _, label := range m.GetLabel() {
				name += "{" + label.GetValue() + "}"
			}
			values[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return values
}

func metric(t *testing.T, relay *outbox.Relay, name string) float64 {
	t.Helper()
	values := metrics(t, relay)
	require.Contains(t, values, name)
	return values[name]
}

func TestMetricsShowStatesAndTheOldestAge(t *testing.T) {
	database := open(t)
	relay := newRelay(database, &fake{})
	assert.Equal(t, map[string]float64{
		"outbox_rows{waiting}": 0, "outbox_rows{claimed}": 0, "outbox_rows{parked}": 0,
		"outbox_oldest_age_seconds": 0, "outbox_sent_total": 0, "outbox_failed_total": 0,
	}, metrics(t, relay))

	add(t, database, notes(6)...)
	execute(t, database, `UPDATE outbox SET state = (ARRAY['parked', 'claimed', 'claimed', 'waiting', 'waiting', 'waiting'])[id],
		created_at = now() - (7 - id) * interval '1 minute'`)
	values := metrics(t, relay)
	assert.InDelta(t, 3, values["outbox_rows{waiting}"], 0)
	assert.InDelta(t, 2, values["outbox_rows{claimed}"], 0)
	assert.InDelta(t, 1, values["outbox_rows{parked}"], 0)
	assert.InDelta(t, 5*60, values["outbox_oldest_age_seconds"], 30, "parked rows do not count")
}

func TestMetricsThatNobodyKnowsAreAbsent(t *testing.T) {
	t.Parallel()
	database, err := postgres.Open(postgres.Config{URL: setting.Secret("postgres://nobody@127.0.0.1:1/nothing")}, outbox.Schema())
	require.NoError(t, err)
	defer database.Close()
	assert.Equal(t, map[string]float64{"outbox_sent_total": 0, "outbox_failed_total": 0}, metrics(t, newRelay(database, &fake{})))
}

func TestAScrapeDoesNotWaitForADatabaseThatHangs(t *testing.T) {
	database := open(t)
	blocker := database.DB().Begin()
	defer blocker.Rollback()
	require.NoError(t, blocker.Exec("LOCK TABLE outbox").Error)

	began := time.Now()
	assert.NotContains(t, metrics(t, newRelay(database, &fake{})), "outbox_oldest_age_seconds")
	assert.Less(t, time.Since(began), 20*time.Second)
}
