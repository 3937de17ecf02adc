package decode

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/fault"
)

// readECJWK reads an EC JWK (RFC 7518 §6.2, RFC 8812 §3.1). Coordinates and
// scalar have the full width of the curve.
func readECJWK(m members) (private, public any, err error) {
	crv, ok, err := m.text("crv")
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, &fault.Error{Reason: ErrUnreadable, Found: "an ec jwk without crv", Hint: "export the whole key again"}
	}
	switch crv {
	case "P-256":
		return readNISTJWK(m, elliptic.P256())
	case "P-384":
		return readNISTJWK(m, elliptic.P384())
	case "P-521":
		return readNISTJWK(m, elliptic.P521())
	case "secp256k1":
		return readSecp256k1JWK(m)
	}
	if curveName(crv) != "another curve" {
		return nil, nil, unsupportedCurve(crv)
	}
	return nil, nil, &fault.Error{
		Reason: ErrUnsupported, Found: fmt.Sprintf("an ec jwk on an unknown curve (crv of %d characters)", len(crv)),
		Hint: "crv must be P-256, P-384, P-521 or secp256k1",
	}
}

func readNISTJWK(m members, curve elliptic.Curve) (private, public any, err error) {
	size := (curve.Params().BitSize + 7) / 8
	point, err := readPoint(m, size)
	if err != nil {
		return nil, nil, err
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, nil, offCurve()
	}
	if !m.has("d") {
		return nil, pub, nil
	}
	d, err := m.octets("d", size)
	if err != nil {
		return nil, nil, err
	}
	key, err := ecdsa.ParseRawPrivateKey(curve, d)
	if err != nil || !key.PublicKey.Equal(pub) {
		return nil, nil, inconsistentEC()
	}
	return key, pub, nil
}

func readSecp256k1JWK(m members) (private, public any, err error) {
	point, err := readPoint(m, 32)
	if err != nil {
		return nil, nil, err
	}
	pub, err := secp256k1.ParsePubKey(point)
	if err != nil {
		return nil, nil, offCurve()
	}
	if !m.has("d") {
		return nil, pub, nil
	}
	d, err := m.octets("d", 32)
	if err != nil {
		return nil, nil, err
	}
	key, ok := secp256k1Scalar(d)
	if !ok || !key.PubKey().IsEqual(pub) {
		return nil, nil, inconsistentEC()
	}
	return key, pub, nil
}

// readPoint gives x and y as an uncompressed point (SEC 1 §2.3.3).
func readPoint(m members, size int) ([]byte, error) {
	x, err := m.octets("x", size)
	if err != nil {
		return nil, err
	}
	y, err := m.octets("y", size)
	if err != nil {
		return nil, err
	}
	return bytes.Join([][]byte{{4}, x, y}, nil), nil
}

func offCurve() error {
	return &fault.Error{
		Reason: ErrInconsistent, Found: "an ec key whose public point is not on its curve",
		Hint: "export the key again; this copy is damaged or was tampered with",
	}
}
