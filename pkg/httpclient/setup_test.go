package httpclient_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tizza/tizza/pkg/httpclient"
	"github.com/tizza/tizza/pkg/setting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is for what comes soon, on a machine that does much else.
const patience = 20 * time.Second

// resolver knows what it was told last.
type resolver struct{ at sync.Map }

func (r *resolver) Targets(service string) ([]*url.URL, error) {
	if urls, known := r.at.Load(service); known {
		return urls.([]*url.URL), nil
	}
	return nil, errors.New("unknown service")
}

func (r *resolver) put(t testing.TB, service string, addresses ...string) {
	t.Helper()
	urls := make([]*url.URL, 0, len(addresses))
	for _, address := range addresses {
		u, err := url.Parse(address)
		require.NoError(t, err)
		urls = append(urls, u)
	}
	r.at.Store(service, urls)
}

// client calls pizza at the addresses.
func client(t testing.TB, o httpclient.Options, addresses ...string) (*httpclient.Client, *resolver) {
	t.Helper()
	r := &resolver{}
	if len(addresses) > 0 {
		r.put(t, "pizza", addresses...)
	}
	o.Resolver = r
	c := httpclient.New(o)
	t.Cleanup(c.CloseIdleConnections)
	return c, r
}

func server(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// raw is a server that need not speak HTTP.
func raw(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var conns sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			conns.Go(func() {
				defer stop()
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		cancel()
		conns.Wait()
	})
	return "http://" + l.Addr().String()
}

// closed is the URL of a server that is gone.
func closed(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return "http://" + l.Addr().String()
}

// hang answers when its caller has gone.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the server looks after the connection only then
	<-r.Context().Done()
}

func fine(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") }

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func do(t testing.TB, c *httpclient.Client, method, target string) (int, string, error) {
	t.Helper()
	return doIn(t.Context(), t, c, method, target, nil)
}

func doIn(ctx context.Context, t testing.TB, c *httpclient.Client, method, target string, body io.Reader) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	require.NoError(t, err)
	return send(c, req)
}

func send(c *httpclient.Client, req *http.Request) (int, string, error) {
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(got), err
}

// metric sums the series of a metric that have the label values.
func metric(t testing.TB, c *httpclient.Client, name string, labels ...string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(c))
	families, err := registry.Gather()
	require.NoError(t, err)
	sum := 0.0
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
	series:
		for _, m := range family.GetMetric() {
			for i := 0; i < len(labels); i += 2 {
				found := false
				for _, pair := range m.GetLabel() {
					found = found || pair.GetName() == labels[i] && pair.GetValue() == labels[i+1]
				}
				if !found {
					continue series
				}
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	require.Eventually(t, holds, patience, 5*time.Millisecond, what)
}

func timeout(d time.Duration) httpclient.Config {
	return httpclient.Config{Timeout: setting.NewLive(d)}
}

// outcomeIs waits, as a call that its deadline ended is counted beside its caller.
func outcomeIs(t testing.TB, c *httpclient.Client, outcome string, times int) {
	t.Helper()
	eventually(t, outcome, func() bool {
		return metric(t, c, "http_client_requests_total", "service", "pizza", "outcome", outcome) == float64(times)
	})
}
