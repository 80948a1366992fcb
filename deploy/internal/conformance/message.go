package conformance

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// messages are the Protobuf messages of a service by the names of their schemas.
type messages map[string]protoreflect.MessageDescriptor

func messagesOf(files []protoreflect.FileDescriptor) messages {
	all := messages{}
	for _, file := range files {
		for i := range file.Messages().Len() {
			all[string(file.Messages().Get(i).Name())] = file.Messages().Get(i)
		}
	}
	return all
}

const (
	maskField     = "update_mask"
	timestampName = "google.protobuf.Timestamp"
)

// encode leaves null unset, and names it in the mask if the message has one. It fails over a tree that is no such
// message.
func (m messages) encode(schema string, tree any) ([]byte, error) {
	descriptor, known := m[schema]
	object, isObject := tree.(map[string]any)
	if !known || !isObject {
		return nil, fmt.Errorf("no message %q for %T", schema, tree)
	}
	set, null := map[string]any{}, []string{}
	for name, value := range object {
		if value == nil {
			null = append(null, name)
		} else {
			set[name] = value
		}
	}
	text, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	message := dynamicpb.NewMessage(descriptor)
	if err := protojson.Unmarshal(text, message); err != nil {
		return nil, err
	}
	if field := descriptor.Fields().ByName(maskField); field != nil && len(null) > 0 {
		mask, err := proto.Marshal(&fieldmaskpb.FieldMask{Paths: null})
		if err != nil {
			return nil, err
		}
		if err := proto.Unmarshal(mask, message.Mutable(field).Message().Interface()); err != nil {
			return nil, err
		}
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(message)
}

// decode is the tree of a message. What is unset is null where the schema has null, and else left out.
func (m messages) decode(schema *openapi3.SchemaRef, data []byte) (any, error) {
	name := schemaName(schema)
	descriptor, known := m[name]
	if !known {
		return nil, fmt.Errorf("no message %q", name)
	}
	message := dynamicpb.NewMessage(descriptor)
	if err := proto.Unmarshal(data, message); err != nil {
		return nil, err
	}
	return fromMessage(message, schema.Value)
}

func fromMessage(m protoreflect.Message, schema *openapi3.Schema) (any, error) {
	if unknown := m.GetUnknown(); len(unknown) > 0 {
		return nil, fmt.Errorf("%s has fields that its file does not know: %x", m.Descriptor().FullName(), unknown)
	}
	object := map[string]any{}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		name := string(field.Name())
		property := schema.Properties[name]
		if property == nil {
			return nil, fmt.Errorf("%s has the field %s, its schema has not", m.Descriptor().FullName(), name)
		}
		if field.HasPresence() && !m.Has(field) {
			if allowsNull(property.Value) {
				object[name] = nil
			}
			continue
		}
		value, err := fromField(field, m.Get(field), property.Value)
		if err != nil {
			return nil, err
		}
		object[name] = value
	}
	return object, nil
}

func allowsNull(schema *openapi3.Schema) bool {
	if schema.Type.Includes("null") {
		return true
	}
	for _, one := range schema.OneOf {
		if allowsNull(one.Value) {
			return true
		}
	}
	return false
}

func fromField(field protoreflect.FieldDescriptor, v protoreflect.Value, schema *openapi3.Schema) (any, error) {
	switch {
	case field.IsList():
		list := make([]any, v.List().Len())
		for i := range list {
			var err error
			if list[i], err = fromValue(field, v.List().Get(i), schema.Items.Value); err != nil {
				return nil, err
			}
		}
		return list, nil
	case field.IsMap():
		object := map[string]any{}
		var err error
		v.Map().Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
			object[key.String()], err = fromValue(field.MapValue(), value, nil)
			return err == nil
		})
		return object, err
	}
	return fromValue(field, v, schema)
}

func fromValue(field protoreflect.FieldDescriptor, v protoreflect.Value, schema *openapi3.Schema) (any, error) {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return v.Bool(), nil
	case protoreflect.StringKind:
		return v.String(), nil
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		return json.Number(strconv.FormatInt(v.Int(), 10)), nil
	case protoreflect.MessageKind:
		if field.Message().FullName() == timestampName {
			fields := field.Message().Fields()
			seconds, nanos := v.Message().Get(fields.ByName("seconds")).Int(), v.Message().Get(fields.ByName("nanos")).Int()
			return time.Unix(seconds, nanos).UTC().Format(time.RFC3339Nano), nil
		}
		for _, one := range schema.OneOf { // a message, or null
			if len(one.Value.Properties) > 0 {
				schema = one.Value
			}
		}
		return fromMessage(v.Message(), schema)
	}
	return nil, fmt.Errorf("%s: no %s in these documents", field.FullName(), field.Kind())
}
