// Package secret holds values that must never be printed: private keys,
// passwords, bearer tokens and the task inputs that carry them.
package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
)

// Redacted is what every printed form of a secret reads.
const Redacted = "[redacted]"

// Text is a string that prints as [Redacted] through every verb of package
// fmt, every encoder and slog. The value sits behind a closure, so that even
// reflection over an unexported field that holds one finds a code address.
// The zero Text is empty.
type Text struct {
	reveal func() string
}

// New hides s.
func New(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{reveal: func() string { return s }}
}

// Reveal returns the hidden string. Each call of it is a place to review.
func (t Text) Reveal() string {
	if t.reveal == nil {
		return ""
	}
	return t.reveal()
}

// Len is the length of the hidden string in bytes.
func (t Text) Len() int { return len(t.Reveal()) }

// IsZero reports whether the hidden string is empty.
func (t Text) IsZero() bool { return t.reveal == nil }

// String implements [fmt.Stringer].
func (Text) String() string { return Redacted }

// GoString implements [fmt.GoStringer].
func (Text) GoString() string { return Redacted }

// Format implements [fmt.Formatter], for the verbs that skip String.
func (Text) Format(f fmt.State, _ rune) { redact(f) }

// MarshalText implements [encoding.TextMarshaler].
func (Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalJSON implements [json.Marshaler].
func (Text) MarshalJSON() ([]byte, error) { return json.Marshal(Redacted) }

// LogValue implements [slog.LogValuer].
func (Text) LogValue() slog.Value { return slog.StringValue(Redacted) }

// UnmarshalJSON implements [json.Unmarshaler] for a JSON string or null.
func (t *Text) UnmarshalJSON(data []byte) error {
	var s *string
	if err := json.Unmarshal(data, &s); err != nil {
		// The decoder's own message quotes what it could not read.
		return fmt.Errorf("secret: not a json string")
	}
	if s == nil {
		*t = Text{}
		return nil
	}
	*t = New(*s)
	return nil
}

func redact(f fmt.State) {
	// A failed write to a formatter has nowhere to be reported.
	_, _ = f.Write([]byte(Redacted))
}

// JSON is a raw JSON value that prints as [Redacted], as [Text] does. It
// decodes by keeping the bytes as they are, so digits, order and duplicate
// members reach whoever reads the value. The zero JSON is empty.
type JSON struct {
	reveal func() json.RawMessage
}

// NewJSON hides raw; the caller gives up the slice.
func NewJSON(raw json.RawMessage) JSON {
	if len(raw) == 0 {
		return JSON{}
	}
	return JSON{reveal: func() json.RawMessage { return raw }}
}

// Reveal returns the hidden value. Each call of it is a place to review.
func (j JSON) Reveal() json.RawMessage {
	if j.reveal == nil {
		return nil
	}
	return j.reveal()
}

// Len is the length of the hidden value in bytes.
func (j JSON) Len() int { return len(j.Reveal()) }

// IsZero reports whether there is no value.
func (j JSON) IsZero() bool { return j.reveal == nil }

// String implements [fmt.Stringer].
func (JSON) String() string { return Redacted }

// GoString implements [fmt.GoStringer].
func (JSON) GoString() string { return Redacted }

// Format implements [fmt.Formatter], for the verbs that skip String.
func (JSON) Format(f fmt.State, _ rune) { redact(f) }

// MarshalText implements [encoding.TextMarshaler].
func (JSON) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalJSON implements [json.Marshaler]: the redacted form, so that no
// encoder gives the value away by accident. Writers use Reveal.
func (JSON) MarshalJSON() ([]byte, error) { return json.Marshal(Redacted) }

// LogValue implements [slog.LogValuer].
func (JSON) LogValue() slog.Value { return slog.StringValue(Redacted) }

// UnmarshalJSON implements [json.Unmarshaler].
func (j *JSON) UnmarshalJSON(data []byte) error {
	*j = NewJSON(bytes.Clone(data))
	return nil
}
