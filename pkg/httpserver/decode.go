package httpserver

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/labstack/echo/v4"

	"github.com/tizza/tizza/pkg/fault"
)

// Decode reads the request's body, which has been validated before, into v.
// What still does not fit v (a number outside its type) is a fault.Invalid.
func Decode(c echo.Context, v any) error {
	data, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return readFault(err)
	}
	if len(data) == 0 {
		return invalidBody("must not be empty")
	}
	err = json.Unmarshal(data, v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fault.Invalid(fault.Field{Field: fieldName(wrong.Field), Detail: "has a value that is not allowed"})
	}
	if err != nil {
		return invalidBody("must be one JSON value that fits")
	}
	return nil
}

func fieldName(path string) string {
	if path == "" {
		return bodyField
	}
	return path
}

// bodyField names the body as a whole where no property is to blame.
const bodyField = "body"

func invalidBody(detail string) error {
	return fault.Invalid(fault.Field{Field: bodyField, Detail: detail})
}
