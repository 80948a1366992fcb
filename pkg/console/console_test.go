package console_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/console"
)

// options are those of a service called things, which knows another one.
func options(own, other string) console.Options {
	services := map[string]*url.URL{}
	for name, address := range map[string]string{"things": own, "people": other} {
		if u, err := url.Parse(address); err == nil && address != "" {
			services[name] = u
		}
	}
	return console.Options{Service: "things", Version: "1.2.3", Services: func() map[string]*url.URL { return services }}
}

func get(t *testing.T, handler http.Handler, target, accept string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, response *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}

func addresses(t *testing.T, handler http.Handler, target string) map[string]string {
	t.Helper()
	var index struct {
		Services map[string]string `json:"services"`
	}
	require.NoError(t, json.Unmarshal([]byte(text(t, get(t, handler, target, "application/json"))), &index))
	return index.Services
}

var local = options("http://localhost:8002", "http://localhost:8001")

func TestThePageLoadsAndAsksNothingButItsOwnOrigin(t *testing.T) {
	handler := console.New(local)
	for _, target := range []string{"/", "/docs"} {
		response := get(t, handler, target, "text/html,application/xhtml+xml,*/*;q=0.8")
		assert.Equal(t, http.StatusOK, response.StatusCode)
		assert.Equal(t, "text/html; charset=utf-8", response.Header.Get("Content-Type"))
		assert.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
		assert.Equal(t, "no-referrer", response.Header.Get("Referrer-Policy"))
		policy := response.Header.Get("Content-Security-Policy")
		for _, directive := range []string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self'",
			"form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'",
		} {
			assert.Contains(t, policy, directive)
		}
		assert.NotContains(t, policy, "unsafe")
		page := text(t, response)
		assert.Contains(t, page, "<title>things: browsable API</title>")
		assert.Contains(t, page, `<noscript>`)
		assert.Contains(t, page, `href="/openapi.yaml"`)
	}
}

func TestWhatThePageNamesIsServedForEverAndOtherFilesAreNot(t *testing.T) {
	handler := console.New(local)
	page := text(t, get(t, handler, "/docs", ""))
	named := regexp.MustCompile(`/assets/[^"]+`).FindAllString(page, -1)
	require.NotEmpty(t, named)
	for _, address := range named {
		response := get(t, handler, address, "")
		assert.Equal(t, http.StatusOK, response.StatusCode, address)
		assert.Contains(t, response.Header.Get("Cache-Control"), "immutable", address)
		assert.Contains(t, []string{"text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml"}, response.Header.Get("Content-Type"))
	}
	for _, address := range []string{path.Dir(named[0]) + "/none.js", "/assets/0123456789abcdef/main.js", "/assets/main.js", "/assets/", "/other"} {
		response := get(t, handler, address, "")
		assert.Equal(t, http.StatusNotFound, response.StatusCode, address)
		assert.NotContains(t, response.Header.Get("Cache-Control"), "immutable", address)
	}
}

func TestNoAssetNamesAnotherHostOrHasScriptOrStyleInline(t *testing.T) {
	files, err := os.ReadDir("assets")
	require.NoError(t, err)
	paths := []string{"page.html"}
	for _, file := range files {
		paths = append(paths, "assets/"+file.Name())
	}
	external := regexp.MustCompile(`(?i)(https?:)?//[a-z0-9-]+(\.[a-z0-9-]+)+`)
	inline := regexp.MustCompile(`(?i)<style|<script[^>]*>[^<]|\son[a-z]+="|\sstyle="|innerHTML|outerHTML|insertAdjacentHTML|\beval\(`)
	for _, path := range paths {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		// The namespace of SVG is a name: nobody fetches it.
		content = []byte(strings.ReplaceAll(string(content), `xmlns="http://www.w3.org/2000/svg"`, ""))
		assert.Empty(t, external.FindAllString(string(content), -1), path)
		assert.Empty(t, inline.FindAllString(string(content), -1), path)
	}
}

func TestWhoPrefersJSONGetsTheIndex(t *testing.T) {
	o := local
	o.Caller = func(r *http.Request) string { return r.Header.Get("X-Test-Caller") }
	handler := console.New(o)
	for accept, json := range map[string]bool{
		"":                                    false,
		"*/*":                                 false,
		"text/html, application/json":         false,
		"application/json;q=0.5, text/html":   false,
		"application/json":                    true,
		"application/json, text/plain, */*":   true,
		"text/html;q=0.5, application/json":   true,
		"application/json;q=0":                false,
		"nonsense, application/json;q=broken": true,
	} {
		response := get(t, handler, "/", accept)
		assert.Equal(t, json, response.Header.Get("Content-Type") == "application/json", accept)
		assert.Equal(t, "Accept", response.Header.Get("Vary"))
	}

	r := httptest.NewRequest(http.MethodGet, "http://localhost:8002/", nil)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("X-Test-Caller", "ada")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	assert.JSONEq(t, `{"service": "things", "version": "1.2.3", "caller": "ada",
		"services": {"people": "http://localhost:8001", "things": "http://localhost:8002"}}`, w.Body.String())
}

func TestLinksHaveNamesThatTheBrowserKnows(t *testing.T) {
	for name, c := range map[string]struct{ own, other, reached, people, things string }{
		"the name is the same: as it is": {
			"http://localhost:8002", "http://localhost:8001", "http://localhost:8002/", "http://localhost:8001", "http://localhost:8002",
		},
		"each on a host of its own: as it is": {
			"https://things.example.org", "https://people.example.org", "http://things.example.org/", "https://people.example.org", "http://things.example.org",
		},
		"containers' names: the browser's host, the other's port": {
			"http://things:8002", "http://people:8001", "http://127.0.0.1:9002/", "http://127.0.0.1:8001", "http://127.0.0.1:9002",
		},
		"an address where the browser has a name: that name, whose cookie it has": {
			"http://127.0.0.1:8002", "http://127.0.0.1:8001", "http://localhost:8002/", "http://localhost:8001", "http://localhost:8002",
		},
		"an IPv6 address": {
			"http://things:8002", "http://people:8001", "http://[::1]:8002/", "http://[::1]:8001", "http://[::1]:8002",
		},
		"no port to keep": {
			"http://things", "https://people", "http://[::1]/", "https://[::1]", "http://[::1]",
		},
		"we are not found ourselves: as it is": {
			"", "http://people:8001", "http://localhost:8002/", "http://people:8001", "http://localhost:8002",
		},
		"the other is not found": {
			"http://localhost:8002", "", "http://localhost:8002/", "", "http://localhost:8002",
		},
		"what is no web address is no link": {
			"http://localhost:8002", "javascript:alert(1)", "http://localhost:8002/", "", "http://localhost:8002",
		},
	} {
		t.Run(name, func(t *testing.T) {
			found := addresses(t, console.New(options(c.own, c.other)), c.reached)
			assert.Equal(t, c.people, found["people"])
			assert.Equal(t, c.things, found["things"])
		})
	}
}

func TestAHostThatIsNoneChangesNothing(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept", "application/json")
	r.Host = `user@evil"/path`
	w := httptest.NewRecorder()
	console.New(options("http://things:8002", "http://people:8001")).ServeHTTP(w, r)
	assert.JSONEq(t, `{"service": "things", "version": "1.2.3",
		"services": {"people": "http://people:8001", "things": "http://things:8002"}}`, w.Body.String())
}

func TestAServiceThatKnowsNoOtherListsItself(t *testing.T) {
	handler := console.New(console.Options{Service: "things"})
	assert.Equal(t, map[string]string{"things": "https://localhost"}, addresses(t, handler, "https://localhost/"))
}

func TestHeadHasTheHeadersOfGet(t *testing.T) {
	server := httptest.NewServer(console.New(local))
	defer server.Close()
	for _, target := range []string{"/", "/docs"} {
		got, err := http.Get(server.URL + target)
		require.NoError(t, err)
		defer got.Body.Close()
		head, err := http.Head(server.URL + target)
		require.NoError(t, err)
		defer head.Body.Close()
		for _, name := range []string{"Content-Type", "Content-Security-Policy", "Cache-Control", "Vary"} {
			assert.Equal(t, got.Header.Get(name), head.Header.Get(name), name)
		}
		assert.Empty(t, text(t, head))
	}
}
