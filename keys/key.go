package keys

import (
	"context"
	"crypto"
	"crypto/x509"
	"strings"
	"time"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys/decode"
)

// Key is one immutable version of a private (or HMAC) key. It is safe for
// concurrent use and prints without its private half.
type Key interface {
	// ID is the key id of the key itself (a JWK's kid, a service account's
	// private_key_id); empty where it has none.
	ID() string
	// Public is the public half; nil for an HMAC key.
	Public() crypto.PublicKey
	// Algorithms are those that the key can sign with, its default first.
	Algorithms() []Algorithm
	// Created is the creation time; zero where it is unknown.
	Created() time.Time
	// Sign signs input, the JWS signing input, and returns the signature in
	// its JWS form (RFC 7515 §5.1, RFC 7518 §3). It fails with
	// [ErrAlgorithmMismatch] for an algorithm that is not one of Algorithms.
	Sign(ctx context.Context, alg Algorithm, input []byte) ([]byte, error)
}

// Chained is a Key with certificates, leaf first.
type Chained interface {
	Key
	Chain() []*x509.Certificate
}

// Accounted is a Key that belongs to an account.
type Accounted interface {
	Key
	// Account is the client_email of a Google service account file; empty for a
	// key in another form.
	Account() string
}

// Ref says which key to use: text of a task, or the name of a configured key.
type Ref struct {
	Name  string      // a configured key; empty for inline text
	Text  secret.Text // the key itself, in any form that [Parser] reads
	KeyID string      // chooses a key of a JWKS
	// Algorithm is the requested algorithm, where it is known. It chooses among
	// the keys of a JWK Set, and is not checked otherwise.
	Algorithm Algorithm
	Password  secret.Text // opens an encrypted key
	Encoding  Encoding    // reads Text as an HMAC secret

	// Delivered is Conductor's runtimeMetadata, for conductor:NAME.
	Delivered map[string]secret.Text
}

// Warning returns a warning about a key that can be read; empty for none.
// Editors and echo end a file with a line break, which then is part of a raw
// secret, and is not on the other side.
func (r Ref) Warning() string {
	text := r.Text.Reveal()
	if r.Encoding != EncodingRaw || strings.TrimRight(text, "\r\n") == text {
		return ""
	}
	if _, err := decode.Secret(text, string(r.Encoding)); err != nil {
		return ""
	}
	return "the hmac secret ends in a line break, which counts as a part of it; most secrets have none"
}

// Resolver turns a Ref into the Key to sign with.
type Resolver interface {
	Resolve(ctx context.Context, ref Ref) (Key, error)
}

// Encoding says how the text of an HMAC secret is encoded; empty means that the
// text is no HMAC secret.
type Encoding string

// The encodings of an HMAC secret.
const (
	EncodingRaw       Encoding = "raw"
	EncodingBase64    Encoding = "base64"
	EncodingBase64URL Encoding = "base64url"
	EncodingHex       Encoding = "hex"
)
