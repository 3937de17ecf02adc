package decode

import (
	"bytes"
	"crypto/ed25519"
	"fmt"

	"conductor-jwt/internal/fault"
)

// readOKPJWK reads an Ed25519 JWK (RFC 8037 §2): d is the seed, x must be its
// public half.
func readOKPJWK(m members) (private, public any, err error) {
	crv, ok, err := m.text("crv")
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, &fault.Error{Reason: ErrUnreadable, Found: "an okp jwk without crv", Hint: "export the whole key again"}
	}
	if crv != "Ed25519" {
		return nil, nil, unsupportedOKP(crv)
	}
	x, err := m.octets("x", ed25519.PublicKeySize)
	if err != nil {
		return nil, nil, err
	}
	if !m.has("d") {
		return nil, ed25519.PublicKey(x), nil
	}
	d, err := m.octets("d", ed25519.SeedSize)
	if err != nil {
		return nil, nil, err
	}
	key := ed25519.NewKeyFromSeed(d)
	if !bytes.Equal(key[ed25519.SeedSize:], x) {
		return nil, nil, inconsistentEd25519()
	}
	return key, ed25519.PublicKey(x), nil
}

func unsupportedOKP(crv string) error {
	switch crv {
	case "X25519", "X448", "Ed448":
		return unsupportedKey(crv)
	}
	return &fault.Error{
		Reason: ErrUnsupported, Found: fmt.Sprintf("an okp jwk on an unknown curve (crv of %d characters)", len(crv)),
		Hint: "use an Ed25519 key",
	}
}
