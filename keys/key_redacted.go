package keys

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"conductor-jwt/internal/secret"
)

// redacted makes what embeds it print as [redacted] in every form.
type redacted struct{}

var (
	_ fmt.Formatter  = redacted{}
	_ json.Marshaler = redacted{}
	_ slog.LogValuer = redacted{}
)

// String implements [fmt.Stringer].
func (redacted) String() string { return secret.Redacted }

// GoString implements [fmt.GoStringer].
func (redacted) GoString() string { return secret.Redacted }

// Format implements [fmt.Formatter], for the verbs that skip String.
func (redacted) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte(secret.Redacted)) // a formatter has nowhere to report to
}

// MarshalText implements [encoding.TextMarshaler].
func (redacted) MarshalText() ([]byte, error) { return []byte(secret.Redacted), nil }

// MarshalJSON implements [json.Marshaler].
func (redacted) MarshalJSON() ([]byte, error) { return json.Marshal(secret.Redacted) }

// LogValue implements [slog.LogValuer].
func (redacted) LogValue() slog.Value { return slog.StringValue(secret.Redacted) }
