package console

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Options is what a console is made of.
type Options struct {
	// Service is its name, as in Services; Version is what runs.
	Service, Version string
	// Services is where every service is now, by name, this one included. It is
	// called for every index and must not wait. Nil: only this one is listed.
	Services func() map[string]*url.URL
	// Caller is whom a request comes from, in words that the person will
	// recognise; "" is nobody. Nil: the page cannot say who one is.
	Caller func(*http.Request) string
}

// policy lets the page load its own files and talk to its own origin, nothing
// else; in browsers that know how, not even the page's own code can turn text
// into elements or script.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

type console struct {
	options Options
	page    []byte
}

// New returns the handler of /, /docs and everything below /assets/. It answers
// GET and HEAD; whoever mounts it keeps other methods away.
func New(o Options) http.Handler { return &console{options: o, page: renderPage(o)} }

func (c *console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	switch r.URL.Path {
	case "/":
		header.Add("Vary", "Accept")
		if prefersJSON(r.Header.Values("Accept")) {
			c.serveIndex(w, r)
			return
		}
		c.servePage(w)
	case "/docs":
		c.servePage(w)
	default:
		serveAsset(w, r)
	}
}

// servePage is small enough to be sent each time: the assets that it names are
// those of the process that answers, whatever was deployed in between.
func (c *console) servePage(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-cache")
	write(w, "text/html; charset=utf-8", c.page)
}

// index is what a program, or the page, gets at the root.
type index struct {
	Service  string            `json:"service"`
	Version  string            `json:"version"`
	Caller   *string           `json:"caller,omitempty"` // absent: cannot be told here
	Services map[string]string `json:"services"`
}

func (c *console) serveIndex(w http.ResponseWriter, r *http.Request) {
	i := index{Service: c.options.Service, Version: c.options.Version, Services: c.addresses(r)}
	if c.options.Caller != nil {
		caller := c.options.Caller(r)
		i.Caller = &caller
	}
	w.Header().Set("Cache-Control", "no-store") // depends on the caller, on Host and on the moment
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(i) // the peer is gone: nobody is left to tell
}

// write leaves it to net/http to count, and to drop the body of a HEAD.
func write(w http.ResponseWriter, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(body) // the peer is gone: nobody is left to tell
}

// prefersJSON says that the caller names JSON and wants it more than HTML. Who
// takes anything gets the page.
func prefersJSON(accept []string) bool {
	weights := map[string]float64{}
	for entry := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		mediaType, params, err := mime.ParseMediaType(entry)
		if err != nil {
			continue
		}
		weights[mediaType] = 1
		if q, err := strconv.ParseFloat(params["q"], 64); err == nil {
			weights[mediaType] = q
		}
	}
	return weights["application/json"] > weights["text/html"]
}
