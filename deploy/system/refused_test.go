package system

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stranger answers in some way, and counts who comes and who brings a token.
type stranger struct {
	url           string
	asked, tokens atomic.Int64
}

func newStranger(t *testing.T, answer http.HandlerFunc) *stranger {
	t.Helper()
	s := new(stranger)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			s.tokens.Add(1)
		}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func TestAValueThatCannotWorkIsRefusedWithAReasonAndNobodyNotices(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	o := newOperator(t)
	good := setting["PIZZA_URL"]
	o.finally("pizza/url")
	o.applied("pizza/url", o.put("pizza/url", good))
	people := everyone(ctx, t, 100)

	other := newStranger(t, func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"service": "events", "version": "1"})
	})
	rubbish := newStranger(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(strings.Repeat("rubbish", 100_000)))
	})
	away := newStranger(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, good+r.URL.Path, http.StatusTemporaryRedirect)
	})
	strangers := []*stranger{other, rubbish, away}
	for _, bad := range []struct{ name, value string }{
		{"garbage", "not a URL"},
		{"nothing", ""},
		{"a password in it", strings.Replace(good, "http://", "http://pizza:hush-hush@", 1)},
		{"a file", "file:///etc/hush-hush"},
		{"a link-local address", "http://169.254.169.254/latest/hush-hush"},
		{"a NUL", good + "/\x00hush-hush"},
		{"100 kB", good + "/" + strings.Repeat("hush-hush", 100<<10/9)},
		{"a port that there cannot be", "http://127.0.0.1:99999"},
		{"a name that nobody has", "http://nowhere.invalid:8002"},
		{"another service", other.url},
		{"rubbish", rubbish.url},
		{"one who sends elsewhere", away.url},
		{"a host that never answers", silence(t)},
		{"a dead host", "http://" + unusedAddress(t)},
	} {
		began := time.Now()
		for process, f := range o.refused("pizza/url", o.put("pizza/url", bad.value)) {
			assert.NotEmpty(t, f.Reason, "%s: %s says why", bad.name, process)
			assert.Equal(t, good, f.Value, "%s: %s keeps the last good one", bad.name, process)
			assert.NotContains(t, f.Reason, "hush-hush", "%s: %s repeats nothing", bad.name, process)
			if strings.HasPrefix(process, "likes/") {
				t.Logf("%s, refused after %s: %s", bad.name, time.Since(began).Round(time.Millisecond), f.Reason)
			}
		}
		assert.Contains(t, metrics(ctx, t, setting["LIKES_URL"]), `discovery_rejected{key="pizza/url"} 1`, bad.name)
		people.more(5)
	}

	o.applied("pizza/url", o.del("pizza/url"))
	assert.NotContains(t, strings.Join(metrics(ctx, t, setting["LIKES_URL"]), "\n"), `discovery_rejected{key="pizza/url"} 1`, "a deleted key is no bad one")
	people.more(5)
	people.over()
	for _, s := range strangers {
		assert.NotZero(t, s.asked.Load(), "each was asked who it is")
		assert.Zero(t, s.tokens.Load(), "and got no token")
	}
}

func TestAHostThatComesToLifeIsTakenWithoutAnotherEdit(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	o := newOperator(t)
	o.finally("pizza/url")
	people := everyone(ctx, t, 50)
	soon := newTap(t, setting["PIZZA_URL"])
	soon.cut(true)
	edit := o.put("pizza/url", soon.url())
	o.refused("pizza/url", edit)
	first := soon.firstCall()

	soon.cut(false)
	t.Logf("applied after %s", o.applied("pizza/url", edit).Round(time.Millisecond))

	await(t, first, "calls go there")
	people.over()
}

// silence is where somebody listens who never answers.
func silence(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var mutex sync.Mutex
	var held []net.Conn
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mutex.Lock()
			held = append(held, conn)
			mutex.Unlock()
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
		for _, conn := range held {
			_ = conn.Close()
		}
	})
	return "http://" + listener.Addr().String()
}
