package conformance

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Service is one running service and the document that it serves.
type Service struct {
	Name     string
	Document *openapi3.T
	Ledger   *Ledger // of what it has answered

	url        string
	base       string // of the paths in the document
	http       *http.Client
	messages   messages
	operations map[string]*Operation
	takes      map[string][]string // methods by path
}

// Operation is what the document says of one method of one path.
type Operation struct {
	*openapi3.Operation
	Service    *Service
	Method     string
	Path       string // as in the document
	Parameters openapi3.Parameters
}

// Open reads /openapi.json of the service at that address. The files hold a message for each schema of a body.
func Open(ctx context.Context, name, address string, files ...protoreflect.FileDescriptor) (*Service, error) {
	s := &Service{
		Name: name, url: address, messages: messagesOf(files), operations: map[string]*Operation{}, takes: map[string][]string{},
		// As many connections as a test has clients; and bodies and codings as they are on the wire.
		http: &http.Client{Timeout: time.Minute, Transport: &http.Transport{
			MaxIdleConnsPerHost: 64, DisableCompression: true,
		}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	data, err := s.read(ctx, "/openapi.json")
	if err != nil {
		return nil, err
	}
	if s.Document, err = openapi3.NewLoader().LoadFromData(data); err != nil {
		return nil, fmt.Errorf("read the document of %s: %w", name, err)
	}
	server, err := url.Parse(s.Document.Servers[0].URL)
	if err != nil {
		return nil, fmt.Errorf("read the document of %s: %w", name, err)
	}
	s.base = strings.TrimSuffix(server.Path, "/")
	for path, item := range s.Document.Paths.Map() {
		s.takes[path] = methodsOf(item)
		for method, operation := range item.Operations() {
			s.operations[operation.OperationID] = &Operation{
				Operation: operation, Service: s, Method: method, Path: path, Parameters: slices.Concat(item.Parameters, operation.Parameters),
			}
		}
	}
	s.Ledger = newLedger(s)
	return s, nil
}

func (s *Service) read(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := s.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s%s answers %d", s.url, path, response.StatusCode)
	}
	return io.ReadAll(response.Body)
}

// Close lets go of idle connections.
func (s *Service) Close() { s.http.CloseIdleConnections() }

// Operation is the one of that id, nil if there is none.
func (s *Service) Operation(id string) *Operation { return s.operations[id] }

// Operations are all of them, in the order of their paths and methods.
func (s *Service) Operations() []*Operation {
	var all []*Operation
	for _, operation := range s.operations {
		all = append(all, operation)
	}
	slices.SortFunc(all, func(a, b *Operation) int {
		return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
	return all
}

// Paths are the document's paths, each with the methods that it takes in order, HEAD and OPTIONS too.
func (s *Service) Paths() map[string][]string { return s.takes }

func methodsOf(item *openapi3.PathItem) []string {
	takes := []string{http.MethodOptions}
	for method := range item.Operations() {
		takes = append(takes, method)
		if method == http.MethodGet {
			takes = append(takes, http.MethodHead)
		}
	}
	slices.Sort(takes)
	return takes
}

// Statuses are the documented ones, in order.
func (o *Operation) Statuses() []string {
	var all []string
	for status := range o.Responses.Map() {
		all = append(all, status)
	}
	slices.Sort(all)
	return all
}

// Documents says whether the document has this status for the operation.
func (o *Operation) Documents(status int) bool { return o.Responses.Status(status) != nil }

// Takes are the formats that the operation reads bodies in, none if it reads none.
func (o *Operation) Takes() []Format {
	if o.RequestBody == nil {
		return nil
	}
	var all []Format
	for mediaType := range o.RequestBody.Value.Content {
		all = append(all, Format(mediaType))
	}
	slices.Sort(all)
	return all
}

// BodySchema is what a body in that format has to fit, and its name.
func (o *Operation) BodySchema(f Format) (*openapi3.Schema, string) {
	media := o.RequestBody.Value.Content[string(f)]
	return media.Schema.Value, schemaName(media.Schema)
}

// Parameter is the operation's parameter of that name and place, or nil.
func (o *Operation) Parameter(in, name string) *openapi3.Parameter {
	return o.Parameters.GetByInAndName(in, name)
}

// NeedsCaller says whether nobody may call it unknown.
func (o *Operation) NeedsCaller() bool {
	security := o.Service.Document.Security
	if o.Security != nil {
		security = *o.Security
	}
	return len(security) > 0 && !slices.ContainsFunc(security, func(r openapi3.SecurityRequirement) bool { return len(r) == 0 })
}

func schemaName(schema *openapi3.SchemaRef) string {
	return strings.TrimPrefix(schema.Ref, "#/components/schemas/")
}

// At is the request for GET of a path as Location has it, base and all.
func (s *Service) At(location string) (Request, error) {
	parts := strings.Split(strings.TrimPrefix(location, s.base), "/")
	for _, operation := range s.Operations() {
		if values, ok := match(operation.Path, parts); ok && operation.Method == http.MethodGet {
			return Request{Operation: operation, Values: values}, nil
		}
	}
	return Request{}, fmt.Errorf("nothing in the document of %s is read at %q", s.Name, location)
}

// match prefers no path over another: At asks in their order, in which a fixed one comes before one with a parameter.
func match(path string, parts []string) (map[string]string, bool) {
	wanted := strings.Split(path, "/")
	if len(wanted) != len(parts) {
		return nil, false
	}
	values := map[string]string{}
	for i, part := range wanted {
		if strings.HasPrefix(part, "{") {
			values[strings.Trim(part, "{}")] = parts[i]
		} else if part != parts[i] {
			return nil, false
		}
	}
	return values, true
}
