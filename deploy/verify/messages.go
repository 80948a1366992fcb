package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/tizza/tizza/proto/auth/v1" // each registers its messages
	_ "github.com/tizza/tizza/proto/events/v1"
	_ "github.com/tizza/tizza/proto/likes/v1"
	_ "github.com/tizza/tizza/proto/pizza/v1"
	_ "github.com/tizza/tizza/proto/problem/v1"
)

const (
	protobuf   = "application/x-protobuf"
	mask       = "update_mask"
	maskNumber = 100
)

// messages holds the schemas that are served as Protobuf against the messages of the same names.
func messages(service string, d document) []string {
	m := &matcher{document: d, service: service, numbers: map[string]protoreflect.FieldNumber{}, seen: map[string]bool{}}
	for _, section := range []string{"requestBodies", "responses"} {
		for _, name := range slices.Sorted(maps.Keys(d.at("#/components/" + section))) {
			content := d.at("#/components/" + section + "/" + name).sub("content")
			if content != nil && content.sub(protobuf) == nil {
				m.complain("%s/%s is not there as %s", section, name, protobuf)
			}
			if schema := content.sub(protobuf).sub("schema"); schema != nil {
				m.content(schema, section == "requestBodies")
			}
		}
	}
	return m.problems
}

// matcher compares the schemas of one document with messages.
type matcher struct {
	document document
	service  string
	numbers  map[string]protoreflect.FieldNumber // of "Pizza.title", for Pizza, NewPizza and PizzaPatch
	seen     map[string]bool
	problems []string
}

func (m *matcher) complain(format string, args ...any) {
	m.problems = append(m.problems, fmt.Sprintf(format, args...))
}

// content is the schema of a body: one by name, or a choice of several.
func (m *matcher) content(schema document, written bool) {
	if name := refName(schema); name != "" {
		if found := m.find(name); found != nil {
			m.message(name, found, written)
		}
		return
	}
	for _, keyword := range []string{"oneOf", "anyOf"} {
		choices, _ := schema[keyword].([]any)
		for _, choice := range choices {
			m.content(choice.(document), written)
		}
	}
}

// find is the message of a schema: the service's own, or one of those that all answer errors with.
func (m *matcher) find(name string) protoreflect.MessageDescriptor {
	for _, pkg := range []string{m.service, "problem"} {
		full := protoreflect.FullName(pkg + ".v1." + name)
		if found, err := protoregistry.GlobalFiles.FindDescriptorByName(full); err == nil {
			return found.(protoreflect.MessageDescriptor)
		}
	}
	m.complain("schema %s: there is no message %s.v1.%s", name, m.service, name)
	return nil
}

// message compares a schema's properties with a message's fields.
func (m *matcher) message(name string, message protoreflect.MessageDescriptor, written bool) {
	if m.seen[name] {
		return
	}
	m.seen[name] = true
	schema := m.document.at("#/components/schemas/" + name)
	if string(message.Name()) != name {
		m.complain("schema %s: message %s stands in for it", name, message.FullName())
	}
	properties := schema.sub("properties")
	for _, property := range slices.Sorted(maps.Keys(properties)) {
		field := message.Fields().ByName(protoreflect.Name(property))
		if field == nil {
			m.complain("schema %s: message %s has no field %s", name, message.FullName(), property)
			continue
		}
		m.number(name, field)
		v := m.value(properties.sub(property), written)
		if why := m.fits(v, field); why != "" {
			m.complain("schema %s: %s %s", name, field.FullName(), why)
		}
		unsaid := written || v.null || !slices.Contains(list(schema["required"]), any(property))
		if unsaid && !field.HasPresence() && !field.IsList() && !field.IsMap() {
			m.complain("schema %s: %s has to be optional, to be there or not", name, field.FullName())
		}
	}
	m.rest(name, message, properties)
}

// rest is what a message has beside the schema's properties: a patch its mask, others nothing.
func (m *matcher) rest(name string, message protoreflect.MessageDescriptor, properties document) {
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		if _, known := properties[string(field.Name())]; !known && field.Name() != mask {
			m.complain("schema %s: it has no property for %s", name, field.FullName())
		}
	}
	field := message.Fields().ByName(mask)
	if patch := strings.HasSuffix(name, "Patch"); patch != (field != nil) {
		m.complain("schema %s: message %s has to have a field %s if it is a patch, and only then", name, message.FullName(), mask)
	} else if patch && (field.Number() != maskNumber || field.Message() == nil || field.Message().FullName() != "google.protobuf.FieldMask") {
		m.complain("schema %s: %s has to be google.protobuf.FieldMask %s = %d", name, field.FullName(), mask, maskNumber)
	}
}

// number remembers a field's number: Pizza, NewPizza and PizzaPatch have the same for the same field.
func (m *matcher) number(name string, field protoreflect.FieldDescriptor) {
	resource := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(name, "New"), "Whole"), "Patch")
	key := resource + "." + string(field.Name())
	if number, known := m.numbers[key]; known && number != field.Number() {
		m.complain("schema %s: %s = %d, but it is %d in another message of %s", name, field.FullName(), field.Number(), number, resource)
	}
	m.numbers[key] = field.Number()
}

func refName(schema document) string {
	reference, _ := schema["$ref"].(string)
	return strings.TrimPrefix(reference, "#/components/schemas/")
}

func list(value any) []any {
	if many, ok := value.([]any); ok {
		return many
	}
	return []any{value}
}
