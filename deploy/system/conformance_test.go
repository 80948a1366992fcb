package system

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/deploy/internal/conformance"
)

// TestConformance is one suite over all services: every operation that their documents have, in every media type and
// coding that they speak, with every status that they document. Package conformance looks at each answer; what is here
// says which requests, and what several answers have to do with each other.
func TestConformance(t *testing.T) {
	w := inhabited(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *world)
	}{
		{"every operation in every format and coding", everyOperation},
		{"every refusal in every format and coding", everyRefusal},
		{"every method of every path", everyMethod},
		{"HEAD is GET without the body", headIsGet},
		{"a trailing slash changes nothing", trailingSlash},
		{"tags tell representations apart, and 304 saves reading one again", tags},
		{"lists hold what reading one gives", listsHoldThings},
		{"lists have tags", listTags},
		{"conditions", preconditions},
		{"PUT", put},
		{"a merge patch with null", nulls},
		{"when what a service needs is broken", broken},
		{"what is documented happens", whatIsDocumentedHappens},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, w.in(t)) })
	}
}

// formats calls run for each way to write the request and to read the answer.
func formats(r request, run func(name string, r request)) {
	sends := r.Takes()
	if len(sends) == 0 {
		sends = []conformance.Format{conformance.JSON}
	}
	for _, send := range sends {
		for _, zip := range []bool{false, true} {
			if zip && !hasBody(r) {
				continue
			}
			for _, accept := range conformance.Formats {
				for _, unzip := range []bool{false, true} {
					name := fmt.Sprintf("%s to %s", short(send, zip), short(accept, unzip))
					if !hasBody(r) {
						name = short(accept, unzip)
					}
					r.Send, r.Zip, r.Accept, r.Unzip = send, zip, accept, unzip
					run(name, r)
				}
			}
		}
	}
}

func short(f conformance.Format, zip bool) string {
	name := strings.TrimPrefix(string(f), "application/")
	if zip {
		name += " in gzip"
	}
	return name
}

func everyOperation(t *testing.T, w *world) {
	for _, e := range examples {
		t.Run(fmt.Sprintf("%s, %s: %d", e.operation, e.why, e.status), func(t *testing.T) {
			w := w.in(t)
			var first any
			formats(e.request(w), func(name string, as request) {
				r := e.request(w)
				r.Send, r.Zip, r.Accept, r.Unzip = as.Send, as.Zip, as.Accept, as.Unzip
				a := w.want(e.status, r)
				if e.status == http.StatusOK && r.Operation.Method == http.MethodGet {
					if first == nil {
						first = a.Tree
					}
					assert.Equal(t, first, a.Tree, "%s says the same", name)
				}
				if e.status < 300 && changes(r) && a.Tree != nil {
					saysTheSame(w, r, a)
				}
			})
		})
	}
}

// saysTheSame reads what a write says that there is now, in all formats.
func saysTheSame(w *world, r request, a conformance.Answer) {
	w.t.Helper()
	location := a.Header.Get("Content-Location")
	if a.Status != http.StatusOK {
		assert.Equal(w.t, location, a.Header.Get("Location"), "%s", r)
	}
	read, err := r.Service.At(location)
	require.NoError(w.t, err, "%s", r)
	read.As = w.operator
	if a.Header.Get("Set-Cookie") != "" {
		read.As = session(a)
	}
	if a.Status == http.StatusAccepted { // it goes on
		w.want(http.StatusOK, read)
		return
	}
	for _, f := range conformance.Formats {
		now := w.want(http.StatusOK, read.Reading(f, r.Unzip))
		assert.Equal(w.t, a.Tree, now.Tree, "%s reads what %s wrote", f, r)
		if f == r.Accept {
			assert.Equal(w.t, a.Tag(), now.Tag(), "the tag of what %s answers", r)
		}
	}
}

func everyRefusal(t *testing.T, w *world) {
	for _, good := range successes(w) {
		for _, kind := range refusals {
			for _, refused := range kind.each {
				if !refused.applies(good) {
					continue
				}
				t.Run(fmt.Sprintf("%s, %s: %d", good.OperationID, refused.why, refused.status), func(t *testing.T) {
					w := w.in(t)
					formats(good, func(_ string, r request) {
						if !r.Zip && (kind.ofBodies || r.Send == conformance.JSON) { // bodies that are none have their own coding
							w.want(refused.status, refused.spoil(w, r))
						}
					})
				})
			}
		}
	}
}

// successes are the first example of each operation.
func successes(w *world) []request {
	var all []request
	seen := map[string]bool{}
	for _, e := range examples {
		if !seen[e.operation] {
			seen[e.operation] = true
			all = append(all, e.request(w))
		}
	}
	return all
}

func everyMethod(t *testing.T, w *world) {
	all := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"}
	seen := map[string]bool{}
	for _, good := range successes(w) {
		takes := good.Service.Paths()[good.Path]
		if seen[good.Service.Name+good.Path] {
			continue
		}
		seen[good.Service.Name+good.Path] = true
		for _, method := range all {
			want := http.StatusMethodNotAllowed
			switch {
			case method == http.MethodOptions:
				want = http.StatusNoContent
			case slices.Contains(takes, method):
				continue
			}
			t.Run(method+" "+good.Path, func(t *testing.T) {
				w := w.in(t)
				r := good
				r.Method, r.Body, r.Query = method, nil, ""
				for _, who := range []conformance.Caller{nil, w.operator, w.ann.as} {
					for _, f := range conformance.Formats {
						w.want(want, r.By(who).Reading(f, f == conformance.Protobuf))
					}
				}
			})
		}
	}
	paths := 0
	for _, s := range w.services {
		paths += len(s.Paths())
	}
	assert.Len(t, seen, paths, "every path of the documents")
}

func trailingSlash(t *testing.T, w *world) {
	for _, e := range examples {
		t.Run(e.operation+", "+e.why, func(t *testing.T) {
			w := w.in(t)
			r := e.request(w)
			r.Slash = true
			a := w.want(e.status, r)
			if r.Operation.Method == http.MethodGet && a.Status == http.StatusOK {
				r.Slash = false
				assert.Equal(t, w.do(r).Tag(), a.Tag())
			}
			assert.False(t, strings.HasSuffix(a.Header.Get("Location"), "/"))
			assert.False(t, strings.HasSuffix(a.Header.Get("Content-Location"), "/"), "the same thing has one address")
		})
	}
}

// reads are the examples that read something.
func reads(w *world) map[string]request {
	all := map[string]request{}
	for _, e := range examples {
		if r := e.request; e.status == http.StatusOK && w.request(e.operation).Operation.Method == http.MethodGet {
			all[e.operation+", "+e.why] = r(w)
		}
	}
	return all
}

func headIsGet(t *testing.T, w *world) {
	for name, r := range reads(w) {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			formats(r, func(name string, r request) {
				get := w.want(http.StatusOK, r)
				r.Method = http.MethodHead
				head := w.want(http.StatusOK, r)
				for _, own := range []string{"Date", "X-Request-Id"} {
					get.Header.Del(own)
					head.Header.Del(own)
				}
				assert.Equal(t, get.Header, head.Header, "%s", name)
			})
			r.Method = http.MethodHead
			missing := r.With("Authorization", "Bearer x")
			a := w.want(http.StatusUnauthorized, missing)
			assert.Empty(t, a.Raw, "not for a problem either")
		})
	}
}
