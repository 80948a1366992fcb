package setting

import (
	"errors"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/caarlos0/env/v11"
)

// ErrAtNextStart is what changing a setting gives that is good but not live: the
// program takes it when it starts again.
var ErrAtNextStart = errors.New("at next start")

// Refusal is why an override was not taken. It never repeats the value.
type Refusal struct {
	Reason string
	// Lasting says that no change of another setting can make the value good.
	Lasting bool
}

// Error is the reason.
func (r *Refusal) Error() string { return r.Reason }

// Settings are the settings of a program, from its environment, over which an
// operator's overrides are laid while it runs. They are safe for concurrent use.
//
// An override is judged by loading a whole copy with it, all Validate methods
// included: overrides never make a combination that a start would refuse.
type Settings[C any] struct {
	defaults    C
	environment map[string]string
	fields      map[string]field

	mu     sync.Mutex
	config C                 // what the program runs with
	now    map[string]string // the overrides in it
	next   map[string]string // those that a start would take
}

// Open loads the settings from the environment, as Load does; the environment is
// read once. An error is Load's.
func Open[C any](defaults C) (*Settings[C], error) {
	s := &Settings[C]{
		defaults: defaults, environment: env.ToMap(os.Environ()), fields: map[string]field{},
		now: map[string]string{}, next: map[string]string{},
	}
	cfg := defaults
	err := Load(&cfg)
	s.config = cfg
	if root := reflect.TypeOf(cfg); root != nil && root.Kind() == reflect.Struct {
		catalogue(root, nil, "", s.fields)
	}
	return s, err
}

// Config is the settings as they are; the live ones in it change by themselves.
func (s *Settings[C]) Config() C {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config
}

// Start takes overrides of all settings, live or not, by their names: for a
// program that starts, before its Config is used for anything but finding them.
// All are taken together or, where that cannot be, as many as can be. It returns
// those that were not: a bad override never stops a start.
func (s *Settings[C]) Start(overrides map[string]string) map[string]error {
	s.mu.Lock()
	defer s.mu.Unlock()
	refused, good := map[string]error{}, map[string]string{}
	for name, value := range overrides {
		if refusal := s.admit(name, value); refusal != nil {
			refused[name] = refusal
		} else {
			good[name] = value
		}
	}
	if cfg, refusal := s.load(good, ""); refusal == nil {
		s.begin(cfg, good)
		return refused
	}
	taken := map[string]string{}
	for more := true; more; { // one may be good only when another, which comes later, has been taken
		more = false
		for _, name := range slices.Sorted(maps.Keys(good)) {
			if _, has := taken[name]; has {
				continue
			}
			cfg, refusal := s.load(with(taken, name, good[name]), good[name])
			if refusal != nil {
				refused[name] = refusal.about(name)
				continue
			}
			more, taken[name] = true, good[name]
			delete(refused, name)
			s.begin(cfg, taken)
		}
	}
	return refused
}

// begin makes cfg the one that is in use. Live settings that were handed out already change too.
func (s *Settings[C]) begin(cfg C, overrides map[string]string) {
	before := s.config
	s.config = cfg
	for _, f := range s.fields {
		f.keep(reflect.ValueOf(&before).Elem(), reflect.ValueOf(&s.config).Elem())
	}
	s.now, s.next = maps.Clone(overrides), maps.Clone(overrides)
}

// Override lays a value over the environment's. nil says that it is in use: the
// setting is live, or the program has started with this value. ErrAtNextStart says
// that it will be. A *Refusal says what is wrong: whatever was in use stays.
func (s *Settings[C]) Override(name, value string) error {
	if refusal := s.admit(name, value); refusal != nil {
		return refusal
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.change(name, value, with(s.next, name, value), with(s.now, name, value))
}

// Restore takes an override away, so that the environment's value counts again. It
// returns what Override would for that value; for what cannot be overridden, nil.
func (s *Settings[C]) Restore(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.change(name, "", without(s.next, name), without(s.now, name))
}

func (s *Settings[C]) change(name, value string, next, now map[string]string) error {
	f := s.fields[name]
	coming, refusal := s.load(next, value)
	if refusal != nil {
		return refusal.about(name)
	}
	if !f.live {
		s.next = next
		if !f.same(reflect.ValueOf(&s.config).Elem(), reflect.ValueOf(&coming).Elem()) {
			return ErrAtNextStart
		}
		return nil
	}
	running, refusal := s.load(now, value)
	if refusal != nil {
		return &Refusal{Reason: "not before the next start: " + refusal.about(name).Reason}
	}
	s.next, s.now = next, now
	f.take(reflect.ValueOf(&s.config).Elem(), reflect.ValueOf(&running).Elem())
	return nil
}

// admit says why a setting cannot be overridden with the value, whatever the others are.
func (s *Settings[C]) admit(name, value string) *Refusal {
	f, known := s.fields[name]
	switch {
	case !known:
		return &Refusal{Reason: "no such setting", Lasting: true}
	case f.never != "":
		return &Refusal{Reason: f.never, Lasting: true}
	case value == "":
		return &Refusal{Reason: name + ": is empty; delete the key to go back", Lasting: true}
	case !printable(value):
		return &Refusal{Reason: name + ": is not one line of at most 2 KiB of UTF-8", Lasting: true}
	}
	return nil
}

// load makes a copy of the settings with overrides over the environment. No message will repeat the value: it may be a
// secret that was put under the wrong name.
func (s *Settings[C]) load(overrides map[string]string, value string) (C, *rejection) {
	environment := maps.Clone(s.environment)
	maps.Copy(environment, overrides)
	cfg := s.defaults
	l := &loader{environment: environment, unread: map[string]bool{}, secrets: []string{value}}
	l.load(reflect.ValueOf(&cfg).Elem())
	if len(l.problems) == 0 {
		return cfg, nil
	}
	return cfg, &rejection{problems: l.problems, unread: l.unread}
}

// rejection is what was wrong with a whole copy.
type rejection struct {
	problems []string
	unread   map[string]bool
}

// about is what that means for one setting that was changed.
func (r *rejection) about(name string) *Refusal {
	return &Refusal{Reason: strings.Join(r.problems, "; "), Lasting: r.unread[name]}
}

func with(values map[string]string, name, value string) map[string]string {
	changed := maps.Clone(values)
	changed[name] = value
	return changed
}

func without(values map[string]string, name string) map[string]string {
	changed := maps.Clone(values)
	delete(changed, name)
	return changed
}
