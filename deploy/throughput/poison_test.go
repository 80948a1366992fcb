package throughput

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/broker"
)

const (
	perTick = 5
	ticks   = 200
	tick    = 5 * time.Millisecond
)

// BenchmarkPoison sends a thousand messages a second and takes the time of each from publish to its handler's end: among
// themselves, and with one in ten that fails at every attempt. It reports medians and 99th percentiles in milliseconds.
//
//	go test -run '^$' -bench Poison -benchtime 7x ./throughput
func BenchmarkPoison(b *testing.B) {
	s := newStage(b)
	var clean, poisoned []time.Duration
	for b.Loop() {
		clean = append(clean, s.latencies(0)...)
		poisoned = append(poisoned, s.latencies(10)...)
	}
	for name, took := range map[string][]time.Duration{"clean": clean, "poisoned": poisoned} {
		slices.Sort(took)
		b.ReportMetric(took[len(took)/2].Seconds()*1000, name+"-p50-ms")
		b.ReportMetric(took[len(took)*99/100].Seconds()*1000, name+"-p99-ms")
	}
	b.ReportMetric(0, "ns/op") // it says nothing here
}

// latencies are those of the good messages; one in every is bad, none if 0.
func (s *stage) latencies(every int) (took []time.Duration) {
	var mu sync.Mutex
	sent, bad := map[uuid.UUID]time.Time{}, map[uuid.UUID]bool{}
	consumer := s.consumer(broker.Subscription{Batch: together, Concurrency: 2, Together: func(_ context.Context, deliveries []broker.Delivery) error {
		mu.Lock()
		defer mu.Unlock()
		for _, d := range deliveries {
			if bad[d.ID] {
				return errors.New("it fails at every attempt")
			}
		}
		for _, d := range deliveries {
			if at, ours := sent[d.ID]; ours { // else it is left from the turn before
				took = append(took, time.Since(at))
			}
		}
		return nil
	}})
	s.during(consumer, func() {
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		good, n := 0, 0
		for range ticks {
			<-ticker.C
			batch := facts(perTick)
			mu.Lock()
			for _, m := range batch {
				sent[m.ID] = time.Now()
				if n++; every > 0 && n%every == 0 {
					bad[m.ID] = true
				} else {
					good++
				}
			}
			mu.Unlock()
			for _, err := range s.publisher.Publish(s.Context(), batch) {
				require.NoError(s, err)
			}
		}
		s.until("all good ones handled", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(took) == good
		})
	})
	s.purge("bench.facts", "bench.facts.retry", "bench.facts.retry.10s", "bench.facts.retry.60s", "bench.facts.dead")
	return took
}
