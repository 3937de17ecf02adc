package decode

import (
	"crypto/ecdsa"
	"crypto/elliptic"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/fault"
)

// checkEC refuses an EC key whose public half is not the one of its scalar:
// crypto/ecdsa signs with either.
func checkEC(p *ecdsa.PrivateKey) error {
	if p == nil || p.Curve == nil || p.D == nil || p.X == nil || p.Y == nil { //nolint:staticcheck // a nil number would panic in Bytes
		return &fault.Error{Reason: ErrUnreadable, Found: "an ec key without its numbers", Hint: "export the whole key again"}
	}
	if err := checkCurve(p.Curve); err != nil {
		return err
	}
	raw, err := p.Bytes()             // fails for a scalar of 0 or beyond the order, and ignores the sign
	if err != nil || p.D.Sign() < 0 { //nolint:staticcheck // x/crypto/ssh reads the sign
		return inconsistentEC()
	}
	derived, err := ecdsa.ParseRawPrivateKey(p.Curve, raw)
	if err != nil || !derived.PublicKey.Equal(&p.PublicKey) {
		return inconsistentEC()
	}
	return nil
}

// checkCurve refuses a curve that no JWS algorithm has (RFC 7518 §3.4).
func checkCurve(c elliptic.Curve) error {
	switch c {
	case elliptic.P256(), elliptic.P384(), elliptic.P521():
		return nil
	}
	return &fault.Error{
		Reason: ErrUnsupported, Found: "an ec key on a curve that no jws algorithm has",
		Hint: "use P-256, P-384, P-521 or secp256k1",
	}
}

func inconsistentEC() error {
	return &fault.Error{
		Reason: ErrInconsistent, Found: "an ec key whose public half does not belong to its private half",
		Hint: "export the key again; this copy is damaged or was tampered with",
	}
}

// secp256k1Scalar reads a private scalar of exactly 32 octets (RFC 8812 §3.1,
// RFC 7518 §6.2.2.1); false for 0 and for the group's order and beyond, which
// the library itself would quietly reduce.
func secp256k1Scalar(b []byte) (*secp256k1.PrivateKey, bool) {
	var s secp256k1.ModNScalar
	if len(b) != 32 || s.SetByteSlice(b) || s.IsZero() {
		return nil, false
	}
	return secp256k1.NewPrivateKey(&s), true
}
