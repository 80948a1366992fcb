package httpclient

import (
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/url"
	"syscall"

	"github.com/tizza/tizza/pkg/setting"
)

// TimeoutHeader tells the callee for how many milliseconds the caller will
// still wait. It is on every attempt.
const TimeoutHeader = "X-Request-Timeout-Ms"

// DefaultMaxBody is how many bytes of an answer are read if Options do not say.
const DefaultMaxBody = 2 << 20 // all that may be under way to one instance at once fit into a small container

const maxRedirects = 3

// Resolver finds where a service is now.
type Resolver interface {
	// Targets are absolute http or https URLs whose path is a prefix: all the
	// instances that may be called. It is asked at every attempt, and gives the
	// same slice until they change. The client does not write to it.
	Targets(service string) ([]*url.URL, error)
}

// Options is what a client is made of.
type Options struct {
	Resolver Resolver
	Token    setting.Secret // "client:password"; none: no Authorization
	Config   Config
	MaxBody  int64 // bytes of an answer, inflated; 0: DefaultMaxBody
	// Control may refuse an address after the name was looked up, as in net.Dialer.
	Control func(network, address string, c syscall.RawConn) error
	Log     *slog.Logger // hears of circuits that open and close; nil: nobody does
}

// Client is an http.Client for all the services that its resolver knows. Use one
// for the whole process: it pools connections, and its limits are the process's.
// It is a prometheus.Collector.
type Client struct {
	*http.Client
	transport *transport
}

// New makes a client.
func New(o Options) *Client {
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Config = o.Config.withDefaults()
	t := newTransport(o)
	return &Client{Client: &http.Client{CheckRedirect: sameHost, Transport: t}, transport: t}
}

// sameHost follows a redirect within the service and hands any other back as
// the answer, which Fault then refuses.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if req.URL.Host != first.Host || req.URL.Scheme != first.Scheme || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

func bearer(token setting.Secret) string {
	if token.Reveal() == "" {
		return ""
	}
	return "Bearer " + base64.StdEncoding.EncodeToString([]byte(token.Reveal()))
}
