package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

// Format is a media type that a document can have.
type Format string

// The formats that every service speaks, and JSON by the name that it has as a patch.
const (
	JSON        Format = "application/json"
	MessagePack Format = "application/msgpack"
	Protobuf    Format = "application/x-protobuf"
	MergePatch  Format = "application/merge-patch+json"

	problemJSON Format = "application/problem+json"
)

// Formats are those that answers come in.
var Formats = []Format{JSON, MessagePack, Protobuf}

// problem is the media type of a problem for whoever wants this format.
func (f Format) problem() Format {
	if f == JSON {
		return problemJSON
	}
	return f
}

// Encode writes a tree (nil, bool, integers, json.Number, string, []any, map[string]any) of that schema.
func (s *Service) Encode(f Format, schema string, tree any) ([]byte, error) {
	switch f {
	case MessagePack:
		return msgp.AppendIntf(nil, plain(tree))
	case Protobuf:
		return s.messages.encode(schema, tree)
	default:
		return json.Marshal(tree)
	}
}

// plain has Go's own numbers in the place of JSON's.
func plain(tree any) any {
	switch tree := tree.(type) {
	case json.Number:
		if n, err := tree.Int64(); err == nil {
			return n
		}
		f, _ := tree.Float64()
		return f
	case []any:
		out := make([]any, len(tree))
		for i, item := range tree {
			out[i] = plain(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(tree))
		for name, value := range tree {
			out[name] = plain(value)
		}
		return out
	}
	return tree
}

var errMore = errors.New("something follows the document")

func decodeJSON(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errMore
	}
	return tree, nil
}

func decodeMsgpack(data []byte) (any, error) {
	value, rest, err := msgp.ReadIntfBytes(data)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, errMore
	}
	return tree(value)
}

// tree has JSON's types in the place of MessagePack's, and fails over what JSON has none for.
func tree(value any) (any, error) {
	switch value := value.(type) {
	case nil, bool, string:
		return value, nil
	case int64:
		return json.Number(strconv.FormatInt(value, 10)), nil
	case uint64:
		return json.Number(strconv.FormatUint(value, 10)), nil
	case float64:
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return nil, fmt.Errorf("%v is no number in JSON", value)
		}
		return json.Number(strconv.FormatFloat(value, 'g', -1, 64)), nil
	case []any:
		for i := range value {
			var err error
			if value[i], err = tree(value[i]); err != nil {
				return nil, err
			}
		}
		return value, nil
	case map[string]any:
		for name := range value {
			var err error
			if value[name], err = tree(value[name]); err != nil {
				return nil, err
			}
		}
		return value, nil
	}
	return nil, fmt.Errorf("MessagePack holds a %T, which JSON has not", value)
}
