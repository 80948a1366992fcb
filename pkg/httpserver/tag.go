package httpserver

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/tizza/tizza/pkg/fault"
	"github.com/tizza/tizza/pkg/representation"
	"github.com/tizza/tizza/pkg/version"
)

// An ETag is "<state>.<edition>.<representation>": what state the resource is
// in, which edition of openapi.yaml it is told by, and in which format and
// coding. So no two representations share a tag (RFC 9110 §8.8.3), and a change
// of the document makes new ones. The state is a row's version, or a mark and a
// hash for what has no version of its own.
const (
	markList    = "l" // the versions of a page's rows
	markContent = "h" // the content itself
)

func (e *exchange) tag(state string) string {
	return `"` + state + "." + e.edition + "." + e.choice.String() + `"`
}

// hash is short enough for a header and long enough never to meet another.
func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// entityTag is one of a list in a header.
type entityTag struct {
	text string // with its quotes
	weak bool
}

// state is the first part of a tag of ours.
func (t entityTag) state() string {
	state, _, _ := strings.Cut(strings.Trim(t.text, `"`), ".")
	return state
}

// condition is an If-Match or If-None-Match (RFC 9110 §13.1): a star, or tags.
type condition struct {
	given bool
	star  bool
	tags  []entityTag
}

func parseCondition(header http.Header, name string) (condition, bool) {
	c := condition{given: len(header.Values(name)) > 0}
	rest := strings.TrimSpace(strings.Join(header.Values(name), ","))
	if rest == "*" {
		c.star = true
		return c, true
	}
	for rest != "" {
		var t entityTag
		rest, t.weak = strings.CutPrefix(rest, "W/")
		if !strings.HasPrefix(rest, `"`) {
			return c, false
		}
		end := strings.IndexByte(rest[1:], '"')
		if end < 0 {
			return c, false
		}
		t.text, rest = rest[:end+2], strings.TrimLeft(rest[end+2:], " \t")
		c.tags = append(c.tags, t)
		if rest != "" && rest[0] != ',' {
			return c, false
		}
		rest = strings.TrimLeft(rest, ", \t")
	}
	return c, !c.given || len(c.tags) > 0
}

func (c condition) holds(tag string) bool { // weakly, as If-None-Match compares
	return c.star || slices.ContainsFunc(c.tags, func(t entityTag) bool { return t.text == tag })
}

// versions are those of the tags that name one. Weak tags never match strongly.
func (c condition) versions(weak bool) []int64 {
	versions := make([]int64, 0, len(c.tags))
	for _, t := range c.tags {
		if v, ok := t.version(); ok && (weak || !t.weak) {
			versions = append(versions, v)
		}
	}
	return versions
}

// version is what a tag of ours begins with, of whichever edition and representation.
func (t entityTag) version() (int64, bool) {
	state, rest, _ := strings.Cut(strings.Trim(t.text, `"`), ".")
	_, representation, ours := strings.Cut(rest, ".")
	v, err := strconv.ParseInt(state, 10, 64)
	return v, err == nil && ours && representation != "" && strconv.FormatInt(v, 10) == state
}

// fingerprints are those of the pages that the caller has in this representation
// and with these links.
func (e *exchange) fingerprints(linked string) []string {
	var known []string
	for _, t := range e.ifNoneMatch.tags {
		if fingerprint, ok := strings.CutPrefix(strings.TrimSuffix(t.state(), linked), markList); ok && t.text == e.tag(markList+fingerprint+linked) {
			known = append(known, fingerprint)
		}
	}
	return known
}

// Condition is what the request demands of the version that it would change.
func Condition(c echo.Context) version.Condition {
	e := exchangeOf(c)
	demand := version.Condition{Exist: e.ifMatch.star, Absent: e.ifNoneMatch.star}
	if e.ifMatch.given && !e.ifMatch.star {
		demand.Match = e.ifMatch.versions(false)
	}
	if !e.ifNoneMatch.star {
		demand.NoneMatch = e.ifNoneMatch.versions(true)
	}
	return demand
}

// exchange is what is known of a request, and of how it will be answered.
type exchange struct {
	codec                *representation.Codec
	choice               representation.Choice
	edition              string
	ifMatch, ifNoneMatch condition
	document             any // the body's tree, once it has been validated
}

const exchangeKey = "exchange"

func exchangeOf(c echo.Context) *exchange {
	if e, ok := c.Get(exchangeKey).(*exchange); ok {
		return e
	}
	r := c.Request() // a route that the document does not describe
	e := &exchange{codec: representation.FromContext(r.Context())}
	e.choice, _ = representation.Choose(r)
	return e
}

// begin reads what every request to the API says of its answer. A condition that
// cannot be read is refused where ignoring it could lose somebody's update.
func (s *Server) begin(c echo.Context, op *operation) (*exchange, error) {
	r := c.Request()
	e := &exchange{codec: s.codec, edition: s.spec.edition}
	var ok bool
	if e.choice, ok = representation.Choose(r); !ok && op.answers {
		return nil, fault.New(fault.NotAcceptable, "This is served as "+representation.MediaTypes()+".")
	}
	var bad []fault.Field
	read := func(name string) condition {
		if lines := r.Header.Values(name); len(lines) > 1 { // several lines are one list (RFC 9110 §5.3)
			r.Header.Set(name, strings.Join(lines, ", "))
		}
		parsed, ok := parseCondition(r.Header, name)
		if !ok && r.Method != http.MethodGet {
			bad = append(bad, fault.Field{Field: name, Detail: `must be * or entity tags in quotes, such as "17.x.json"`})
		}
		return parsed
	}
	e.ifMatch, e.ifNoneMatch = read("If-Match"), read("If-None-Match")
	if len(bad) > 0 {
		return nil, fault.Invalid(bad...)
	}
	c.Set(exchangeKey, e)
	return e, nil
}
