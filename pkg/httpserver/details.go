package httpserver

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
)

const (
	detailOther      = "has a value that is not allowed"
	detailExtension  = "x-detail" // in the document, what to say of a value that the pattern refuses
	detailUnstorable = "must be UTF-8 text without the character NUL"
)

// detailOf says in a few words what the schema wanted at this place.
func detailOf(se *openapi3.SchemaError) string {
	s := se.Schema
	if s == nil {
		return detailOther
	}
	switch se.SchemaField {
	case "type":
		return typeDetail(s)
	case "required":
		return "is required"
	case "nullable":
		return "must not be null"
	case "enum":
		return "must be one of: " + list(s.Enum)
	case "format":
		return formatDetail(s.Format)
	case "pattern":
		if detail, ok := s.Extensions[detailExtension].(string); ok {
			return detail
		}
		return detailOther
	case "minLength":
		if s.MinLength == 1 {
			return "must not be empty"
		}
		return fmt.Sprintf("must have at least %d characters", s.MinLength)
	case "maxLength":
		return fmt.Sprintf("must have at most %d characters", *s.MaxLength)
	case "minItems":
		return fmt.Sprintf("must have at least %d entries", s.MinItems)
	case "maxItems":
		return fmt.Sprintf("must have at most %d entries", *s.MaxItems)
	case "uniqueItems":
		return "must not have the same entry twice"
	case "minProperties":
		return fmt.Sprintf("must have at least %d fields", s.MinProps)
	case "maxProperties":
		return fmt.Sprintf("must have at most %d fields", *s.MaxProps)
	}
	return numberDetail(se.SchemaField, s)
}

func numberDetail(keyword string, s *openapi3.Schema) string {
	switch keyword {
	case "minimum":
		return "must be at least " + number(*s.Min)
	case "maximum":
		return "must be at most " + number(*s.Max)
	case "exclusiveMinimum":
		if bound := s.ExclusiveMin.Value; bound != nil {
			return "must be more than " + number(*bound)
		}
	case "exclusiveMaximum":
		if bound := s.ExclusiveMax.Value; bound != nil {
			return "must be less than " + number(*bound)
		}
	case "multipleOf":
		return "must be a multiple of " + number(*s.MultipleOf)
	}
	return detailOther
}

// number writes 9007199254740991 and not 9.007199254740991e+15.
func number(f float64) string {
	if f == float64(int64(f)) {
		return fmt.Sprint(int64(f))
	}
	return fmt.Sprint(f)
}

var typeNames = map[string]string{
	"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
	"array": "a list", "object": "an object", "null": "null",
}

// typeDetail leaves null to the end: "must be text or null".
func typeDetail(s *openapi3.Schema) string {
	types := slices.Clone(s.Type.Slice())
	slices.SortStableFunc(types, func(a, b string) int {
		return boolInt(a == "null") - boolInt(b == "null")
	})
	var words []string
	for _, t := range types {
		words = append(words, typeNames[t])
	}
	if len(words) == 0 {
		return detailOther
	}
	return "must be " + strings.Join(words, " or ")
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func formatDetail(format string) string {
	switch format {
	case "uuid":
		return "must be a UUID"
	case "date-time":
		return "must be a time such as 2026-01-31T18:30:00Z (RFC 3339)"
	case "date":
		return "must be a date such as 2026-01-31"
	case "email":
		return "must be an e-mail address"
	case "uri":
		return "must be an absolute URL"
	case "int32", "int64":
		return "is out of range"
	}
	return "is not a valid " + format
}

var errFormat = errors.New("not of the format")

// visitOptions keep errors small: with details each would quote the whole schema
// and value as soon as a composition puts its parts' errors into its own.
var visitOptions = slices.Clip([]openapi3.SchemaValidationOption{
	openapi3.DisableReadOnlyValidation(), openapi3.DisableSchemaErrorDetails(), formats,
})

// formats are held to what handlers can then read: kin-openapi takes 31 February
// for a date and knows no uuid, email or uri unless told.
var formats = openapi3.WithStringFormatValidators(map[string]openapi3.StringFormatValidator{
	"uuid": format(func(s string) bool {
		_, err := uuid.Parse(s)
		return err == nil && len(s) == len(uuid.UUID{}.String()) // not the braces and URNs that Parse takes
	}),
	"date-time": format(func(s string) bool {
		t, err := time.Parse(time.RFC3339, s)
		return err == nil && t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 && !strings.Contains(s, ",") // which Go takes for a point
	}),
	"date": format(func(s string) bool {
		_, err := time.Parse(time.DateOnly, s)
		return err == nil
	}),
	"email": format(func(s string) bool {
		address, err := mail.ParseAddress(s)
		return err == nil && address.Address == s
	}),
	"uri": format(func(s string) bool {
		u, err := url.Parse(s)
		return err == nil && u.IsAbs() && (u.Host != "" || u.Opaque != "")
	}),
})

func format(valid func(string) bool) openapi3.StringFormatValidator {
	return openapi3.NewCallbackValidator(func(s string) error {
		if !valid(s) {
			return errFormat
		}
		return nil
	})
}
