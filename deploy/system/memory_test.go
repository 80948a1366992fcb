package system

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/tizza/tizza/deploy/internal/conformance"
)

// growth is how much more memory than before a service may have at its highest, in bytes, while eight bodies of up to 1 MiB
// are read at once: each is there as it came, inflated, and as the 10,000 values that a document may have, some 6 MiB in
// all, and Go's collector lets garbage grow to the size of what lives. auth hashes four passwords at once, too, each in
// 19 MiB. One bomb that went off would take 1,024 MiB.
var growth = map[string]int64{"auth": (96 + 2*4*19) << 20, "pizza": 96 << 20, "likes": 96 << 20, "events": 96 << 20}

func TestMemoryIsBounded(t *testing.T) {
	w := inhabited(t)
	known := w.known()
	for _, service := range services {
		t.Run(service, func(t *testing.T) {
			w := w.in(t)
			var writes []*conformance.Operation
			for _, o := range w.services[service].Operations() {
				if o.RequestBody != nil {
					writes = append(writes, o)
				}
			}
			flood := func(n int, make func(i int, o *conformance.Operation) request) {
				var group errgroup.Group
				group.SetLimit(8)
				for i := range n {
					r := make(i, writes[i%len(writes)]).By(w.operator)
					group.Go(func() error {
						a, wrong, err := r.Do(t.Context())
						if err == nil && a.Status >= http.StatusInternalServerError && a.Status != http.StatusServiceUnavailable { // too many passwords at once
							t.Errorf("%s\n  answers %d", r, a.Status)
						}
						assert.Empty(t, wrong)
						return err
					})
				}
				require.NoError(t, group.Wait())
			}
			odd := func(i int, o *conformance.Operation) request { return o.Broken(known).Example(i) }
			good := map[*conformance.Operation]request{}
			for _, o := range writes {
				good[o] = o.Valid(known).Example(1)
			}
			body := func(send conformance.Format, raw string, coding ...string) func(int, *conformance.Operation) request {
				return func(_ int, o *conformance.Operation) request {
					r := good[o]
					r.Body, r.Raw, r.Zip, r.Send = nil, []byte(raw), false, send
					return r.With("Content-Encoding", coding...)
				}
			}
			flood(100, odd) // caches, pools and connections are there now
			before := resident(t, service)
			for _, attack := range []struct {
				name string
				n    int
				make func(int, *conformance.Operation) request
			}{
				{"generated requests", 1000, odd},
				{"gzip bombs of 1 GiB", 200, body(conformance.JSON, string(bomb()), "gzip")},
				{"five bytes that claim four billion entries", 200, body(conformance.MessagePack, "\xdd\xff\xff\xff\xff")},
				{"nine bytes that claim a string of 4 GiB", 200, body(conformance.MessagePack, "\x81\xa1a\xdb\xff\xff\xff\xff")},
				{"lists of half a million numbers", 50, body(conformance.JSON, "["+strings.Repeat("1,", 500_000)+"1]")},
				{"lists of a million nils", 50, body(conformance.MessagePack, "\xdd\x00\x0f\x42\x40"+strings.Repeat("\xc0", 1_000_000))},
				{"objects in each other", 50, body(conformance.JSON, strings.Repeat(`{"a":`, 200_000))},
			} {
				flood(attack.n, attack.make)
				now := resident(t, service)
				t.Logf("after %d %s: %d MiB, %+d MiB", attack.n, attack.name, now>>20, (now-before)>>20)
				assert.Less(t, now-before, growth[service], "%s after %s", service, attack.name)
			}
		})
	}
}

// resident is the memory that a service has at its highest since the last call, in bytes.
func resident(t *testing.T, service string) int64 {
	t.Helper()
	folder := fmt.Sprintf("/proc/%d/", pids(t.Context())[service])
	status, err := os.ReadFile(folder + "status")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(status), "VmHWM:")
	require.True(t, found)
	var kibibytes int64
	_, err = fmt.Sscan(text, &kibibytes)
	require.NoError(t, err)
	_ = os.WriteFile(folder+"clear_refs", []byte("5"), 0) // begins again, where that is allowed
	return kibibytes << 10
}
