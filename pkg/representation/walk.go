package representation

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// sink takes a document in the order in which it is written.
type sink interface {
	null()
	bool(bool)
	int(int64)
	float(float64)
	string(string)
	time(time.Time)
	list(n int)
	endList()
	object(n int)
	name(string)
	endObject()
}

var (
	timeType = reflect.TypeFor[time.Time]()
	textType = reflect.TypeFor[encoding.TextMarshaler]()
)

// walk writes to the sink what encoding/json would write of v, for the types
// that generated models have.
func walk(s sink, v reflect.Value) error {
	if !v.IsValid() {
		s.null()
		return nil
	}
	return walkAs(s, v, shapeOf(v.Type()))
}

func walkAs(s sink, v reflect.Value, as *shape) error {
	switch {
	case as.time:
		s.time(v.Interface().(time.Time))
		return nil
	case as.text:
		text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
		s.string(string(text))
		return err
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			s.null()
			return nil
		}
		return walk(s, v.Elem())
	case reflect.Bool:
		s.bool(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		s.int(v.Int())
	case reflect.Float32, reflect.Float64:
		s.float(v.Float())
	case reflect.String:
		s.string(v.String())
	case reflect.Slice, reflect.Array:
		return walkList(s, v)
	case reflect.Map:
		return walkMap(s, v)
	case reflect.Struct:
		return walkStruct(s, v, as)
	default:
		return fmt.Errorf("a document cannot hold %s", v.Type())
	}
	return nil
}

func walkList(s sink, v reflect.Value) error {
	if v.Kind() == reflect.Slice && v.IsNil() {
		s.null()
		return nil
	}
	s.list(v.Len())
	each := shapeOf(v.Type().Elem())
	for i := range v.Len() {
		if err := walkAs(s, v.Index(i), each); err != nil {
			return err
		}
	}
	s.endList()
	return nil
}

// walkMap writes an object; but a map from bool is a nullable.Nullable, which
// holds its value under true, and no value for null.
func walkMap(s sink, v reflect.Value) error {
	if v.Type().Key().Kind() == reflect.Bool {
		return walk(s, v.MapIndex(reflect.ValueOf(true)))
	}
	if v.IsNil() {
		s.null()
		return nil
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	s.object(len(keys))
	for _, key := range keys {
		s.name(key.String())
		if err := walk(s, v.MapIndex(key)); err != nil {
			return err
		}
	}
	s.endObject()
	return nil
}

// shape is what is found out of a type once.
type shape struct {
	time, text bool
	fields     []field // of a struct
}

type field struct {
	name      string
	index     int
	omitEmpty bool
}

var shapes sync.Map // of *shape by reflect.Type

func shapeOf(t reflect.Type) *shape {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape)
	}
	s := &shape{time: t == timeType}
	switch {
	case s.time, t.Kind() == reflect.Pointer, t.Kind() == reflect.Interface:
	case t.Implements(textType):
		s.text = true
	case t.Kind() == reflect.Struct:
		s.fields = fieldsOf(t)
	}
	shapes.Store(t, s)
	return s
}

func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		fields = append(fields, field{name, i, strings.Contains(options, "omitempty")})
	}
	return fields
}

func walkStruct(s sink, v reflect.Value, as *shape) error {
	n := 0
	for _, f := range as.fields {
		if !f.omitEmpty || !empty(v.Field(f.index)) {
			n++
		}
	}
	s.object(n)
	for _, f := range as.fields {
		value := v.Field(f.index)
		if f.omitEmpty && empty(value) {
			continue
		}
		s.name(f.name)
		if err := walk(s, value); err != nil {
			return err
		}
	}
	s.endObject()
	return nil
}

// empty is what encoding/json's omitempty leaves out.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	default:
		return v.IsZero()
	}
}
