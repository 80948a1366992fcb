package conformance

import (
	"errors"
	"maps"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
)

var errFormat = errors.New("not of the format")

func format(valid func(string) bool) openapi3.StringFormatValidator {
	return openapi3.NewCallbackValidator(func(s string) error {
		if !valid(s) {
			return errFormat
		}
		return nil
	})
}

// responseOptions hold answers to more than requests: times are in UTC. They do not ask for JSON Schema 2020-12, for which
// kin-openapi would compile every schema anew each time; what it then does not look at, the services refuse to have in a
// document.
var responseOptions = []openapi3.SchemaValidationOption{
	openapi3.VisitAsResponse(), openapi3.MultiErrors(), openapi3.DisableSchemaErrorDetails(),
	openapi3.WithStringFormatValidators(map[string]openapi3.StringFormatValidator{
		"uuid": format(func(s string) bool { return uuid.Validate(s) == nil && len(s) == len(uuid.Nil.String()) }),
		"date-time": format(func(s string) bool {
			t, err := time.Parse(time.RFC3339, s)
			return err == nil && t.Format(time.RFC3339Nano) == t.UTC().Format(time.RFC3339Nano)
		}),
		"email": format(func(s string) bool { _, err := mail.ParseAddress(s); return err == nil }),
		"uri":   format(func(s string) bool { u, err := url.Parse(s); return err == nil && u.IsAbs() }),
		"uri-reference": format(func(s string) bool {
			_, err := url.Parse(s)
			return err == nil
		}),
	}),
}

func checkTree(wrong *complaints, schema *openapi3.Schema, tree any) {
	if err := schema.VisitJSON(tree, responseOptions...); err != nil {
		wrong.add("the body does not fit its schema: %v", err)
	}
	undocumented(wrong, schema, tree, "")
}

// undocumented complains about members that the schema does not have: it allows them, and nobody meant to send them.
func undocumented(wrong *complaints, schema *openapi3.Schema, tree any, path string) {
	for _, one := range slices.Concat(schema.OneOf, schema.AnyOf) {
		if one.Value.VisitJSON(tree, responseOptions...) == nil {
			schema = one.Value
			break
		}
	}
	switch tree := tree.(type) {
	case []any:
		for _, item := range tree {
			if schema.Items != nil {
				undocumented(wrong, schema.Items.Value, item, path+"[]")
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(tree)) {
			if property := schema.Properties[name]; property != nil {
				undocumented(wrong, property.Value, tree[name], path+"."+name)
			} else if schema.AdditionalProperties.Schema == nil {
				wrong.add("%s.%s is not documented", path, name)
			}
		}
	}
}

// internals are words that only we should ever read.
var internals = regexp.MustCompile(`(?i)sqlstate|relation "|constraint|gorm|pgx|pgconn|goroutine|\.go:\d|panic|runtime error|dial tcp|127\.0\.0\.1|connection refused`)

// checkProblem looks at what RFC 9457 and the contract say of every problem.
func (r Request) checkProblem(wrong *complaints, a *Answer) {
	if status := a.Member("status"); status == nil || jsonInt(status) != int64(a.Status) {
		wrong.add("the problem's status is %v", status)
	}
	if trace := a.Member("trace_id"); trace != a.trace && r.Header["Traceparent"] == nil {
		wrong.add("trace_id is %v, the request's trace is %s", trace, a.trace)
	}
	if a.Status == 404 && a.Member("detail") != "Not found." {
		wrong.add("detail is %v", a.Member("detail"))
	}
	if found := internals.Find(a.Data); found != nil && !slices.Contains([]string{r.target(), string(r.Raw)}, string(found)) {
		wrong.add("it tells internals: %q", found)
	}
	if a.Status == 406 || a.Status == 415 && a.Header.Get("Accept-Encoding") == "" {
		detail, _ := a.Member("detail").(string)
		for _, f := range Formats {
			if !strings.Contains(detail, string(f)) {
				wrong.add("the detail does not name %s", f)
			}
		}
	}
	if a.Status == 415 && a.Header.Get("Accept") == "" && a.Header.Get("Accept-Encoding") == "" {
		wrong.add("neither Accept nor Accept-Encoding say what is read")
	}
}

func jsonInt(v any) int64 {
	n, ok := v.(interface{ Int64() (int64, error) })
	if !ok {
		return -1
	}
	i, _ := n.Int64()
	return i
}
