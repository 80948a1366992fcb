package httpserver

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/labstack/echo/v4"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/identity"
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
		if !acceptable(c.Request().Header.Values("Accept"), op.produces) {
			return fault.New(fault.NotAcceptable, "This is served as "+strings.Join(op.produces, ", ")+".")
		}
		bad, err := op.checkParameters(c)
		if err != nil {
			return err
		}
		badBody, err := op.checkBody(c)
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

// checkBody gives the bad fields of the body. It leaves the body readable, with
// read-only properties taken out.
func (o *operation) checkBody(c echo.Context) ([]fault.Field, error) {
	r := c.Request()
	if o.body == nil {
		return nil, nil
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, fault.New(fault.Unsupported, "Bodies are read without Content-Encoding.")
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, readFault(err)
	}
	setBody(r, data)
	if len(data) == 0 {
		if o.body.Required {
			return []fault.Field{{Field: bodyField, Detail: "must not be empty"}}, nil
		}
		return nil, nil
	}
	mediaType, readable := bodyMediaType(r.Header.Get("Content-Type"))
	schema, taken := o.schemaFor(mediaType)
	if !readable || !taken {
		c.Response().Header().Set("Accept", o.takes())
		return nil, fault.New(fault.Unsupported, "Send "+o.takes()+".")
	}
	value, detail := parseJSON(data)
	if detail != "" {
		return []fault.Field{{Field: bodyField, Detail: detail}}, nil
	}
	if dropReadOnly(schema, value) {
		if data, err = json.Marshal(value); err != nil {
			return nil, err
		}
		setBody(r, data)
	}
	return schemaFields(schema, value), nil
}

func setBody(r *http.Request, data []byte) {
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
}

// parseJSON reads one JSON value and nothing behind it, or says what is wrong.
func parseJSON(data []byte) (any, string) {
	if !utf8.Valid(data) { // the decoder would take it and make all bad bytes the same
		return nil, "is not valid UTF-8"
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		if len(bytes.TrimSpace(data)) == 0 {
			return nil, "must not be empty"
		}
		return nil, "is not valid JSON"
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, "must be one JSON value with nothing behind it"
	}
	return value, ""
}

// dropReadOnly takes out what only the server writes, so that it is ignored
// whatever it says. It reports whether anything was there.
func dropReadOnly(schema *openapi3.Schema, value any) bool {
	dropped := false
	switch value := value.(type) {
	case map[string]any:
		for name, property := range schema.Properties {
			inner, given := value[name]
			if !given || property.Value == nil {
				continue
			}
			if property.Value.ReadOnly {
				delete(value, name)
				dropped = true
			} else {
				dropped = dropReadOnly(property.Value, inner) || dropped
			}
		}
		for _, part := range schema.AllOf {
			dropped = dropReadOnly(part.Value, value) || dropped
		}
	case []any:
		if schema.Items != nil && schema.Items.Value != nil {
			for _, item := range value {
				dropped = dropReadOnly(schema.Items.Value, item) || dropped
			}
		}
	}
	return dropped
}
