package message

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"regexp"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Format is how bodies are written. Consumers read all of them.
type Format string

// The formats, as MESSAGE_FORMAT names them.
const (
	JSON     Format = "json"
	Protobuf Format = "protobuf"
)

const (
	jsonType     = "application/json"
	protobufType = "application/x-protobuf"
)

// Expected says what the text of a format may be.
func (Format) Expected() string { return `json or protobuf` }

// UnmarshalText takes a format's name and refuses every other word.
func (f *Format) UnmarshalText(text []byte) error {
	switch name := Format(text); name {
	case JSON, Protobuf:
		*f = name
		return nil
	}
	return fmt.Errorf("must be %q or %q", JSON, Protobuf)
}

// Encode writes body in the format and names the content type. JSON has the schema's own field names, every field,
// and 64-bit integers as numbers, which they are everywhere else in JSON; keep them below 2^53. The same body always gives
// the same bytes.
func Encode(format Format, body proto.Message) (contentType string, encoded []byte, err error) {
	if format == Protobuf {
		encoded, err = proto.MarshalOptions{Deterministic: true}.Marshal(body)
		contentType = protobufType
	} else {
		encoded, err = marshalJSON(body)
		contentType = jsonType
	}
	if err != nil {
		return "", nil, fmt.Errorf("encode %s: %w", body.ProtoReflect().Descriptor().FullName(), err)
	}
	return contentType, encoded, nil
}

// Decode reads a body of any served content type; none at all means JSON. Unknown fields are skipped: a newer minor
// version may have added them.
func Decode(contentType string, encoded []byte, body proto.Message) error {
	media := jsonType
	if contentType != "" {
		var err error
		if media, _, err = mime.ParseMediaType(contentType); err != nil {
			return fmt.Errorf("content type %q: %w", contentType, err)
		}
	}
	var err error
	switch media {
	case jsonType:
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(encoded, body)
	case protobufType:
		err = proto.Unmarshal(encoded, body)
	default:
		return fmt.Errorf("content type %q: want %s or %s", media, jsonType, protobufType)
	}
	if err != nil {
		return fmt.Errorf("decode %s: not valid %s %s", body.ProtoReflect().Descriptor().FullName(), media, position.FindString(err.Error()))
	}
	return nil
}

// position is all that is told of why a body cannot be read: the rest of such an error may repeat what stands in it, and
// that may be somebody's.
var position = regexp.MustCompile(`\(line \d+:\d+\)`)

// marshalJSON is protojson but for two things: 64-bit integers are numbers, and the same body always gives the same
// bytes, where protojson varies its white space on purpose.
func marshalJSON(body proto.Message) ([]byte, error) {
	encoded, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(body)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(encoded, &fields); err != nil {
		return nil, err
	}
	known := body.ProtoReflect().Descriptor().Fields()
	for name, value := range fields {
		field := known.ByName(protoreflect.Name(name))
		if field != nil && !field.IsList() && !field.IsMap() && is64Bit(field.Kind()) {
			fields[name] = bytes.Trim(value, `"`)
		}
	}
	return json.Marshal(fields)
}

func is64Bit(kind protoreflect.Kind) bool {
	switch kind {
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind,
		protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return true
	}
	return false
}
