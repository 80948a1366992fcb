package representation

import (
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const timestampName = protoreflect.FullName("google.protobuf.Timestamp")

// protoWriter writes the fields of a message as they come, by name.
type protoWriter struct {
	root  protoreflect.MessageDescriptor
	out   []byte
	stack []frame
	err   error
}

// frame is what is being written: a message, or the entries of a map.
type frame struct {
	message protoreflect.MessageDescriptor
	entries protoreflect.FieldDescriptor // of a map; nil for a message
	key     string                       // of the entry
	field   protoreflect.FieldDescriptor // of the value that comes next
	start   int                          // of what is counted in the length before it
}

func (w *protoWriter) top() *frame { return &w.stack[len(w.stack)-1] }

func (w *protoWriter) fail(what string) {
	if w.err == nil {
		w.err = fmt.Errorf("protobuf %s: %s", w.root.FullName(), what)
	}
}

func (w *protoWriter) object(int) {
	if len(w.stack) == 0 {
		w.stack = append(w.stack, frame{message: w.root})
		return
	}
	field := w.next()
	switch {
	case field == nil:
		w.stack = append(w.stack, frame{message: w.root}) // failed: only to keep count
	case field.IsMap():
		w.stack = append(w.stack, frame{entries: field})
	case field.Message() != nil:
		w.tag(field, protowire.BytesType)
		w.stack = append(w.stack, frame{message: field.Message(), start: len(w.out)})
	default:
		w.fail(string(field.Name()) + " is no message")
		w.stack = append(w.stack, frame{message: w.root})
	}
}

func (w *protoWriter) endObject() {
	done := *w.top()
	w.stack = w.stack[:len(w.stack)-1]
	if len(w.stack) > 0 && done.entries == nil {
		w.close(done.start)
		w.endEntry()
	}
}

// close puts the length of what was written since start before it.
func (w *protoWriter) close(start int) {
	length := uint64(len(w.out) - start) //nolint:gosec // never negative
	room := protowire.SizeVarint(length)
	for range room {
		w.out = append(w.out, 0)
	}
	copy(w.out[start+room:], w.out[start:])
	protowire.AppendVarint(w.out[:start], length)
}

func (w *protoWriter) name(name string) {
	top := w.top()
	if top.entries != nil {
		top.key = name
		return
	}
	if top.field = top.message.Fields().ByName(protoreflect.Name(name)); top.field == nil {
		w.fail("no field " + name)
	}
}

// next is the field that the coming value belongs to. In a map it begins the entry.
func (w *protoWriter) next() protoreflect.FieldDescriptor {
	if len(w.stack) == 0 {
		w.fail("a document must be an object")
		return nil
	}
	top := w.top()
	if top.entries == nil {
		return top.field
	}
	w.out = protowire.AppendTag(w.out, top.entries.Number(), protowire.BytesType)
	top.start = len(w.out)
	w.out = protowire.AppendTag(w.out, 1, protowire.BytesType)
	w.out = protowire.AppendString(w.out, top.key)
	return top.entries.MapValue()
}

// endEntry ends the map's entry whose value has just been written.
func (w *protoWriter) endEntry() {
	if top := w.top(); top.entries != nil {
		w.close(top.start)
	}
}

func (w *protoWriter) tag(field protoreflect.FieldDescriptor, kind protowire.Type) {
	w.out = protowire.AppendTag(w.out, field.Number(), kind)
}

// implied says that a value needs not be written: it is what an absent one means.
func implied(field protoreflect.FieldDescriptor, zero bool) bool {
	return zero && !field.HasPresence() && !field.IsList() && field.ContainingMessage() != nil && !field.ContainingMessage().IsMapEntry()
}

func (w *protoWriter) null()    {}
func (w *protoWriter) list(int) {}
func (w *protoWriter) endList() {}

func (w *protoWriter) varint(zero bool, bits uint64, kinds ...protoreflect.Kind) {
	field := w.next()
	if field == nil {
		return
	}
	if !hasKind(field, kinds) {
		w.fail(string(field.Name()) + " is a " + field.Kind().String())
		return
	}
	if !implied(field, zero) {
		w.tag(field, protowire.VarintType)
		w.out = protowire.AppendVarint(w.out, bits)
	}
	w.endEntry()
}

func hasKind(field protoreflect.FieldDescriptor, kinds []protoreflect.Kind) bool {
	for _, kind := range kinds {
		if field.Kind() == kind {
			return true
		}
	}
	return false
}

func (w *protoWriter) bool(b bool) {
	w.varint(!b, protowire.EncodeBool(b), protoreflect.BoolKind)
}

func (w *protoWriter) int(n int64) {
	w.varint(n == 0, uint64(n), protoreflect.Int64Kind, protoreflect.Int32Kind) //nolint:gosec // two's complement is the encoding
}

func (w *protoWriter) float(f float64) {
	field := w.next()
	if field == nil || field.Kind() != protoreflect.DoubleKind {
		w.fail("a number where none belongs")
		return
	}
	if !implied(field, f == 0) {
		w.tag(field, protowire.Fixed64Type)
		w.out = protowire.AppendFixed64(w.out, math.Float64bits(f))
	}
	w.endEntry()
}

func (w *protoWriter) string(s string) {
	field := w.next()
	if field == nil || field.Kind() != protoreflect.StringKind {
		w.fail("text where none belongs")
		return
	}
	if !implied(field, s == "") {
		w.tag(field, protowire.BytesType)
		w.out = protowire.AppendString(w.out, s)
	}
	w.endEntry()
}

func (w *protoWriter) time(t time.Time) {
	field := w.next()
	if field == nil || field.Message() == nil || field.Message().FullName() != timestampName {
		w.fail("a time where none belongs")
		return
	}
	w.tag(field, protowire.BytesType)
	start := len(w.out)
	if seconds := t.Unix(); seconds != 0 {
		w.out = protowire.AppendTag(w.out, 1, protowire.VarintType)
		w.out = protowire.AppendVarint(w.out, uint64(seconds)) //nolint:gosec // two's complement is the encoding
	}
	if nanos := t.Nanosecond(); nanos != 0 {
		w.out = protowire.AppendTag(w.out, 2, protowire.VarintType)
		w.out = protowire.AppendVarint(w.out, uint64(nanos)) //nolint:gosec // never negative
	}
	w.close(start)
	w.endEntry()
}
