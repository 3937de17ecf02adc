package cli

import (
	"encoding/json"
	"encoding/json/jsontext"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

// The forms in which keys are written.
const (
	formPEM = "pem"
	formJWK = "jwk"
)

// written is how a key is to be written.
type written struct {
	form      string
	public    bool
	keyID     string // of a JWK; empty for the key's own, or its thumbprint
	noKeyID   bool
	algorithm keys.Algorithm // of a JWK; empty for the only one that fits
}

func (w written) text(k anyKey) (secret.Text, error) {
	if w.form == formPEM {
		return w.pem(k)
	}
	meta := w.meta(k)
	if w.public {
		raw, err := keys.PublicJWK(k.subject(), meta)
		if err != nil {
			return secret.Text{}, keyError(k.name, err)
		}
		return secret.New(indented(raw)), nil
	}
	raw, err := keys.PrivateJWK(k.private, meta)
	if err != nil {
		return secret.Text{}, keyError(k.name, err)
	}
	return secret.New(indented(raw.Reveal())), nil
}

func (w written) pem(k anyKey) (secret.Text, error) {
	if w.public {
		text, err := keys.PublicPEM(k.subject())
		if err != nil {
			return secret.Text{}, keyError(k.name, err)
		}
		return secret.New(text), nil
	}
	text, err := keys.PrivatePEM(k.private)
	if err != nil {
		return secret.Text{}, keyError(k.name, err)
	}
	return text, nil
}

// meta gives a JWK the id that sign would give a PEM key, so that the two
// forms of one key make the same tokens.
func (w written) meta(k anyKey) keys.JWKMeta {
	m := keys.JWKMeta{Use: "sig", KeyID: w.keyID, Algorithm: w.algorithm}
	if m.KeyID == "" {
		m.KeyID = k.verifier.ID()
	}
	if id, err := keys.Thumbprint(k.subject()); m.KeyID == "" && err == nil {
		m.KeyID = id
	}
	if w.noKeyID {
		m.KeyID = ""
	}
	if fitting := k.verifier.Algorithms(); m.Algorithm == "" && signer.OneAlgorithm(fitting) {
		m.Algorithm = fitting[0]
	}
	return m
}

func indented(raw json.RawMessage) string {
	value := raw
	if err := value.Indent(jsontext.WithIndent("  ")); err != nil {
		return string(raw) + "\n" // it was just made, so this cannot be
	}
	return string(value) + "\n"
}
