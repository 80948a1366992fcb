// Package httpserver is the HTTP edge that all services share: echo as the
// router, with everything that must be the same on every route around it.
//
// From the outside in: body bound, span, request id, access log, recovery,
// trailing slash, then echo's router; on the route: who calls, cross-site
// check, OPTIONS, media types, and the request against the OpenAPI document.
// What reaches a handler has the form the document describes; what a handler
// returns as an error is answered by package problem.
//
// A handler answers by one of these, and never sees a format, a coding or a tag
// (tag.go says what is in one):
//
//	Read      GET of what has a version; a 304 costs no more than reading that
//	List      GET of a page, as Window asked for it
//	Content   GET of what has no version: its tag is a hash
//	Created, Wrote, Accepted   what POST, PUT, PATCH and DELETE have done
//
// Condition is what If-Match and If-None-Match demand of a write; it is checked
// in the transaction that writes.
//
// Rules that the document decides: an operation with a security requirement
// refuses anyone with 401 before it looks at the request; a path parameter
// that is not of its type names nothing, so it is 404 (400 for PUT, which would
// create it); read-only properties are dropped from bodies, so what GET gave
// can be put back.
//
// Time: a request has 20 s, or less if its caller says in X-Request-Timeout-Ms
// for how many milliseconds more it waits: the request's context ends then, and
// with it what is done for nobody any more. What is not a whole number above 0
// is ignored. What fails because the time ran out is answered with 504.
//
// Stopping, without a request that fails: first /readyz says no and every answer
// says "Connection: close", while all is served as before for Config.Drain.
// Callers learn meanwhile that this instance is gone (its registration is removed
// before), and those that do not are moved off their connections one answer at a
// time. A connection is not closed under a caller then: a request that is already
// on its way there would be lost, and not every method can be sent again. Only
// when nobody comes any more is the listener closed, and what is under way waited
// for.
package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tizza/tizza/pkg/health"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/representation"
)

// Base is the path that generated routes are registered under.
const Base = "/api/v1"

// MaxBody is the most bytes of a request's body that are read.
const MaxBody = 1 << 20

// Bounds on connections, so that slow or silent peers cannot hold them.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
	requestTimeout    = 20 * time.Second // the context of one request
	shutdownTimeout   = 15 * time.Second // requests under way when serving ends
)

// Options is what a server is made of.
type Options struct {
	Service string // its name, in /livez and before the scopes of tokens
	Version string
	Config  Config
	Spec    []byte // openapi.yaml
	// Messages have a Protobuf message for each schema of Spec that is a body.
	Messages []protoreflect.FileDescriptor
	// Services is where all services are now, for the links on the console.
	Services func() map[string]*url.URL
	Identity *identity.Authenticator
	Checks   []health.Check
	Metrics  []prometheus.Collector // what the parts of the service count, served at /metrics
	Log      *slog.Logger
}

// Server serves one service's API. Register routes on Echo under Base before Run.
type Server struct {
	Echo *echo.Echo

	options  Options
	spec     *spec
	codec    *representation.Codec
	handler  http.Handler
	traffic  *traffic
	stopping atomic.Bool
}

// New reads the OpenAPI document and wires everything around Echo.
func New(o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Identity == nil {
		return nil, errors.New("http server: no authenticator")
	}
	if err := o.Config.Validate(); err != nil {
		return nil, fmt.Errorf("http server: %w", err)
	}
	spec, err := loadSpec(o.Spec)
	if err != nil {
		return nil, fmt.Errorf("http server: %w", err)
	}
	codec, err := representation.NewCodec(o.Messages...)
	if err != nil {
		return nil, fmt.Errorf("http server: %w", err)
	}
	if err := spec.fits(codec); err != nil {
		return nil, fmt.Errorf("http server: %w", err)
	}
	traffic := newTraffic()
	metrics, err := metrics(append(slices.Clone(o.Metrics), traffic)...)
	if err != nil {
		return nil, fmt.Errorf("http server: %w", err)
	}
	s := &Server{Echo: echo.New(), options: o, spec: spec, codec: codec, traffic: traffic}
	s.Echo.HideBanner, s.Echo.HidePort = true, true
	s.Echo.IPExtractor = o.Config.ipExtractor()
	s.Echo.HTTPErrorHandler = s.answerError
	s.Echo.Use(
		observeRoute,
		s.authenticate,
		refuseCrossSite(),
		s.answerOptions,
		s.validate,
	)
	s.addRootRoutes(metrics)
	s.handler = s.wrap(s.Echo)
	return s, nil
}

// Handler is the whole server as a handler, for tests.
func (s *Server) Handler() http.Handler { return s.handler }

// Run listens on HTTP_ADDR and serves until ctx ends, then as Serve says.
func (s *Server) Run(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.options.Config.Addr)
	if err != nil {
		return fmt.Errorf("listen on HTTP_ADDR: %w", err)
	}
	return s.Serve(ctx, listener)
}

// Patience is how long Run may take to stop: draining, and then the requests under way.
func (s *Server) Patience() time.Duration {
	return s.options.Config.Drain + shutdownTimeout + 5*time.Second
}

// Serve serves on the listener until ctx ends. Then /readyz says not ready while
// everything is still answered for Config.Drain, each time as the connection's
// last answer, so that callers turn away; then no connection is accepted any
// more, and requests under way may finish within a bound. It returns nil if they
// all did.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		// Requests outlive ctx: they are finished, not cut.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		// net/http's own lines hold peers' addresses: seen only when debugging.
		ErrorLog: slog.NewLogLogger(s.options.Log.Handler(), slog.LevelDebug),
	}
	s.options.Log.InfoContext(ctx, "listening", "addr", listener.Addr().String())

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	s.stopping.Store(true)
	if err := s.drain(failed); err != nil {
		return err
	}
	return shutdown(ctx, server)
}

func (s *Server) drain(failed <-chan error) error {
	timer := time.NewTimer(s.options.Config.Drain)
	defer timer.Stop()
	select {
	case err := <-failed:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-timer.C:
		return nil
	}
}

func shutdown(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		_ = server.Close() // what is left is cut off; err says so
		return fmt.Errorf("HTTP requests still under way after %s: %w", shutdownTimeout, err)
	}
	return nil
}

// Caller is who the request comes from.
func Caller(c echo.Context) identity.Caller { return identity.FromContext(c.Request().Context()) }
