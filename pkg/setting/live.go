package setting

import (
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/caarlos0/env/v11"
)

// Live is a setting that may change while the program runs: a field of type
// Live[int] is loaded like an int, and Settings.Override changes it. Copies share
// one value, so that a Config that was handed on stays up to date. It is safe for
// concurrent use. The zero Live gives T's zero value, and stays so.
//
// Ask Get each time that the value counts: what it gave before may be old.
type Live[T any] struct{ cell *atomic.Pointer[T] }

// NewLive is a live setting with that value, for defaults and tests.
func NewLive[T any](value T) Live[T] {
	l := Live[T]{cell: &atomic.Pointer[T]{}}
	l.cell.Store(&value)
	return l
}

// Get is the value now.
func (l Live[T]) Get() T {
	if l.cell == nil {
		var zero T
		return zero
	}
	return *l.cell.Load()
}

// String is the value now, for formatting.
func (l Live[T]) String() string { return fmt.Sprint(l.Get()) }

// UnmarshalText reads a value as the environment has it. Other copies of l keep theirs.
func (l *Live[T]) UnmarshalText(text []byte) error {
	var single struct {
		Value T `env:"VALUE"`
	}
	if err := env.ParseWithOptions(&single, env.Options{Environment: map[string]string{"VALUE": string(text)}}); err != nil {
		return err
	}
	*l = NewLive(single.Value)
	return nil
}

// Expected says what a value should have been.
func (l Live[T]) Expected() string { return expected(reflect.TypeFor[T]()) }

// changing is a *Live of any type.
type changing interface {
	own()
	take(other any)
	holds() reflect.Type
}

// own parts it from its copies: what was loaded must not change the defaults that it was loaded into.
func (l *Live[T]) own() { *l = NewLive(l.Get()) }

// take changes the value, in all copies, to that of another *Live[T].
func (l *Live[T]) take(other any) {
	value := other.(*Live[T]).Get()
	l.cell.Store(&value)
}

func (*Live[T]) holds() reflect.Type { return reflect.TypeFor[T]() }
