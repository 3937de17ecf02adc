package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
)

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
