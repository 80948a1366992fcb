package discovery_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/tizza/tizza/pkg/discovery"
	"github.com/tizza/tizza/pkg/servertest"
)

// world is one prefix in etcd, an operator's client, and what was logged.
type world struct {
	testing.TB
	config   discovery.Config
	prefix   string
	operator *clientv3.Client
	mu       sync.Mutex
	log      strings.Builder
}

const fallback = "http://fallback"

func newWorld(t testing.TB) *world {
	t.Helper()
	endpoints, prefix := servertest.Etcd(t)
	return worldOn(t, endpoints, prefix, servertest.EtcdClient(t, endpoints))
}

func worldOn(t testing.TB, endpoints []string, prefix string, operator *clientv3.Client) *world {
	return &world{TB: t, config: discovery.Config{Endpoints: endpoints}, prefix: prefix, operator: operator}
}

// ownServer is a world on an etcd that the test may stop and wipe.
func ownServer(t testing.TB, flags ...string) (*world, *servertest.EtcdServer) {
	t.Helper()
	server := servertest.NewEtcdServer(t, flags...)
	return worldOn(t, server.Endpoints(), "test", servertest.EtcdClient(t, server.Endpoints())), server
}

// behind is the same world seen through a network that can be cut.
func (w *world) behind(server *servertest.EtcdServer) (*world, *proxy) {
	w.Helper()
	p := newProxy(w.TB, server.Endpoints()[0])
	return worldOn(w.TB, []string{p.address()}, w.prefix, w.operator), p
}

func (w *world) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(line)
}

func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

func (w *world) logs(what string) func() bool {
	return func() bool { return strings.Contains(w.logged(), what) }
}

// registry is connected but not run. It is a process of the likes service.
func (w *world) registry() *discovery.Registry {
	w.Helper()
	r, err := discovery.Connect(w.config, "likes", w.prefix, slog.New(slog.NewTextHandler(w, nil)))
	require.NoError(w, err)
	r.Fallback(map[string]string{"pizza": fallback})
	w.Cleanup(func() { _ = r.Close() })
	return r
}

func (w *world) running() *discovery.Registry {
	w.Helper()
	r := w.registry()
	w.run(r.Run)
	return r
}

// run runs components until the function is called or the test ends. They stop in
// reverse.
func (w *world) run(components ...func(context.Context) error) (stop func()) {
	w.Helper()
	var stops []func()
	for _, component := range components {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- component(ctx) }()
		stops = append(stops, func() {
			cancel()
			assert.NoError(w, <-done)
		})
	}
	slices.Reverse(stops)
	stop = sync.OnceFunc(func() {
		for _, stop := range stops {
			stop()
		}
	})
	w.Cleanup(stop)
	return stop
}

// put returns the edit's revision.
func (w *world) put(key, value string) int64 {
	w.Helper()
	answer, err := w.operator.Put(w.Context(), w.prefix+"/"+key, value)
	require.NoError(w, err)
	return answer.Header.Revision
}

func (w *world) instance(service, id, address string) int64 {
	w.Helper()
	return w.put(service+"/instances/"+id, fmt.Sprintf(`{"Op":0,"Addr":%q,"Metadata":null}`, address))
}

func (w *world) delete(key string) int64 {
	w.Helper()
	answer, err := w.operator.Delete(w.Context(), w.prefix+"/"+key)
	require.NoError(w, err)
	return answer.Header.Revision
}

func (w *world) deleteAll() {
	w.Helper()
	_, err := w.operator.Delete(w.Context(), w.prefix+"/", clientv3.WithPrefix())
	require.NoError(w, err)
}

// edits makes that many revisions.
func (w *world) edits(count int) {
	w.Helper()
	for range count {
		w.put("unrelated", "x")
	}
}

// compact throws all history away.
func (w *world) compact() {
	w.Helper()
	now, err := w.operator.Get(w.Context(), "x")
	require.NoError(w, err)
	_, err = w.operator.Compact(w.Context(), now.Header.Revision)
	require.NoError(w, err)
}

// keys are those below, with the world's prefix left out.
func (w *world) keys(below string) []string {
	w.Helper()
	found, err := w.operator.Get(w.Context(), w.prefix+"/"+below, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return nil
	}
	var keys []string
	for _, kv := range found.Kvs {
		keys = append(keys, strings.TrimPrefix(string(kv.Key), w.prefix+"/"))
	}
	return keys
}

func (w *world) eventually(what string, ok func() bool) {
	w.Helper()
	servertest.Eventually(w, 40*time.Second, what, ok)
}

func (w *world) resolvesTo(r *discovery.Registry, address string) {
	w.Helper()
	w.eventually("pizza is at "+address, func() bool { return at(r) == address })
}

// at is where pizza is, all targets in order.
func at(r *discovery.Registry) string {
	found, err := r.Targets("pizza")
	if err != nil {
		return err.Error()
	}
	var addresses []string
	for _, u := range found {
		addresses = append(addresses, u.String())
	}
	return strings.Join(addresses, " ")
}

// entry is what a status key says of one key.
type entry struct {
	Revision int64  `json:"revision"`
	Value    string `json:"value"`
	State    string `json:"state"`
	Reason   string `json:"reason"`
	InUse    int64  `json:"in_use"`
	Pending  int64  `json:"pending"`
}

// status is what the only process says of a key; false: nothing.
func (w *world) status(key string) (entry, bool) {
	found, err := w.operator.Get(w.Context(), w.prefix+"/status/likes/", clientv3.WithPrefix())
	if err != nil || len(found.Kvs) != 1 {
		return entry{}, false
	}
	var status struct {
		Keys map[string]entry `json:"keys"`
	}
	assert.NoError(w, json.Unmarshal(found.Kvs[0].Value, &status))
	e, ok := status.Keys[key]
	return e, ok
}

func (w *world) says(key string, want entry) {
	w.Helper()
	var e entry
	w.Cleanup(func() {
		if w.Failed() {
			w.Logf("the last status of %s: %+v", key, e)
		}
	})
	w.eventually(fmt.Sprintf("the status of %s is %+v", key, want), func() bool {
		e, _ = w.status(key)
		return e == want
	})
}

// metric is the value of a metric with that label value, or without labels.
func metric(t testing.TB, c prometheus.Collector, name, label string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(c))
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			var labels []string
			for _, pair := range m.GetLabel() {
				labels = append(labels, pair.GetValue())
			}
			if strings.Join(labels, " ") == label {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return -1
}

// place is a host that may answer as a service, and counts who comes.
type place struct {
	*httptest.Server
	probes, secrets atomic.Int64
	answer          atomic.Pointer[http.HandlerFunc]
}

// at is a place that answers as the service.
func newPlace(t testing.TB, service string) *place {
	t.Helper()
	p := &place{}
	p.says(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/livez" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, `{"service":%q,"version":"1"}`, service)
	})
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.probes.Add(1)
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			p.secrets.Add(1)
		}
		(*p.answer.Load())(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *place) says(answer http.HandlerFunc) { p.answer.Store(&answer) }
