package setting

import "log/slog"

const redacted = "[redacted]"

// Secret is a setting that is never printed: formatting, logging and encoding
// it all give "[redacted]". Only Reveal gives the value.
type Secret string

// Reveal is the value, for the one place that uses it.
func (s Secret) Reveal() string { return string(s) }

// String hides the value from fmt.
func (s Secret) String() string { return redacted }

// GoString hides the value from %#v.
func (s Secret) GoString() string { return redacted }

// LogValue hides the value from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the value from encoders (JSON, YAML, flags).
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
