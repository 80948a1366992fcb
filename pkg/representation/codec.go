package representation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/tizza/tizza/pkg/fault"
)

// Schema is a document that knows the name of its schema; of others it is the
// name of the Go type.
type Schema interface{ SchemaName() string }

// Codec reads and writes documents.
type Codec struct {
	messages map[string]protoreflect.MessageType // by the name without the package
}

// NewCodec makes a codec that knows the messages of the files.
func NewCodec(files ...protoreflect.FileDescriptor) (*Codec, error) {
	c := &Codec{messages: map[string]protoreflect.MessageType{}}
	for _, file := range files {
		for i := range file.Messages().Len() {
			name := file.Messages().Get(i).FullName()
			message, err := protoregistry.GlobalTypes.FindMessageByName(name)
			if err != nil { // no generated code is linked in: slower, and the same
				message = dynamicpb.NewMessageType(file.Messages().Get(i))
			}
			if _, twice := c.messages[string(name.Name())]; twice {
				return nil, fmt.Errorf("message %s: another one has this name", name)
			}
			c.messages[string(name.Name())] = message
		}
	}
	return c, nil
}

// Knows says whether a schema of that name can be written as Protobuf.
func (c *Codec) Knows(schema string) bool { return c.messages[schema] != nil }

// Write is v in the format. It fails only if v does not fit its schema.
func (c *Codec) Write(f Format, v any) ([]byte, error) {
	switch f {
	case MessagePack:
		w := msgpackWriter{out: make([]byte, 0, firstRoom)}
		err := walk(&w, reflect.ValueOf(v))
		return w.out, err
	case Protobuf:
		message, known := c.messages[schemaName(v)]
		if !known {
			return nil, fmt.Errorf("no protobuf message %s", schemaName(v))
		}
		w := protoWriter{root: message.Descriptor(), out: make([]byte, 0, firstRoom)}
		if err := walk(&w, reflect.ValueOf(v)); err != nil {
			return nil, err
		}
		return w.out, w.err
	default:
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false) // it is no HTML, and says so
		err := encoder.Encode(v)
		return out.Bytes(), err
	}
}

func schemaName(v any) string {
	if named, ok := v.(Schema); ok {
		return named.SchemaName()
	}
	t := reflect.TypeOf(v)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// Read is the tree of a document in the format: nil, bool, json.Number, string,
// []any and map[string]any. Numbers that are whole are written as such. The
// schema's name is what Protobuf needs to know. It returns fault.Invalid for
// what cannot be read.
func (c *Codec) Read(f Format, schema string, data []byte) (any, error) {
	switch f {
	case MessagePack:
		return readMsgpack(data)
	case Protobuf:
		message, known := c.messages[schema]
		if !known {
			return nil, fmt.Errorf("no protobuf message %s", schema)
		}
		return readProto(message, data)
	default:
		return readJSON(data)
	}
}

// firstRoom is for most single documents, in bytes; lists grow out of it.
const firstRoom = 1 << 10

// What comes in is bounded in depth, and in how many values it holds: an entry of
// one byte takes some seventy once it is a value.
const (
	maxDepth  = 32
	maxValues = 10_000
)

// Body names the document as a whole where no field of it is to blame.
const Body = "body"

func malformed(field, detail string) error {
	if field == "" {
		field = Body
	}
	return fault.Invalid(fault.Field{Field: field, Detail: detail})
}

func tooMany() error {
	return malformed("", fmt.Sprintf("must not hold more than %d values", maxValues))
}

func tooDeep() error { return malformed("", fmt.Sprintf("must not nest deeper than %d", maxDepth)) }
