package httpserver

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/problem"
	"github.com/tizza/tizza/pkg/representation"
	"github.com/tizza/tizza/pkg/requestid"
)

// statusClientGone is logged when the caller left before there was an answer
// (the number that nginx uses); nobody receives it.
const statusClientGone = 499

// wrap puts around the router what every request goes through, routed or not.
func (s *Server) wrap(router http.Handler) http.Handler {
	h := s.normalize(router)
	h = s.recoverPanics(h)
	h = s.logAccess(h)
	h = requestid.Middleware(h)
	h = otelhttp.NewHandler(h, s.options.Service, otelhttp.WithPropagators(propagation.TraceContext{}))
	return boundBody(s.withCodec(h))
}

// withCodec lets problems be written in every format, wherever they come up.
func (s *Server) withCodec(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(representation.NewContext(r.Context(), s.codec)))
	})
}

// boundBody is outermost, so that net/http itself learns of a body that is too
// long and closes the connection.
func boundBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bounded := *r // a copy: net/http knows what to do with a body that nobody read only while it is its own
		bounded.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		next.ServeHTTP(w, &bounded)
		if r.ContentLength > MaxBody && r.Header.Get("Expect") == "" {
			passOver(w, r.Body)
		}
	})
}

// passOver sends the answer and reads some more of a body that is too long, so
// that a peer who still writes it comes to see that instead of a connection that
// is reset (RFC 9112 §9.6).
func passOver(w http.ResponseWriter, body io.Reader) {
	c := http.NewResponseController(w)
	if c.Flush() == nil && c.SetReadDeadline(time.Now().Add(passOverTime)) == nil {
		_, _ = io.CopyN(io.Discard, body, passOverMost) // who has more to say is cut off
	}
}

const (
	passOverMost = 4 * MaxBody
	passOverTime = time.Second
)

// facts is what the inside finds out about a request and the access log tells.
type facts struct {
	route  string // the template: a path holds ids
	client string // the caller's name: never a person's id
	err    error  // why another part of the system made the request fail
}

type factsKey struct{}

func factsOf(ctx context.Context) *facts {
	if f, ok := ctx.Value(factsKey{}).(*facts); ok {
		return f
	}
	return &facts{}
}

// logAccess counts requests, and writes one line for each with nothing personal in
// it: no path, no query, no address, no user agent. Probes are for debugging.
func (s *Server) logAccess(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, f, rec := time.Now(), &facts{}, &recorder{ResponseWriter: w, last: &s.stopping}
		ctx := context.WithValue(r.Context(), factsKey{}, f)
		completed := false
		defer func() {
			if !completed && rec.status == 0 {
				rec.status = statusClientGone // the connection was aborted on purpose
			}
			took := time.Since(start)
			s.traffic.observe(f.route, r.Method, rec.code(), took)
			attrs := []slog.Attr{
				slog.String("method", r.Method),
				slog.String("route", f.route),
				slog.Int("status", rec.code()),
				slog.Duration("duration", took),
				slog.String("request_id", requestid.From(ctx)),
				slog.String("trace_id", traceID(ctx)),
				slog.String("client", f.client),
			}
			if f.err != nil {
				attrs = append(attrs, slog.Any("error", f.err))
			}
			s.options.Log.LogAttrs(ctx, levelOf(f.route, rec.code()), "request", attrs...)
		}()
		next.ServeHTTP(rec, r.WithContext(ctx))
		completed = true
	})
}

func levelOf(route string, status int) slog.Level {
	switch {
	case route == livezPath || route == readyzPath || route == metricsPath: // what is down is logged where it is noticed
		return slog.LevelDebug
	case status >= 500:
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}

func traceID(ctx context.Context) string {
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		return span.TraceID().String()
	}
	return ""
}

// recoverPanics answers 500 if nothing has been sent. What has begun is cut off
// instead: half an answer must not look like a whole one.
func (s *Server) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { //nolint:errorlint // a panic's value, not an error
				panic(p)
			}
			s.options.Log.ErrorContext(r.Context(), "handler panicked",
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()), "request_id", requestid.From(r.Context()))
			if rec, ok := w.(*recorder); ok && rec.status != 0 {
				panic(http.ErrAbortHandler)
			}
			problem.Write(w, r, &fault.Error{Detail: "Something went wrong on our side.", Cause: fmt.Errorf("panic: %v", p)})
		}()
		next.ServeHTTP(w, r)
	})
}

// normalize is what the router should see: no trailing slash, GET for HEAD
// (net/http drops the body and keeps the headers), and the scheme that the caller
// used, as far as a trusted proxy tells. Each request has a deadline from here.
func (s *Server) normalize(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience(r))
		defer cancel()
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !isHost(r.Host) { // it goes into links
			problem.Write(w, r, fault.Invalid(fault.Field{Field: "Host", Detail: "must be a host name or an address, and maybe a port"}))
			return
		}

		r = r.WithContext(ctx) // a copy; the URL is copied below
		u := *r.URL
		u.Scheme = ""
		if s.options.Config.trusts(r.RemoteAddr) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
			u.Scheme = "https"
		}
		if !strings.Contains(strings.ToLower(u.RawPath), "%2f") {
			u.RawPath = "" // what is escaped is the same as what is not, but for a slash (RFC 3986 §6.2.2)
		}
		if len(u.Path) > 1 {
			u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
		}
		r.URL = &u
		if r.Method == http.MethodHead {
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// isHost takes none, as HTTP/1.0 does.
func isHost(host string) bool {
	u, err := url.Parse("http://" + host)
	return host == "" || err == nil && u.Host == host && u.Hostname() != ""
}

// recorder remembers the status. While last is true, an answer is the last one on
// its connection.
type recorder struct {
	http.ResponseWriter
	status int
	last   *atomic.Bool
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.begin(status)
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.begin(http.StatusOK)
	}
	return r.ResponseWriter.Write(p)
}

func (r *recorder) begin(status int) {
	r.status = status
	if r.last.Load() {
		r.Header().Set("Connection", "close")
	}
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) code() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}
