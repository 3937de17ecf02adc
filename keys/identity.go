package keys

import (
	"crypto/hmac"
	"crypto/sha256"

	"conductor-jwt/internal/fault"
)

// Identity returns a text that only copies of the same key share: the thumbprint of a
// key with a public half, or the MAC of an HMAC secret under pepper. Pepper must be
// random and known to this process alone: the MAC would otherwise help to guess the
// secret (RFC 7638 §7).
func Identity(k Key, pepper []byte) (string, error) {
	if k.Public() != nil {
		return Thumbprint(k)
	}
	v, err := VerifierOf(k)
	if err != nil {
		return "", err
	}
	if own, ok := v.(*verifier); ok {
		if secret, ok := own.key().([]byte); ok {
			mac := hmac.New(sha256.New, pepper)
			_, _ = mac.Write(secret) // a hash never fails
			return base64url(mac.Sum(nil)), nil
		}
	}
	return "", &fault.Error{Reason: ErrUnsupported, Found: "this is a key without a public half, whose secret is not in this process", Hint: "use another key"}
}
