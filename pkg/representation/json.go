package representation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

const detailTwice = "is there twice"

// readJSON is strict where encoding/json guesses: RFC 7493 (I-JSON) forbids
// names that are there twice, bytes that are not UTF-8 and lone surrogates.
func readJSON(data []byte) (any, error) {
	decoder := jsontext.NewDecoder(bytes.NewReader(data))
	left := maxValues
	value, err := jsonValue(decoder, &left)
	if err != nil {
		return nil, jsonFault(data, decoder, err)
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, malformed("", "must be one JSON value with nothing behind it")
	}
	return value, nil
}

var (
	errDeep = errors.New("too deep")
	errMany = errors.New("too many values")
)

// jsonValue reads the next value, and takes it and what is in it from those that are left.
func jsonValue(decoder *jsontext.Decoder, left *int) (any, error) {
	if decoder.StackDepth() > maxDepth {
		return nil, errDeep
	}
	if *left--; *left < 0 {
		return nil, errMany
	}
	token, err := decoder.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '{':
		object := map[string]any{}
		for decoder.PeekKind() != '}' {
			name, err := decoder.ReadToken()
			if err != nil {
				return nil, err
			}
			key := name.String()
			if object[key], err = jsonValue(decoder, left); err != nil {
				return nil, err
			}
		}
		_, err := decoder.ReadToken()
		return object, err
	case '[':
		list := []any{}
		for decoder.PeekKind() != ']' {
			value, err := jsonValue(decoder, left)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := decoder.ReadToken()
		return list, err
	case '"':
		return token.String(), nil
	case '0':
		return number(token.String()), nil
	case 't', 'f':
		return token.Bool(), nil
	}
	return nil, nil
}

// jsonFault says what is wrong in words of our own.
func jsonFault(data []byte, decoder *jsontext.Decoder, err error) error {
	if errors.Is(err, errDeep) {
		return tooDeep()
	}
	if errors.Is(err, errMany) {
		return tooMany()
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return malformed("", "must not be empty")
	}
	at := decoder.InputOffset()
	if wrong, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at = wrong.ByteOffset
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return malformed(fieldOf(wrong.JSONPointer), detailTwice)
		}
		if text := wrong.Err.Error(); strings.Contains(text, "UTF-8") || strings.Contains(text, "surrogate") {
			return malformed("", fmt.Sprintf("is not valid UTF-8 (at byte %d)", at))
		}
	}
	return malformed("", fmt.Sprintf("is not valid JSON (at byte %d)", at))
}

func fieldOf(pointer jsontext.Pointer) string {
	var path []string
	for token := range pointer.Tokens() {
		path = append(path, token)
	}
	return strings.Join(path, ".")
}

// number writes 17.0 and 1.7e1 as 17: they are the same number, and whole.
func number(text string) json.Number {
	if !strings.ContainsAny(text, ".eE") {
		return json.Number(text)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err == nil && f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
		return json.Number(strconv.FormatInt(int64(f), 10))
	}
	return json.Number(text)
}

// decimal is a number, neither NaN nor infinity, as JSON writes it.
func decimal(f float64) json.Number {
	text, _ := json.Marshal(f)
	return number(string(text))
}
