package discovery_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/discovery"
)

// bad values of pizza/url, and why each is refused.
func badValues(t *testing.T) map[string]struct{ value, reason string } {
	other, aside, wordy, failing := newPlace(t, "likes"), newPlace(t, "pizza"), newPlace(t, "pizza"), newPlace(t, "pizza")
	aside.says(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/elsewhere", http.StatusFound)
	})
	wordy.says(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"service":"pizza"}`+strings.Repeat(" ", 5000))
	})
	failing.says(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	garbage := newPlace(t, "pizza")
	garbage.says(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>hello</html>") })
	hanging := newPlace(t, "pizza")
	hanging.says(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	return map[string]struct{ value, reason string }{
		"empty":                     {"", "it is empty"},
		"garbage":                   {"nonsense", "it is not an absolute http or https URL"},
		"a path":                    {"/path", "it is not an absolute http or https URL"},
		"a file":                    {"file:///etc/passwd", "it is not an absolute http or https URL"},
		"no URL":                    {"http://%zz", "it is not a URL"},
		"credentials":               {"http://user:hunter2@127.0.0.1", "it has credentials in it"},
		"a query":                   {"http://127.0.0.1?hunter2", "it has a query or a fragment"},
		"link-local":                {"http://169.254.169.254", "the host is link-local, multicast or unspecified"},
		"link-local, mapped":        {"http://[::ffff:169.254.169.254]", "the host is link-local, multicast or unspecified"},
		"link-local, IPv6":          {"http://[fe80::1]", "the host is link-local, multicast or unspecified"},
		"link-local, as a number":   {"http://2852039166", "the host is an address in an unusual form"},
		"link-local, behind a name": {"http://metadata.test", "the host is link-local, multicast or unspecified"},
		"unspecified":               {"http://0.0.0.0:8002", "the host is link-local, multicast or unspecified"},
		"not allowed":               {"http://evil.example", "the host is not among DISCOVERY_ALLOWED_HOSTS"},
		"a name that is not known":  {"http://nowhere.test", "its name is not known"},
		"too long":                  {"http://127.0.0.1/" + strings.Repeat("x", 100_000), "it is longer than 2 KiB"},
		"NUL":                       {"http://127.0.0.1\x00", "it has control characters in it"},
		"a newline":                 {"http://127.0.0.1\n", "it has control characters in it"},
		"not UTF-8":                 {"http://127.0.0.1/\xff", "it is not UTF-8"},
		"a dead host":               {closedPort(t), "it cannot be reached"},
		"a host that hangs":         {hanging.URL, "it did not answer in time"},
		"another service":           {other.URL, "it answers as another service"},
		"a redirect":                {aside.URL, "it redirects"},
		"an endless answer":         {wordy.URL, "its /livez answers something else"},
		"another answer":            {garbage.URL, "its /livez answers something else"},
		"a failing host":            {failing.URL, "its /livez does not answer 200"},
	}
}

func closedPort(t testing.TB) string {
	p := newPlace(t, "")
	p.Close()
	return p.URL
}

func TestAValueThatIsNotUsableLeavesTheLastGoodOne(t *testing.T) {
	t.Parallel()
	for name, bad := range badValues(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.config.AllowedHosts = []string{"127.0.0.0/8", ".test", "169.254.0.0/16", "0.0.0.0", "fe80::/10"}
			good := newPlace(t, "pizza")
			first := w.put("pizza/url", good.URL)
			r := w.running()
			w.resolvesTo(r, good.URL)

			revision := w.put("pizza/url", bad.value)
			w.says("pizza/url", entry{Revision: revision, Value: good.URL, State: "rejected", Reason: bad.reason, InUse: first})
			assert.Equal(t, good.URL, at(r))
			assert.InDelta(t, 1, metric(t, r, "discovery_rejected", "pizza/url"), 0)
			assert.InDelta(t, 1, metric(t, r, "discovery_edits_total", "url rejected"), 0)
			assert.NotContains(t, w.logged(), "hunter2")
			assert.Zero(t, good.secrets.Load())

			revision = w.put("pizza/url", good.URL)
			w.says("pizza/url", entry{Revision: revision, Value: good.URL, State: "applied"})
			assert.InDelta(t, -1, metric(t, r, "discovery_rejected", "pizza/url"), 0)
			w.put("pizza/url", bad.value)
			w.delete("pizza/url")
			w.resolvesTo(r, fallback)
			assert.Equal(t, int64(1), good.probes.Load(), "the same value is not probed again")
		})
	}
}

func TestAProbeCarriesNoSecretAndFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.running()
	aside, target := newPlace(t, "pizza"), newPlace(t, "pizza")
	aside.says(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		http.Redirect(w, r, target.URL+"/livez", http.StatusTemporaryRedirect)
	})
	w.put("pizza/url", aside.URL)
	w.eventually("it was probed again", func() bool { return aside.probes.Load() > 2 })
	assert.Zero(t, aside.secrets.Load())
	assert.Zero(t, target.probes.Load())
	assert.Equal(t, fallback, at(r))
}

func TestAHostThatComesAliveIsTakenWithoutAnotherEdit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.running()
	p := newPlace(t, "pizza")
	alive := *p.answer.Load()
	p.says(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	revision := w.put("pizza/url", p.URL)
	w.says("pizza/url", entry{Revision: revision, State: "rejected", Reason: "its /livez does not answer 200"})
	p.says(alive)
	w.resolvesTo(r, p.URL)
	w.says("pizza/url", entry{Revision: revision, Value: p.URL, State: "applied"})
	assert.Equal(t, 1, strings.Count(w.logged(), "refused"), "one line for all tries")
}

func TestASlowVerdictHoldsUpNoOtherKeyAndEndsWithTheNextEdit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.running()
	asked, ended := make(chan struct{}, 100), make(chan struct{}, 100)
	hanging := newPlace(t, "pizza")
	hanging.says(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
		ended <- struct{}{}
	})
	w.put("pizza/url", hanging.URL)
	<-asked
	events, pizza := newPlace(t, "events").URL, newPlace(t, "pizza").URL
	w.put("events/url", events)
	w.eventually("another key is taken", func() bool { _, err := r.Targets("events"); return err == nil })
	w.put("pizza/url", pizza)
	w.resolvesTo(r, pizza)
	<-ended
	assert.NotContains(t, w.logged(), "refused", "who was overtaken was not judged")
}

func TestTheLastEditWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.running()
	var places [2]*place
	for i := range places {
		places[i] = newPlace(t, "pizza")
		alive := *places[i].answer.Load()
		places[i].says(func(w http.ResponseWriter, r *http.Request) {
			select { // answers overtake each other
			case <-time.After(rand.N(4 * time.Millisecond)):
			case <-r.Context().Done():
			}
			alive(w, r)
		})
	}
	var revision int64
	for i := range 200 {
		revision = w.put("pizza/url", places[i%2].URL)
	}
	w.says("pizza/url", entry{Revision: revision, Value: places[1].URL, State: "applied"})
	assert.Equal(t, places[1].URL, at(r))
	revision = w.delete("pizza/url")
	w.says("pizza/url", entry{Revision: revision, State: "applied"})
	assert.Equal(t, fallback, at(r))
}

func TestInstancesThatHangDoNotHoldUpAnEdit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var hanging, most atomic.Int64
	dead, good := newPlace(t, "pizza"), newPlace(t, "pizza")
	dead.says(func(_ http.ResponseWriter, r *http.Request) {
		hanging.Add(1)
		<-r.Context().Done()
		hanging.Add(-1)
	})
	alive := *good.answer.Load()
	good.says(func(w http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), hanging.Load()))
		alive(w, r)
	})
	for i := range 100 {
		w.instance("pizza", fmt.Sprint(i), dead.URL)
	}
	r := w.running()
	w.eventually("an edit is taken while as many instances hang as may", func() bool {
		w.put("pizza/url", good.URL)
		w.resolvesTo(r, good.URL)
		w.delete("pizza/url")
		w.resolvesTo(r, fallback)
		return most.Load() >= 32
	})
}

func TestTooManyInstancesAreIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := newPlace(t, "pizza")
	for i := range 1010 {
		w.instance("pizza", fmt.Sprintf("%04d", i), good.URL)
	}
	r := w.running()
	w.eventually("a thousand are in use", func() bool { found, _ := r.Targets("pizza"); return len(found) == 1000 })
	assert.Equal(t, 1, strings.Count(w.logged(), "too many keys"))
}

func TestControl(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"169.254.169.254:80", "[fe80::1%lo]:80", "[::ffff:169.254.1.1]:80", "224.0.0.1:80", "[ff02::1]:80", "0.0.0.0:80", "[::]:80", "nonsense"} {
		require.Error(t, discovery.Control("tcp", address, nil), address)
	}
	for _, address := range []string{"127.0.0.1:80", "10.0.0.1:80", "[::1]:80", "[2001:db8::1]:443"} {
		require.NoError(t, discovery.Control("tcp", address, nil), address)
	}
}
