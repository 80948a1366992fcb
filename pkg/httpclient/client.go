// Package httpclient is how services call each other over HTTP.
//
// A request goes to http://<service>/…: the host is the service's name. Every
// attempt resolves it anew, so a moved service is followed at once. Calls carry
// the service's own token, the request id and the trace. Answers are bounded,
// and redirects to another host are not followed: they would carry the token
// away. GET and HEAD are tried once more when the connection fails or a gateway
// or an overloaded instance answers; nothing else is, as it may have happened.
package httpclient

import (
	"net"
	"net/http"
	"net/url"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"

	"github.com/tizza/tizza/pkg/setting"
)

// Defaults of Options.
const (
	DefaultTimeout = 5 * time.Second
	DefaultMaxBody = 8 << 20
)

const maxRedirects = 3

// Resolver finds where a service is now.
type Resolver interface {
	// Resolve gives an absolute http or https URL; a path in it is a prefix.
	Resolve(service string) (*url.URL, error)
}

// Options is what a client is made of.
type Options struct {
	Resolver Resolver
	Token    setting.Secret // "client:password"; none: no Authorization
	Timeout  time.Duration  // of a call with all attempts and the body; 0: DefaultTimeout
	MaxBody  int64          // bytes of an answer, inflated; 0: DefaultMaxBody
}

// New is a client for all the services that the resolver knows. Use one for the
// whole process: it pools connections.
func New(o Options) *http.Client {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	base := &http.Transport{
		// No proxy from the environment: tokens go where the resolver says.
		DialContext:           (&net.Dialer{Timeout: time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   2 * time.Second,
		ExpectContinueTimeout: time.Second,
		MaxIdleConns:          128,
		MaxIdleConnsPerHost:   32,
		MaxConnsPerHost:       64,
		IdleConnTimeout:       time.Minute,
		ForceAttemptHTTP2:     true,
	}
	return &http.Client{
		Timeout:       o.Timeout,
		CheckRedirect: sameHost,
		Transport: &transport{
			base:     base,
			traced:   otelhttp.NewTransport(base, otelhttp.WithPropagators(propagation.TraceContext{})),
			resolver: o.Resolver,
			bearer:   bearer(o.Token),
			maxBody:  o.MaxBody,
		},
	}
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
