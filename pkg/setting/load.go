package setting

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Error is what Load found wrong, one line per setting, each beginning with the
// name of its variable.
type Error struct{ Settings []string }

// Error lists every bad setting on a line of its own.
func (e *Error) Error() string {
	return "bad settings:\n  " + strings.Join(e.Settings, "\n  ")
}

// Load reads the environment into cfg, a pointer to a struct that holds the
// development defaults. It then asks every nested struct that has a method
// Validate() error, whose messages should begin with the variable's name and may
// be joined with errors.Join. An error about settings is an *Error.
func Load(cfg any) error { return load(cfg, os.Environ()) }

func load(cfg any, environ []string) error {
	root := reflect.ValueOf(cfg)
	if root.Kind() != reflect.Pointer || root.IsNil() || root.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("load settings into %T: want a pointer to a struct", cfg)
	}
	l := &loader{environment: env.ToMap(environ), unread: map[string]bool{}}
	l.load(root.Elem())
	if len(l.problems) == 0 {
		return nil
	}
	return &Error{Settings: l.problems}
}

type loader struct {
	environment map[string]string
	production  bool
	problems    []string
	leftovers   []string // secrets that still have their development value
	unread      map[string]bool
	secrets     []string // values that no message may contain
}

func (l *loader) load(structure reflect.Value) {
	l.readStruct(structure, "")
	if l.production {
		l.problems = append(l.problems, l.leftovers...)
	}
	l.validate(structure)
}

func (l *loader) readStruct(structure reflect.Value, prefix string) {
	for i := range structure.NumField() {
		field, value := structure.Type().Field(i), structure.Field(i)
		tag, tagged := field.Tag.Lookup("env")
		name, _, _ := strings.Cut(tag, ",")
		switch {
		case !field.IsExported() || name == "-":
		case tagged:
			l.readField(field, value, prefix, name)
		case value.Kind() == reflect.Struct:
			l.readStruct(value, prefix+field.Tag.Get("envPrefix"))
		}
	}
}

func (l *loader) readField(field reflect.StructField, value reflect.Value, prefix, name string) {
	name = prefix + name
	development := field.Tag.Get("envDefault")
	if !value.IsZero() {
		development = value.String()
	}
	// A pre-filled value comes before the tag's default.
	if l.environment[name] != "" || value.IsZero() {
		if err := l.parse(field, value, prefix); err != nil {
			l.problems = append(l.problems, name+": "+reason(err))
			l.unread[name] = true
			l.fallBack(field, value, prefix, name)
			return
		}
	}
	if live, ok := value.Addr().Interface().(changing); ok {
		live.own()
		if secretive(live.holds(), nil) {
			l.problems = append(l.problems, name+": holds a secret, which cannot be live")
		}
	}
	if secret, ok := value.Interface().(Secret); ok && secret != "" {
		l.secrets = append(l.secrets, secret.Reveal())
		if secret.Reveal() == development {
			l.leftovers = append(l.leftovers, name+": still has its development value, and this is production")
		}
	}
	if name == "APP_ENV" {
		l.production = strings.EqualFold(fmt.Sprint(value.Interface()), "production")
	}
}

// fallBack gives a field that could not be read its default, so that what is said of the others is not for its sake.
func (l *loader) fallBack(field reflect.StructField, value reflect.Value, prefix, name string) {
	if value.IsZero() {
		delete(l.environment, name)
		_ = l.parse(field, value, prefix) // without one it stays zero
	}
	if live, ok := value.Addr().Interface().(changing); ok {
		live.own()
	}
}

// parse reads one field through an anonymous struct of only that field: the
// library's errors know the field but not its variable.
func (l *loader) parse(field reflect.StructField, value reflect.Value, prefix string) error {
	single := reflect.New(reflect.StructOf([]reflect.StructField{{
		Name: field.Name, Type: field.Type, Tag: field.Tag,
	}}))
	single.Elem().Field(0).Set(value)
	err := env.ParseWithOptions(single.Interface(), env.Options{Environment: l.environment, Prefix: prefix})
	if err == nil {
		value.Set(single.Elem().Field(0))
	}
	return err
}

// validate asks the struct's parts first, so that a message about a part comes
// before one about how the parts fit together.
func (l *loader) validate(structure reflect.Value) {
	for i := range structure.NumField() {
		field := structure.Type().Field(i)
		if _, tagged := field.Tag.Lookup("env"); field.IsExported() && !tagged && field.Type.Kind() == reflect.Struct {
			l.validate(structure.Field(i))
		}
	}
	validator, ok := structure.Addr().Interface().(interface{ Validate() error })
	if !ok {
		return
	}
	for _, err := range flatten(validator.Validate()) {
		if problem := l.clean(err); !l.known(problem) {
			l.problems = append(l.problems, problem)
		}
	}
}

// known reports whether the problem adds nothing: an embedded struct's Validate is promoted, so that it is asked twice,
// and a setting that could not be read is named once.
func (l *loader) known(problem string) bool {
	name, _, _ := strings.Cut(problem, ":")
	return slices.Contains(l.problems, problem) || l.unread[name]
}
