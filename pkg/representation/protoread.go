package representation

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	maskName  = protoreflect.FullName("google.protobuf.FieldMask")
	maskField = protoreflect.Name("update_mask")
)

func readProto(kind protoreflect.MessageType, data []byte) (any, error) {
	message := kind.New()
	if err := (proto.UnmarshalOptions{RecursionLimit: maxDepth}).Unmarshal(data, message.Interface()); err != nil {
		return nil, malformed("", "is not a valid Protobuf message "+string(message.Descriptor().FullName()))
	}
	return protoObject(message, "")
}

// protoObject is the tree of a message: what is set, and null for what the mask
// names and is not.
func protoObject(m protoreflect.Message, path string) (map[string]any, error) {
	if unknown := m.GetUnknown(); len(unknown) > 0 {
		number, _, _ := protowire.ConsumeTag(unknown)
		return nil, malformed(path+"#"+strconv.Itoa(int(number)), "is not a known field")
	}
	object := map[string]any{}
	var err error
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := string(field.Name())
		if isMask(field) {
			return true
		}
		object[name], err = protoField(field, v, path+name)
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	return object, clear(m, object)
}

func isMask(field protoreflect.FieldDescriptor) bool {
	return field.Name() == maskField && field.Message() != nil && field.Message().FullName() == maskName
}

// clear says null of what the mask names and is not set.
func clear(m protoreflect.Message, object map[string]any) error {
	field := m.Descriptor().Fields().ByName(maskField)
	if field == nil || !isMask(field) || !m.Has(field) {
		return nil
	}
	mask := m.Get(field).Message()
	paths := mask.Get(mask.Descriptor().Fields().ByName("paths")).List()
	for i := range paths.Len() {
		name := paths.Get(i).String()
		if named := m.Descriptor().Fields().ByName(protoreflect.Name(name)); named == nil || isMask(named) {
			return malformed(string(maskField), "must hold names of fields only")
		}
		if _, set := object[name]; !set {
			object[name] = nil
		}
	}
	return nil
}

func protoField(field protoreflect.FieldDescriptor, v protoreflect.Value, path string) (any, error) {
	switch {
	case field.IsList():
		list := make([]any, v.List().Len())
		for i := range list {
			item, err := protoValue(field, v.List().Get(i), path+"."+strconv.Itoa(i))
			if err != nil {
				return nil, err
			}
			list[i] = item
		}
		return list, nil
	case field.IsMap():
		object := make(map[string]any, v.Map().Len())
		var err error
		v.Map().Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
			object[key.String()], err = protoValue(field.MapValue(), value, path+"."+key.String())
			return err == nil
		})
		return object, err
	}
	return protoValue(field, v, path)
}

func protoValue(field protoreflect.FieldDescriptor, v protoreflect.Value, path string) (any, error) {
	switch field.Kind() {
	case protoreflect.MessageKind:
		if field.Message().FullName() == timestampName {
			return protoTime(v.Message()), nil
		}
		return protoObject(v.Message(), path+".")
	case protoreflect.StringKind:
		return v.String(), nil
	case protoreflect.BoolKind:
		return v.Bool(), nil
	case protoreflect.DoubleKind:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, malformed(path, "must not be NaN or infinity")
		}
		return decimal(v.Float()), nil
	default: // the integers
		return json.Number(strconv.FormatInt(v.Int(), 10)), nil
	}
}

// protoTime is the time as JSON has it. What is outside of a Timestamp's range
// becomes a text that is no time, so that the validator names the field.
func protoTime(m protoreflect.Message) string {
	fields := m.Descriptor().Fields()
	seconds, nanos := m.Get(fields.ByNumber(1)).Int(), m.Get(fields.ByNumber(2)).Int()
	t := time.Unix(seconds, nanos).UTC()
	if seconds < firstSecond || seconds > lastSecond || nanos < 0 || nanos >= int64(time.Second) {
		return "out of range"
	}
	return t.Format(time.RFC3339Nano)
}

// The first and the last second of the years that RFC 3339 can write.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
)
