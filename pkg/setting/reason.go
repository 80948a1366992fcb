package setting

import (
	"encoding"
	"errors"
	"log/slog"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// reason says what a value should have been. It never repeats the value, which
// may be a secret put under the wrong name.
func reason(err error) string {
	var (
		parse    env.ParseError
		unset    env.VarIsNotSetError
		empty    env.EmptyVarError
		unloaded env.LoadFileContentError
	)
	switch {
	case errors.As(err, &parse):
		return "must be " + expected(parse.Type)
	case errors.As(err, &unset), errors.As(err, &empty):
		return "is required"
	case errors.As(err, &unloaded):
		return "names a file that cannot be read"
	default:
		return "cannot be read into its type" // a mistake in the program, which its first start shows
	}
}

func expected(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a duration such as 500ms, 15s or 24h"
	case reflect.TypeFor[url.URL]():
		return "a URL"
	case reflect.TypeFor[slog.Level]():
		return "debug, info, warn or error"
	}
	if typed, ok := reflect.Zero(t).Interface().(interface{ Expected() string }); ok {
		return typed.Expected()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return "a valid " + strings.ToLower(t.Name())
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number, 0 or more"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list separated by commas, each " + expected(t.Elem())
	case reflect.Map:
		return "a list of key:value separated by commas"
	default:
		return "a valid " + strings.ToLower(t.Name())
	}
}

// clean gives an error's message without what it may repeat of a secret: errors
// of net/url carry the whole URL, and within it sometimes only the password.
func (l *loader) clean(err error) string {
	message := err.Error()
	var bad *url.Error
	if errors.As(err, &bad) {
		message = strings.ReplaceAll(message, bad.Error(), "not a valid URL")
	}
	for _, secret := range l.secrets {
		if len(secret) < 4 {
			continue // would only tear words apart
		}
		quoted := strings.Trim(strconv.Quote(secret), `"`)
		for _, form := range []string{secret, quoted} {
			message = strings.ReplaceAll(message, form, redacted)
		}
	}
	return strings.ReplaceAll(message, "\n", " ")
}

// flatten takes apart what errors.Join put together.
func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if err == nil {
			return nil
		}
		return []error{err}
	}
	if parts := joined.Unwrap(); err.Error() == errors.Join(parts...).Error() {
		var flat []error
		for _, part := range parts {
			flat = append(flat, flatten(part)...)
		}
		return flat
	}
	return []error{err} // fmt.Errorf with several %w: its text is more than its parts
}
