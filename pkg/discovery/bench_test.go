package discovery_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// BenchmarkEditReachesCallers measures, for the same edits, how long after the
// operator began to put one it is seen by a bare watch of the key, and by callers:
// the difference is the probe and what else this package does. The places answer
// on this machine.
//
//	go test -run=NONE -bench=EditReachesCallers -benchtime=500x ./discovery/
func BenchmarkEditReachesCallers(b *testing.B) {
	w := newWorld(b)
	r := w.running()
	require.NoError(b, r.Started(b.Context()))
	places := []string{newPlace(b, "pizza").URL, newPlace(b, "pizza").URL}
	bare := w.operator.Watch(b.Context(), w.prefix+"/pizza/url")
	w.put("pizza/url", places[1])
	<-bare
	w.resolvesTo(r, places[1])

	var watch, callers []time.Duration
	seen := make(chan time.Time, 1)
	for i := range b.N {
		want := places[i%2]
		go func() { // as callers do, which ask all the time
			ticker := time.NewTicker(100 * time.Microsecond)
			defer ticker.Stop()
			for at(r) != want {
				<-ticker.C
			}
			seen <- time.Now()
		}()
		began := time.Now()
		_, err := w.operator.Put(b.Context(), w.prefix+"/pizza/url", want)
		require.NoError(b, err)
		watch = append(watch, arrival(bare).Sub(began))
		callers = append(callers, (<-seen).Sub(began))
	}
	report(b, "watch", watch)
	report(b, "callers", callers)
	b.ReportMetric(0, "ns/op")
}

// arrival is when the next event came.
func arrival(watch clientv3.WatchChan) time.Time {
	<-watch
	return time.Now()
}

func report(b *testing.B, who string, times []time.Duration) {
	b.Helper()
	slices.Sort(times)
	for name, share := range map[string]float64{"p50": 0.5, "p99": 0.99} {
		found := times[int(share*float64(len(times)-1))]
		b.ReportMetric(float64(found.Microseconds())/1000, who+"-"+name+"-ms")
	}
}

func BenchmarkTargets(b *testing.B) {
	r := newWorld(b).registry()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = r.Targets("pizza")
	}
}
