// Package openapitest holds what a client and the stand-in for a service say to
// each other against the service's OpenAPI document, so that a stand-in in a test
// cannot drift away from what it stands for, nor a client from what it may ask.
//
// What is checked of requests: that there is such an operation, every parameter
// (one that the document does not have is wrong), the body, and that somebody says
// who calls where the operation wants to know. Of answers: that the status is
// documented for the operation, the media type, the headers that are required, and
// the body, inflated if it is in gzip. Where that fails, so does the test, and the
// exchange goes on: one run names everything that is wrong.
//
// Tests only: nothing that ends up in a program may import it.
package openapitest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/google/uuid"
)

// Handler is next behind the document in that file. What does not fit the document
// is an error of t, which may be a recorder that embeds a testing.TB.
func Handler(t testing.TB, document string, next http.Handler) http.Handler {
	t.Helper()
	router, err := routerOf(document)
	if err != nil {
		t.Fatalf("read %s: %v", document, err)
	}
	return &checker{t: t, router: router, next: next}
}

// documents are the routers of those that have been read: to read one takes a while, and every test asks for it.
var documents sync.Map

func routerOf(document string) (routers.Router, error) {
	read, _ := documents.LoadOrStore(document, sync.OnceValues(func() (routers.Router, error) {
		doc, err := openapi3.NewLoader().LoadFromFile(document)
		if err != nil {
			return nil, err
		}
		return legacy.NewRouter(doc)
	}))
	return read.(func() (routers.Router, error))()
}

type checker struct {
	t      testing.TB
	router routers.Router
	next   http.Handler
}

func (c *checker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Errorf("%s %s: read the request: %v", r.Method, r.URL, err)
		return
	}
	input, err := c.request(r, body)
	if err != nil {
		c.t.Errorf("%s %s: the request does not fit the document: %v", r.Method, r.URL, err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	c.next.ServeHTTP(answer, r)
	if input != nil {
		if err := response(r.Context(), input, answer); err != nil {
			c.t.Errorf("%s %s: the answer does not fit the document: %v\n%d %s", r.Method, r.URL, err, answer.Code, answer.Body)
		}
	}
	maps.Copy(w.Header(), answer.Result().Header) //nolint:bodyclose // there is nothing to close
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // who asked has left: it is theirs to say
}

// request is nil if the document has no such operation.
func (c *checker) request(r *http.Request, body []byte) (*openapi3filter.RequestValidationInput, error) {
	plain := r.Clone(context.WithoutCancel(r.Context()))
	plain.URL.Scheme, plain.URL.Host = "", "" // the document's servers are paths
	plain.Body = io.NopCloser(bytes.NewReader(body))
	route, parameters, err := c.router.FindRoute(plain)
	if err != nil {
		return nil, err
	}
	input := &openapi3filter.RequestValidationInput{
		Request: plain, Route: route, PathParams: parameters,
		Options: &openapi3filter.Options{MultiError: true, SkipSettingDefaults: true, AuthenticationFunc: identified,
			SchemaValidationOptions: formats,
		},
	}
	return input, errors.Join(undocumented(plain, route), openapi3filter.ValidateRequest(plain.Context(), input))
}

// undocumented names the parameters of the query that the operation does not have.
func undocumented(r *http.Request, route *routers.Route) error {
	var errs []error
	for name := range r.URL.Query() {
		if route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil &&
			route.PathItem.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			errs = append(errs, fmt.Errorf("the parameter %q is not documented", name))
		}
	}
	return errors.Join(errs...)
}

// formats are those that kin-openapi lets through on its own.
var formats = []openapi3.SchemaValidationOption{
	openapi3.WithStringFormatValidator("uuid", openapi3.NewCallbackValidator(uuid.Validate)),
}

// identified wants what the security scheme names to be there; whose it is, the
// stand-in may look at.
func identified(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	r := input.RequestValidationInput.Request
	switch scheme := input.SecurityScheme; {
	case scheme.Type == "apiKey" && scheme.In == "cookie":
		_, err := r.Cookie(scheme.Name)
		return err
	case scheme.Type == "http" && scheme.Scheme == "bearer":
		if token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); !found || token == "" {
			return errors.New("there is no token")
		}
		return nil
	}
	return errors.New("this way of saying who calls is not known here")
}

func response(ctx context.Context, request *openapi3filter.RequestValidationInput, answer *httptest.ResponseRecorder) error {
	header, body := answer.Result().Header, answer.Body.Bytes() //nolint:bodyclose // there is nothing to close
	if answer.Code == http.StatusNoContent || answer.Code == http.StatusNotModified {
		if len(body) > 0 {
			return fmt.Errorf("%d has a body", answer.Code)
		}
	}
	if header.Get("Content-Encoding") == "gzip" {
		inflated, err := inflate(body)
		if err != nil {
			return err
		}
		body = inflated
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: answer.Code, Header: header,
		Options: &openapi3filter.Options{MultiError: true, IncludeResponseStatus: true, SchemaValidationOptions: formats},
	}
	input.SetBodyBytes(body)
	return openapi3filter.ValidateResponse(context.WithoutCancel(ctx), input)
}

func inflate(body []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("it is not in gzip: %w", err)
	}
	return io.ReadAll(reader)
}
