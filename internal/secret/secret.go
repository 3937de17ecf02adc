// Package secret holds values that must never be printed: private keys,
// passwords, bearer tokens and the task inputs that carry them.
package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
)

// Redacted is the printed form of every secret.
const Redacted = "[redacted]"

// Text is a string that prints as [Redacted] through every verb of package
// fmt, every encoder and slog. The zero Text is empty.
type Text struct{ hidden[string] }

// New hides s.
func New(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{hidden[string]{reveal: func() string { return s }}}
}

// UnmarshalJSON implements [json.Unmarshaler] for a JSON string or null.
func (t *Text) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) != nil {
		return errors.New("secret: not a JSON string") // the decoder's own error quotes the value
	}
	*t = New(s)
	return nil
}

// JSON is a raw JSON value that prints as [Redacted], as [Text] does. It
// decodes by keeping the bytes as they are, so that digits, order and duplicate
// members reach the reader of the value. The zero JSON is empty.
type JSON struct{ hidden[json.RawMessage] }

// NewJSON hides raw; the caller must not use the slice any more.
func NewJSON(raw json.RawMessage) JSON {
	if len(raw) == 0 {
		return JSON{}
	}
	return JSON{hidden[json.RawMessage]{reveal: func() json.RawMessage { return raw }}}
}

// UnmarshalJSON implements [json.Unmarshaler].
func (j *JSON) UnmarshalJSON(data []byte) error {
	*j = NewJSON(bytes.Clone(data))
	return nil
}

// hidden keeps a value behind a closure, so that even reflection over an
// unexported field that holds one finds a code address.
type hidden[T string | json.RawMessage] struct {
	Opaque
	reveal func() T
}

// Reveal returns the hidden value. Each call is a place to review.
func (h hidden[T]) Reveal() T {
	if h.reveal == nil {
		var zero T
		return zero
	}
	return h.reveal()
}

// Len returns the length of the hidden value in bytes.
func (h hidden[T]) Len() int { return len(h.Reveal()) }

// IsZero reports whether the hidden value is empty.
func (h hidden[T]) IsZero() bool { return h.reveal == nil }

// Opaque makes a type that embeds it print as [Redacted] through every verb of
// package fmt, every encoder and slog.
type Opaque struct{}

var (
	_ fmt.Formatter  = Opaque{}
	_ json.Marshaler = Opaque{}
	_ slog.LogValuer = Opaque{}
)

// String implements [fmt.Stringer].
func (Opaque) String() string { return Redacted }

// GoString implements [fmt.GoStringer].
func (Opaque) GoString() string { return Redacted }

// Format implements [fmt.Formatter], for the verbs that do not call String.
func (Opaque) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Redacted)) }

// MarshalText implements [encoding.TextMarshaler].
func (Opaque) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalJSON implements [json.Marshaler].
func (Opaque) MarshalJSON() ([]byte, error) { return json.Marshal(Redacted) }

// LogValue implements [slog.LogValuer].
func (Opaque) LogValue() slog.Value { return slog.StringValue(Redacted) }
