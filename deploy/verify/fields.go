package main

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// value is what a schema says of a value, as far as Protobuf is concerned.
type value struct {
	schema  document
	name    string // of an object's schema
	kind    string // JSON's type
	null    bool   // may be null
	written bool   // by clients
}

// value reads a schema: a reference, a type that may be null, or a choice between something and null.
func (m *matcher) value(schema document, written bool) value {
	v := value{name: refName(schema), written: written}
	v.schema = m.document.resolve(schema)
	for _, choice := range list(v.schema["oneOf"]) {
		if part, _ := choice.(document); part["type"] == "null" {
			v.null = true
		} else if part != nil {
			v.name, v.schema = refName(part), m.document.resolve(part)
		}
	}
	for _, kind := range list(v.schema["type"]) {
		if kind == "null" {
			v.null = true
		} else {
			v.kind, _ = kind.(string)
		}
	}
	return v
}

// fits says what is wrong with the field for such values.
func (m *matcher) fits(v value, field protoreflect.FieldDescriptor) string {
	switch entries, isMap := v.schema["additionalProperties"].(document); {
	case v.kind == "array":
		if !field.IsList() {
			return "has to be repeated"
		}
		return m.one(m.value(v.schema.sub("items"), v.written), field)
	case isMap:
		if !field.IsMap() || field.MapKey().Kind() != protoreflect.StringKind {
			return "has to be a map of strings"
		}
		return m.one(m.value(entries, v.written), field.MapValue())
	case field.Cardinality() == protoreflect.Repeated:
		return "must not be repeated"
	}
	return m.one(v, field)
}

// one compares a single value with the field's kind.
func (m *matcher) one(v value, field protoreflect.FieldDescriptor) string {
	if v.kind == "object" {
		if field.Message() == nil {
			return "has to be a message"
		}
		m.message(v.name, field.Message(), v.written)
		return ""
	}
	if v.schema["format"] == "date-time" {
		if field.Message() == nil || field.Message().FullName() != "google.protobuf.Timestamp" {
			return "has to be google.protobuf.Timestamp"
		}
		return ""
	}
	want := map[string]protoreflect.Kind{
		"string": protoreflect.StringKind, "integer": protoreflect.Int64Kind, "boolean": protoreflect.BoolKind, "number": protoreflect.DoubleKind,
	}[v.kind]
	if v.schema["format"] == "int32" {
		want = protoreflect.Int32Kind
	}
	if field.Kind() != want {
		return fmt.Sprintf("has to be %s, not %s", want, field.Kind())
	}
	return ""
}
