package httpserver

import (
	"encoding/json"
	"errors"

	"github.com/labstack/echo/v4"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/representation"
)

// Decode writes the request's body, which has been validated before, into v. An
// optional body that is not there leaves v as it is. What still does not fit v
// (a number outside its type) is a fault.Invalid.
func Decode(c echo.Context, v any) error {
	document := exchangeOf(c).document
	if document == nil {
		return nil
	}
	data, err := json.Marshal(document)
	if err != nil {
		return err
	}
	err = json.Unmarshal(data, v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fault.Invalid(fault.Field{Field: fieldName(wrong.Field), Detail: "has a value that is not allowed"})
	}
	return err
}

func fieldName(path string) string {
	if path == "" {
		return representation.Body
	}
	return path
}
