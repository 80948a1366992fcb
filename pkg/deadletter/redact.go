package deadletter

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"unicode/utf8"
)

// mostShown is how many members of an array are shown redacted.
const mostShown = 10

// redacted says what a body looks like, and nothing of what it says: a JSON document's names with its values replaced,
// of anything else the size.
func redacted(contentType string, body []byte) any {
	if document, err := decode(contentType, body); err == nil {
		return withoutValues(document)
	}
	return fmt.Sprintf("…%d bytes", len(body))
}

func withoutValues(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			value[name] = withoutValues(member)
		}
		return value
	case []any:
		beyond := len(value) - mostShown
		if beyond > 0 {
			value = append(value[:mostShown:mostShown], nil)
		}
		for i, member := range value {
			value[i] = withoutValues(member)
		}
		if beyond > 0 {
			value[mostShown] = fmt.Sprintf("…%d more", beyond)
		}
		return value
	case string:
		return fmt.Sprintf("…%d characters", utf8.RuneCountInString(value))
	case json.Number:
		return "…a number"
	case bool:
		return "…true or false"
	}
	return nil
}

// revealed is a body as one can read it.
func revealed(contentType string, body []byte) any {
	if document, err := decode(contentType, body); err == nil {
		return document
	}
	if utf8.Valid(body) {
		return string(body)
	}
	return "hex:" + hex.EncodeToString(body)
}

func decode(contentType string, body []byte) (document any, err error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, err
	}
	if kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return nil, errors.New("not JSON")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // large ids stay what they are
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one document")
	}
	return document, nil
}
