package setting

import (
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// field is one setting: a field of the program's struct, or several that share a name.
type field struct {
	paths [][]int // for reflect.Value.FieldByIndex
	live  bool    // all of them are
	never string  // why it is not overridden; "" if it may be
}

// catalogue finds the settings below a struct, as the loader does.
func catalogue(structure reflect.Type, path []int, prefix string, into map[string]field) {
	for i := range structure.NumField() {
		f := structure.Field(i)
		tag, tagged := f.Tag.Lookup("env")
		name, options, _ := strings.Cut(tag, ",")
		at := append(slices.Clone(path), i)
		switch {
		case !f.IsExported() || name == "-":
		case tagged:
			live := reflect.PointerTo(f.Type).Implements(reflect.TypeFor[changing]())
			known, again := into[prefix+name]
			known.paths = append(known.paths, at)
			known.live = live && (known.live || !again)
			if reason := closed(f, options); reason != "" {
				known.never = prefix + name + ": " + reason
			}
			into[prefix+name] = known
		case f.Type.Kind() == reflect.Struct:
			catalogue(f.Type, at, prefix+f.Tag.Get("envPrefix"), into)
		}
	}
}

// closed says why a field is the environment's alone, "" if it is not: because of its tag `override:"never"`, after
// which and a comma the tag may say what to do instead, because it holds a secret, or because the loader would read the
// file that its value names.
func closed(f reflect.StructField, options string) string {
	tag, instead, _ := strings.Cut(f.Tag.Get("override"), ",")
	switch {
	case tag == "never" && instead != "":
		return "is not set here; " + strings.TrimSpace(instead)
	case tag == "never":
		return "is not set here, only in the environment"
	case secretive(f.Type, nil):
		return "is a secret, and is not set here"
	case options != "":
		return "is read in a way of its own, and is not set here"
	}
	return ""
}

// secretive reports whether values of the type have a Secret in them; seen are the types around it.
func secretive(t reflect.Type, seen []reflect.Type) bool {
	if slices.Contains(seen, t) {
		return false
	}
	seen = append(slices.Clone(seen), t)
	if live, ok := reflect.New(t).Interface().(changing); ok {
		return secretive(live.holds(), seen)
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return secretive(t.Elem(), seen)
	case reflect.Map:
		return secretive(t.Key(), seen) || secretive(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if secretive(t.Field(i).Type, seen) {
				return true
			}
		}
	}
	return t == reflect.TypeFor[Secret]()
}

// same reports whether two copies of the program's struct agree on the setting.
func (f field) same(a, b reflect.Value) bool {
	return !slices.ContainsFunc(f.paths, func(path []int) bool {
		return !reflect.DeepEqual(a.FieldByIndex(path).Interface(), b.FieldByIndex(path).Interface())
	})
}

// take gives the live fields of one struct the values of another.
func (f field) take(into, from reflect.Value) {
	for _, path := range f.paths {
		if live, ok := into.FieldByIndex(path).Addr().Interface().(changing); ok {
			live.take(from.FieldByIndex(path).Addr().Interface())
		}
	}
}

// keep puts the live fields of the struct before into the struct after, with the values of the latter.
func (f field) keep(before, after reflect.Value) {
	f.take(before, after)
	for _, path := range f.paths {
		if _, ok := after.FieldByIndex(path).Addr().Interface().(changing); ok {
			after.FieldByIndex(path).Set(before.FieldByIndex(path))
		}
	}
}

const maxOverride = 2 << 10

func printable(value string) bool {
	return len(value) <= maxOverride && utf8.ValidString(value) && strings.IndexFunc(value, unicode.IsControl) < 0
}
