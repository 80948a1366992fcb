package httpclient_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tizza/tizza/pkg/httpclient"
)

// BenchmarkCall compares a call with a bare net/http GET of the same answer, one
// of each in turn, so that both see the same machine. It reports medians; the
// allocations are the server's too, which is the same process.
//
//	go test -run '^$' -bench Call -benchtime 5000x ./httpclient
func BenchmarkCall(b *testing.B) {
	body := strings.Repeat("x", 2000)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/tagged" {
			w.Header().Set("ETag", `"1"`)
			if r.Header.Get("If-None-Match") == `"1"` {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		_, _ = io.WriteString(w, body)
	}))
	b.Cleanup(s.Close)
	bare := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	b.Cleanup(bare.CloseIdleConnections)
	one, _ := client(b, httpclient.Options{Token: "a:b"}, s.URL)
	two, _ := client(b, httpclient.Options{Token: "a:b"}, s.URL, s.URL+"/") // the same twice: two targets to choose from
	for _, bench := range []struct {
		name, path string
		client     *httpclient.Client
	}{
		{"one-instance", "/", one},
		{"two-instances", "/", two},
		{"not-modified", "/tagged", one},
	} {
		b.Run(bench.name, func(b *testing.B) {
			barely := func() { fetch(b, bare, s.URL+bench.path) }
			call := func() { fetch(b, bench.client.Client, "http://pizza"+bench.path) }
			bareAllocs, callAllocs := testing.AllocsPerRun(100, barely), testing.AllocsPerRun(100, call)
			var bareTook, callTook []time.Duration
			for b.Loop() {
				began := time.Now()
				barely()
				between := time.Now()
				call()
				bareTook, callTook = append(bareTook, between.Sub(began)), append(callTook, time.Since(between))
			}
			slices.Sort(bareTook)
			slices.Sort(callTook)
			b.ReportMetric(float64(bareTook[len(bareTook)/2]), "bare-ns")
			b.ReportMetric(float64(callTook[len(callTook)/2]), "call-ns")
			b.ReportMetric(bareAllocs, "bare-allocs")
			b.ReportMetric(callAllocs, "call-allocs")
		})
	}
}

func fetch(b *testing.B, c *http.Client, target string) {
	resp, err := c.Get(target)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}
