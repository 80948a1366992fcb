package representation

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// Format is one of the formats.
type Format int

// The formats, the preferred one first.
const (
	JSON Format = iota
	MessagePack
	Protobuf
)

// Formats are all of them.
var Formats = [...]Format{JSON, MessagePack, Protobuf}

var (
	mediaTypes = [...]string{"application/json", "application/msgpack", "application/x-protobuf"}
	names      = [...]string{"json", "msgpack", "protobuf"}
)

// MediaType is what a document in the format is served as.
func (f Format) MediaType() string { return mediaTypes[f] }

// String is the format's short name.
func (f Format) String() string { return names[f] }

// ProblemMediaType is what a problem in the format is served as. RFC 9457 has a
// media type for JSON only; the others are what the caller asked for.
func (f Format) ProblemMediaType() string {
	if f == JSON {
		return "application/problem+json"
	}
	return f.MediaType()
}

// MediaTypes are those of all formats, for people.
func MediaTypes() string { return strings.Join(mediaTypes[:], ", ") }

// Of is the format of a media type. JSON's descendants (+json) are JSON.
func Of(mediaType string) (Format, bool) {
	for _, f := range Formats {
		if mediaType == f.MediaType() {
			return f, true
		}
	}
	return JSON, strings.HasSuffix(mediaType, "+json")
}

// ContentType reads a Content-Type: the media type and its format. It returns
// false for a format that is not known, and for text that is not UTF-8.
func ContentType(header string) (mediaType string, f Format, ok bool) {
	mediaType, params, err := mime.ParseMediaType(header)
	if err != nil {
		return "", JSON, false
	}
	if charset, given := params["charset"]; given && !strings.EqualFold(charset, "utf-8") {
		return "", JSON, false
	}
	f, ok = Of(mediaType)
	return mediaType, f, ok
}

// Accepted is the format that a request's Accept wants most (RFC 9110 §12.5.1):
// of equal weights the one that is named more precisely, then the one that is
// named first. It returns false if none will do.
func Accepted(header http.Header) (Format, bool) {
	accept := strings.TrimSpace(strings.Join(header.Values("Accept"), ","))
	if strings.Trim(accept, ", \t") == "" {
		return JSON, true
	}
	ranges := parseAccept(accept)
	var best wish
	chosen, found := JSON, false
	for _, f := range Formats {
		w := ranges.wish(f.MediaType())
		if f == JSON && w.specific < exact { // who lists problems alone takes JSON
			if problems := ranges.wish(f.ProblemMediaType()); problems.specific == exact && w.q == 0 {
				w = problems
			}
		}
		if w.q > 0 && (!found || w.beats(best)) {
			best, chosen, found = w, f, true
		}
	}
	return chosen, found
}

// How precisely a range names a media type.
const (
	unnamed = iota
	anything
	anyOfKind
	exact
)

// wish is what a header says of one thing: its weight, from the most precise range.
type wish struct {
	q        float64
	specific int
	position int
}

func (w wish) beats(other wish) bool {
	if w.q != other.q {
		return w.q > other.q
	}
	if w.specific != other.specific {
		return w.specific > other.specific
	}
	return w.position < other.position
}

type mediaRange struct {
	name string
	q    float64
}

type accept []mediaRange

func parseAccept(header string) accept {
	var ranges accept
	for entry := range strings.SplitSeq(header, ",") {
		if name, params, err := mime.ParseMediaType(entry); err == nil {
			ranges = append(ranges, mediaRange{name, weight(params["q"])})
		}
	}
	return ranges
}

func (a accept) wish(mediaType string) wish {
	kind, _, _ := strings.Cut(mediaType, "/")
	var w wish
	for position, r := range a {
		specific := unnamed
		switch r.name {
		case mediaType:
			specific = exact
		case kind + "/*":
			specific = anyOfKind
		case "*/*":
			specific = anything
		}
		if specific > w.specific {
			w = wish{r.q, specific, position}
		}
	}
	return w
}

// weight reads a q; what is not one counts as if none were there.
func weight(text string) float64 {
	q, err := strconv.ParseFloat(text, 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 1
	}
	return q
}
