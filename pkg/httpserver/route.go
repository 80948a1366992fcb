package httpserver

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/tizza/tizza/pkg/console"
	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/health"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/representation"
)

// What every server answers beside its API.
const (
	livezPath       = "/livez"
	readyzPath      = "/readyz"
	metricsPath     = "/metrics"
	openAPIYAMLPath = "/openapi.yaml"
	openAPIJSONPath = "/openapi.json"
	consolePath     = "/"
	docsPath        = "/docs"
	assetsPath      = "/assets/*"
)

func (s *Server) addRootRoutes(metrics http.Handler) {
	s.Echo.GET(metricsPath, echo.WrapHandler(metrics))
	s.Echo.GET(livezPath, echo.WrapHandler(health.Live(s.options.Service, s.options.Version)))
	s.Echo.GET(readyzPath, func(c echo.Context) error {
		checks := s.options.Checks
		if s.stopping.Load() {
			checks = append(slices.Clone(checks), health.Check{Name: "server", Required: true, Probe: stopping})
		}
		health.Ready(checks...).ServeHTTP(c.Response(), c.Request())
		return nil
	})
	s.Echo.GET(openAPIYAMLPath, s.document("application/yaml", s.spec.yaml))
	s.Echo.GET(openAPIJSONPath, s.document("application/json", s.spec.json))
	pages := echo.WrapHandler(console.New(console.Options{
		Service: s.options.Service, Version: s.options.Version, Services: s.options.Services, Caller: callerName,
	}))
	s.Echo.GET(consolePath, pages)
	s.Echo.GET(docsPath, pages)
	s.Echo.GET(assetsPath, pages)
}

// callerName is whom the console greets.
func callerName(r *http.Request) string {
	caller := identity.FromContext(r.Context())
	if caller.Person() {
		return caller.User.String()
	}
	return caller.Name()
}

// document serves the same bytes whatever Accept says: the path chooses.
func (s *Server) document(mediaType string, data []byte) echo.HandlerFunc {
	return func(c echo.Context) error {
		e := &exchange{codec: s.codec, edition: s.spec.edition}
		e.choice.Gzip = representation.Compressed(c.Request().Header)
		e.ifNoneMatch, _ = parseCondition(c.Request().Header, "If-None-Match")
		c.Response().Header().Set("Cache-Control", "no-cache")
		return e.sendBytes(c, http.StatusOK, mediaType, data)
	}
}

// rootRoute says that a route is for machinery: nobody's identity matters, and
// a probe must not fail over a stale token or ask a database about a cookie.
func rootRoute(path string) bool {
	switch path {
	case livezPath, readyzPath, metricsPath, openAPIYAMLPath, openAPIJSONPath, docsPath, assetsPath:
		return true
	}
	return false
}

// observeRoute tells the span and the access log the route's template.
func observeRoute(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx := c.Request().Context()
		factsOf(ctx).route = c.Path()
		if route := c.Path(); route != "" {
			span := trace.SpanFromContext(ctx)
			span.SetName(c.Request().Method + " " + route)
			span.SetAttributes(attribute.String("http.route", route))
		}
		return next(c)
	}
}

// authenticate finds out who calls.
func (s *Server) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if rootRoute(c.Path()) {
			return next(c)
		}
		r := c.Request()
		caller, err := s.options.Identity.Authenticate(r)
		if err != nil && c.Path() == consolePath {
			return next(c) // the page is anyone's: it only greets those who are known
		}
		if err != nil {
			return err
		}
		factsOf(r.Context()).client = caller.Name()
		c.SetRequest(r.WithContext(identity.NewContext(r.Context(), caller)))
		return next(c)
	}
}

// refuseCrossSite stops what another site's page makes a browser send with our
// cookie. A caller that proved itself with a token is no such browser.
func refuseCrossSite() echo.MiddlewareFunc {
	protection := http.NewCrossOriginProtection()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if protection.Check(c.Request()) != nil && !identity.FromContext(c.Request().Context()).Service() {
				return fault.New(fault.Forbidden, "Cross-site requests may not change anything.")
			}
			return next(c)
		}
	}
}

// answerOptions answers OPTIONS with exactly what the route takes, and gives
// 405 the same list. echo does not know that HEAD is GET here.
func (s *Server) answerOptions(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if strings.Contains(c.Path(), ":") && strings.Count(c.Path(), "/") != strings.Count(echo.GetPath(c.Request()), "/") {
			return fault.NotFound() // echo lets the last parameter of a path hold the rest of it
		}
		methods, known := c.Get(echo.ContextKeyHeaderAllow).(string)
		path := c.Request().URL.Path
		if fixed := s.spec.fixed[path]; fixed != "" && !known && strings.Contains(c.Path(), ":") {
			methods, known = fixed, true // /things/counts does not take it, so echo went on to /things/:id
		}
		if !known {
			return next(c)
		}
		c.Response().Header().Set(echo.HeaderAllow, allow(methods))
		if c.Request().Method == http.MethodOptions {
			return c.NoContent(http.StatusNoContent)
		}
		return fault.New(fault.NotAllowed, "This takes "+allow(methods)+".")
	}
}

func allow(methods string) string {
	list := strings.Split(methods, ", ")
	if slices.Contains(list, http.MethodGet) {
		list = append(list, http.MethodHead)
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ", ")
}
