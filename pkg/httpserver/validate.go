package httpserver

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/labstack/echo/v4"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/representation"
)

// validate holds the request against the operation that the document describes
// for the route, and names everything that is wrong with it at once.
func (s *Server) validate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		op := s.spec.find(c.Request().Method, c.Path())
		if op == nil {
			return next(c)
		}
		if op.needsCaller {
			if err := identity.Require(Caller(c)); err != nil {
				return err
			}
		}
		c.Response().Header().Set("Cache-Control", op.caching())
		e, err := s.begin(c, op)
		if err != nil {
			return err
		}
		bad, err := op.checkParameters(c)
		if err != nil {
			return err
		}
		badBody, err := op.checkBody(c, e)
		if err != nil {
			return err
		}
		if bad = append(bad, badBody...); len(bad) > 0 {
			return fault.Invalid(tidy(bad)...)
		}
		return next(c)
	}
}

// checkParameters gives the bad ones. A path with a bad one names nothing: it
// is not found, except for PUT, which would create it.
func (o *operation) checkParameters(c echo.Context) ([]fault.Field, error) {
	if !readableQuery(c.Request().URL.RawQuery) {
		return []fault.Field{{Field: "query", Detail: "cannot be read: a % begins two hexadecimal digits, and ; is %3B"}}, nil
	}
	boundCounts(c.Request().URL, o.parameters)
	input := &openapi3filter.RequestValidationInput{
		Request:    c.Request(),
		PathParams: pathParameters(c, o.route.Path),
		Route:      o.route,
		Options: &openapi3filter.Options{
			MultiError: true, SkipSettingDefaults: true, SchemaValidationOptions: visitOptions,
		},
	}
	var bad []fault.Field
	for _, ref := range o.parameters {
		parameter := ref.Value
		found := textFields(parameter.Name, input, parameter)
		if len(found) == 0 {
			found = formFields(input, parameter)
		}
		if len(found) == 0 {
			err := openapi3filter.ValidateParameter(c.Request().Context(), input, parameter)
			found = parameterFields(parameter, err)
		}
		if len(found) > 0 && parameter.In == openapi3.ParameterInPath && c.Request().Method != http.MethodPut {
			return nil, fault.NotFound()
		}
		bad = append(bad, found...)
	}
	return bad, nil
}

// readableQuery says no to what net/http would leave out without a word.
func readableQuery(query string) bool {
	_, err := url.ParseQuery(query)
	return err == nil
}

// pathParameters gives echo's values the names that the document uses, which
// need not be echo's: both are in the order of the path.
func pathParameters(c echo.Context, path string) map[string]string {
	values := c.ParamValues()
	params := make(map[string]string, len(values))
	for i, name := range parameterName.FindAllString(path, -1) {
		if i < len(values) {
			params[strings.Trim(name, "{}")] = values[i]
		}
	}
	return params
}

// checkBody gives the bad fields of the body, and its tree with the read-only
// properties taken out.
func (o *operation) checkBody(c echo.Context, e *exchange) ([]fault.Field, error) {
	if o.body == nil {
		return nil, nil
	}
	data, err := readBody(c)
	if err != nil {
		return nil, err
	}
	mediaType, format, readable := representation.ContentType(c.Request().Header.Get("Content-Type"))
	if len(data) == 0 && (!readable || format != representation.Protobuf) { // in which that is a message that says nothing
		if o.body.Required {
			return []fault.Field{{Field: representation.Body, Detail: "must not be empty"}}, nil
		}
		return nil, nil
	}
	schema, name, taken := o.schemaFor(mediaType)
	if !readable || !taken {
		c.Response().Header().Set("Accept", o.takes())
		return nil, fault.New(fault.Unsupported, "Send "+o.takes()+".")
	}
	document, err := e.codec.Read(format, name, data)
	if f := fault.From(err); fault.Is(err, fault.KindInvalid) {
		return f.Fields, nil
	} else if err != nil {
		return nil, err
	}
	dropReadOnly(schema, document)
	e.document = document
	return schemaFields(schema, document), nil
}

// readBody is the body as it was before a coding was put on it.
func readBody(c echo.Context) ([]byte, error) {
	r := c.Request()
	if r.ContentLength > MaxBody { // it says so itself: no need to wait for the bytes
		return nil, tooLarge(nil)
	}
	switch coding := strings.ToLower(strings.Join(r.Header.Values("Content-Encoding"), ", ")); coding {
	case "", "identity":
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, readFault(err)
		}
		return data, nil
	case representation.Gzip, "x-" + representation.Gzip: // the same (RFC 9110 §8.4.1.3)
		data, err := representation.Decompress(r.Body, MaxBody)
		switch {
		case errors.Is(err, representation.ErrTooLarge):
			return nil, tooLarge(err)
		case errors.Is(err, representation.ErrStream):
			return nil, fault.Invalid(fault.Field{Field: representation.Body, Detail: "is not a gzip stream"})
		case err != nil:
			return nil, readFault(err)
		}
		return data, nil
	default:
		c.Response().Header().Set("Accept-Encoding", representation.Gzip)
		return nil, fault.New(fault.Unsupported, "Send the body as it is, or in gzip.")
	}
}

// caching lets what all get be kept and asked about again, and nobody keep what
// is somebody's.
func (o *operation) caching() string {
	if o.anyone && o.route.Method == http.MethodGet {
		return "no-cache"
	}
	return "no-store"
}

// dropReadOnly takes out what only the server writes, so that it is ignored
// whatever it says.
func dropReadOnly(schema *openapi3.Schema, value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, property := range schema.Properties {
			inner, given := value[name]
			if !given || property.Value == nil {
				continue
			}
			if property.Value.ReadOnly {
				delete(value, name)
			} else {
				dropReadOnly(property.Value, inner)
			}
		}
		for _, part := range schema.AllOf {
			dropReadOnly(part.Value, value)
		}
	case []any:
		if schema.Items != nil && schema.Items.Value != nil {
			for _, item := range value {
				dropReadOnly(schema.Items.Value, item)
			}
		}
	}
}
