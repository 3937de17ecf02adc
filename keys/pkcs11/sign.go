//go:build cgo

package pkcs11

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"slices"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/miekg/pkcs11"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// ckmEdDSA is CKM_EDDSA (PKCS #11 v3.0 §2.3.14), which the library lacks.
const ckmEdDSA = 0x1057

// mechanismOf returns the mechanism of an algorithm. All but EdDSA's take a
// digest, so that a long token is not sent to the device.
func mechanismOf(alg keys.Algorithm) (uint, bool) {
	switch alg {
	case keys.RS256, keys.RS384, keys.RS512:
		return pkcs11.CKM_RSA_PKCS, true
	case keys.PS256, keys.PS384, keys.PS512:
		return pkcs11.CKM_RSA_PKCS_PSS, true
	case keys.ES256, keys.ES256K, keys.ES384, keys.ES512:
		return pkcs11.CKM_ECDSA, true
	case keys.EdDSA, keys.Ed25519:
		return ckmEdDSA, true
	}
	return 0, false
}

// algorithms returns the algorithms that fit the key and for which the token has
// a mechanism.
func (s *session) algorithms(public crypto.PublicKey) ([]keys.Algorithm, error) {
	algorithms, err := keys.AlgorithmsOf(public)
	if err != nil {
		return nil, err
	}
	mechanisms, err := s.module.GetMechanismList(s.slot)
	if err != nil {
		return nil, err
	}
	algorithms = slices.DeleteFunc(algorithms, func(a keys.Algorithm) bool {
		mechanism, ok := mechanismOf(a)
		return !ok || !slices.ContainsFunc(mechanisms, func(m *pkcs11.Mechanism) bool { return m.Mechanism == mechanism })
	})
	if len(algorithms) == 0 {
		return nil, store.Unsupported("no mechanism fits the key", "use a key of another type")
	}
	return algorithms, nil
}

// sign finds the key each time: a handle may become invalid, and finding takes a
// fraction of the time of a signature.
func (s *source) sign(ctx context.Context, public crypto.PublicKey, alg keys.Algorithm, input []byte) ([]byte, error) {
	kind, _ := mechanismOf(alg)
	mechanism, data := pkcs11.NewMechanism(kind, nil), keys.Digest(alg, input)
	switch kind {
	case pkcs11.CKM_RSA_PKCS:
		data = append(digestInfo(alg), data...)
	case pkcs11.CKM_RSA_PKCS_PSS:
		mechanism = pkcs11.NewMechanism(kind, pssParams(alg))
	case ckmEdDSA:
		data = input
	}
	signature, err := with(ctx, s.token, func(at *session) ([]byte, error) {
		private, err := s.place.private(at)
		if e, ok := err.(*fault.Error); ok { //nolint:errorlint // ours, unwrapped
			return nil, keys.Refused(e.Found, e.Hint) // removed since the last refresh
		}
		if err != nil {
			return nil, err
		}
		if err := at.module.SignInit(at.handle, []*pkcs11.Mechanism{mechanism}, private); err != nil {
			return nil, err
		}
		return at.module.Sign(at.handle, data)
	})
	if err != nil {
		return nil, err
	}
	return padECDSA(signature, public), nil
}

// digestInfo is the DER before the digest (RFC 8017 §9.2, note 1).
func digestInfo(alg keys.Algorithm) []byte {
	switch {
	case strings.HasSuffix(string(alg), "384"):
		return []byte("\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30")
	case strings.HasSuffix(string(alg), "512"):
		return []byte("\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40")
	}
	return []byte("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20")
}

// pssParams are the algorithm's hash, MGF1 with it, and a salt of its length (RFC
// 7518 §3.5).
func pssParams(alg keys.Algorithm) []byte {
	switch alg {
	case keys.PS384:
		return pkcs11.NewPSSParams(pkcs11.CKM_SHA384, pkcs11.CKG_MGF1_SHA384, 48)
	case keys.PS512:
		return pkcs11.NewPSSParams(pkcs11.CKM_SHA512, pkcs11.CKG_MGF1_SHA512, 64)
	}
	return pkcs11.NewPSSParams(pkcs11.CKM_SHA256, pkcs11.CKG_MGF1_SHA256, 32)
}

// padECDSA pads R and S to the width of the curve (RFC 7518 §3.4): PKCS #11
// permits a token to drop leading zeros of both alike (§2.3.1).
func padECDSA(signature []byte, public crypto.PublicKey) []byte {
	size := 0
	switch p := public.(type) {
	case *rsa.PublicKey, ed25519.PublicKey:
		return signature
	case *ecdsa.PublicKey:
		size = (p.Curve.Params().BitSize + 7) / 8
	case *secp256k1.PublicKey:
		size = 32
	}
	half := len(signature) / 2
	if len(signature)%2 != 0 || half >= size {
		return signature
	}
	out := make([]byte, 2*size)
	copy(out[size-half:size], signature[:half])
	copy(out[2*size-half:], signature[half:])
	return out
}
