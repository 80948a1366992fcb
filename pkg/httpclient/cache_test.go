package httpclient_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/httpclient"
)

// shelf serves one thing whose tag changes with its version.
type shelf struct {
	version             atomic.Int64
	full, notModified   atomic.Int64
	cacheControl, vary  string
	size                int
	gzipped, forgetsTag bool
}

func (s *shelf) serve(w http.ResponseWriter, r *http.Request) {
	tag := fmt.Sprintf(`"%d-%s"`, s.version.Load(), r.Header.Get("Accept"))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Version", tag)
	if s.cacheControl != "" {
		w.Header().Set("Cache-Control", s.cacheControl)
	}
	if s.vary != "" {
		w.Header().Set("Vary", s.vary)
	}
	if !s.forgetsTag {
		w.Header().Set("ETag", tag)
	}
	if r.Header.Get("If-None-Match") == tag {
		s.notModified.Add(1)
		w.WriteHeader(http.StatusNotModified)
		return
	}
	s.full.Add(1)
	body := tag + strings.Repeat(" ", s.size)
	if s.gzipped {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, body)
		_ = z.Close()
		return
	}
	_, _ = io.WriteString(w, body)
}

func get(t *testing.T, c *httpclient.Client, target string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(req)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp, string(body)
}

func TestAnAnswerThatIsStillRightCostsNoBody(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*shelf{
		"as it came":                           {},
		"gzipped on the way":                   {gzipped: true, size: 10_000},
		"said to be checked":                   {cacheControl: "no-cache, private"},
		"varying with what is always the same": {vary: "Accept, Accept-Encoding, Authorization"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := client(t, httpclient.Options{Token: "a:b"}, server(t, s.serve))
			_, first := get(t, c, "http://pizza/1?a=b")
			resp, second := get(t, c, "http://pizza/1?a=b")

			assert.Equal(t, first, second)
			assert.Equal(t, 200, resp.StatusCode)
			assert.Equal(t, "application/json", resp.Header.Get("Content-Type"))
			assert.NoError(t, httpclient.Fault("pizza", resp, nil))
			assert.EqualValues(t, 1, s.full.Load())
			assert.EqualValues(t, 1, s.notModified.Load(), "it is asked every time")
			assert.EqualValues(t, 1, metric(t, c, "http_client_cache_total", "result", "hit"))
			assert.EqualValues(t, 1, metric(t, c, "http_client_cache_total", "result", "miss"))

			s.version.Add(1)
			_, third := get(t, c, "http://pizza/1?a=b")
			assert.NotEqual(t, first, third, "a change is seen at once")
			assert.EqualValues(t, 1, metric(t, c, "http_client_cache_total", "result", "changed"))
			_, fourth := get(t, c, "http://pizza/1?a=b")
			assert.Equal(t, third, fourth)
			assert.EqualValues(t, 2, s.notModified.Load())
		})
	}
}

func TestWhatIsNotTakenFromTheCache(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		shelf  *shelf
		second []string // headers of the second request
	}{
		"what must not be kept":                {&shelf{cacheControl: "private, No-Store"}, nil},
		"what has no tag":                      {&shelf{forgetsTag: true}, nil},
		"what varies with everything":          {&shelf{vary: "*"}, nil},
		"what is too large":                    {&shelf{size: 1 << 20}, nil},
		"what is too large once inflated":      {&shelf{size: 1 << 20, gzipped: true}, nil},
		"another representation":               {&shelf{}, []string{"Accept", "application/msgpack"}},
		"a request with its own tag":           {&shelf{}, []string{"If-None-Match", `"other"`}},
		"a request for a part":                 {&shelf{}, []string{"Range", "bytes=0-1"}},
		"a request of somebody else":           {&shelf{}, []string{"Cookie", "pizza-auth=x"}},
		"a request that wants no cache at all": {&shelf{}, []string{"Cache-Control", "no-store"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := client(t, httpclient.Options{}, server(t, tc.shelf.serve))
			get(t, c, "http://pizza/1")
			get(t, c, "http://pizza/1", tc.second...)
			assert.EqualValues(t, 2, tc.shelf.full.Load())
			assert.Zero(t, tc.shelf.notModified.Load())
		})
	}
	t.Run("a 304 that the caller asked for is the caller's", func(t *testing.T) {
		t.Parallel()
		s := &shelf{}
		c, _ := client(t, httpclient.Options{}, server(t, s.serve))
		get(t, c, "http://pizza/1")
		resp, body := get(t, c, "http://pizza/1", "If-None-Match", `"0-"`)
		assert.Equal(t, 304, resp.StatusCode)
		assert.Empty(t, body)
		outcomeIs(t, c, "ok", 2)
	})
	t.Run("what another service has at the same path", func(t *testing.T) {
		t.Parallel()
		pizzas, likes := &shelf{}, &shelf{}
		c, r := client(t, httpclient.Options{}, server(t, pizzas.serve))
		r.put(t, "likes", server(t, likes.serve))
		get(t, c, "http://pizza/1")
		get(t, c, "http://likes/1")
		assert.EqualValues(t, 1, likes.full.Load())
	})
	t.Run("an answer that was not read to its end", func(t *testing.T) {
		t.Parallel()
		s := &shelf{size: 500_000}
		c, _ := client(t, httpclient.Options{}, server(t, s.serve))
		resp, err := c.Get("http://pizza/1")
		require.NoError(t, err)
		_, err = io.CopyN(io.Discard, resp.Body, 1000)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		get(t, c, "http://pizza/1")
		assert.EqualValues(t, 2, s.full.Load())
	})
	t.Run("anything but a GET", func(t *testing.T) {
		t.Parallel()
		s := &shelf{}
		c, _ := client(t, httpclient.Options{}, server(t, s.serve))
		for range 2 {
			for _, method := range []string{"HEAD", "POST", "PUT", "PATCH", "DELETE"} {
				status, _, err := do(t, c, method, "http://pizza/1")
				require.NoError(t, err)
				assert.Equal(t, 200, status)
			}
		}
		assert.EqualValues(t, 10, s.full.Load())
	})
}

func TestABodyWhoseEndNobodyKnowsIsNotKept(t *testing.T) {
	t.Parallel()
	c, _ := client(t, httpclient.Options{}, raw(t, say("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nConnection: close\r\n\r\nhalf of")))
	for range 2 {
		_, body := get(t, c, "http://pizza/1")
		assert.Equal(t, "half of", body)
	}
	assert.EqualValues(t, 2, metric(t, c, "http_client_cache_total", "result", "miss"))
}

func TestA304ThatNobodyAskedForIsRubbish(t *testing.T) {
	t.Parallel()
	c, _ := client(t, httpclient.Options{}, server(t, status(304)))
	resp, err := c.Get("http://pizza/1")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.True(t, fault.Is(httpclient.Fault("pizza", resp, nil), fault.BadGateway))
	outcomeIs(t, c, "rubbish", 1)
}

func TestA304ForSomethingElseIsAskedAgain(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	c, _ := client(t, httpclient.Options{}, server(t, func(w http.ResponseWriter, r *http.Request) {
		n := hits.Add(1)
		w.Header().Set("ETag", fmt.Sprintf(`"%d"`, n))
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(304)
			return
		}
		_, _ = fmt.Fprintf(w, "body %d", n)
	}))
	_, first := get(t, c, "http://pizza/1")
	resp, second := get(t, c, "http://pizza/1")
	assert.Equal(t, "body 1", first)
	assert.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, "body 3", second)
}
