package httpserver

import (
	"mime"
	"strconv"
	"strings"

	"github.com/tizza/tizza/pkg/problem"
)

const (
	plainJSON  = "application/json"
	mergePatch = "application/merge-patch+json"
)

func isJSON(mediaType string) bool {
	return mediaType == plainJSON || strings.HasSuffix(mediaType, "+json")
}

// acceptable says whether Accept leaves room for one of the media types, or for
// problems, which callers of an API list beside them.
func acceptable(accept []string, produces []string) bool {
	header := strings.TrimSpace(strings.Join(accept, ","))
	if header == "" || len(produces) == 0 {
		return true
	}
	for _, mediaType := range append([]string{problem.MediaType}, produces...) {
		if quality(header, mediaType) > 0 {
			return true
		}
	}
	return false
}

// quality is how much the header wants the media type (RFC 9110 §12.5.1): the
// most specific range that fits decides; 0 is a refusal.
func quality(header, mediaType string) float64 {
	major, _, _ := strings.Cut(mediaType, "/")
	best, result := -1, 0.0
	for entry := range strings.SplitSeq(header, ",") {
		name, params, err := mime.ParseMediaType(entry)
		if err != nil {
			continue
		}
		specific := -1
		switch name {
		case mediaType:
			specific = 2
		case major + "/*":
			specific = 1
		case "*/*":
			specific = 0
		}
		if specific > best {
			best, result = specific, weight(params)
		}
	}
	return result
}

func weight(params map[string]string) float64 {
	value, given := params["q"]
	if !given {
		return 1
	}
	q, err := strconv.ParseFloat(value, 64)
	if err != nil || q < 0 || q > 1 {
		return 1 // not a weight: as if none were there
	}
	return q
}

// bodyMediaType is the media type in Content-Type; false if it cannot be read or
// is in a character set other than UTF-8.
func bodyMediaType(contentType string) (string, bool) {
	name, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "", false
	}
	if charset, given := params["charset"]; given && !strings.EqualFold(charset, "utf-8") {
		return "", false
	}
	return name, true
}
