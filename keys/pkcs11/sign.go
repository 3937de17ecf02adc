//go:build cgo

package pkcs11

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/miekg/pkcs11"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// ckmEdDSA is CKM_EDDSA of PKCS #11 v3.0 §2.3.14, which the library has not.
const ckmEdDSA = 0x1057

// mechanismOf is the mechanism that an algorithm needs. All but EdDSA's take
// a digest: hashing here keeps long tokens from the device.
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

// algorithms are those that fit the key and that the token has a mechanism
// for.
func (s *session) algorithms(public crypto.PublicKey) ([]keys.Algorithm, error) {
	fitting, err := keys.AlgorithmsOf(public)
	if err != nil {
		return nil, err
	}
	list, err := s.module.GetMechanismList(s.slot)
	if err != nil {
		return nil, err
	}
	has := map[uint]bool{}
	for _, m := range list {
		has[m.Mechanism] = true
	}
	var out []keys.Algorithm
	for _, alg := range fitting {
		if m, ok := mechanismOf(alg); ok && has[m] {
			out = append(out, alg)
		}
	}
	if len(out) == 0 {
		return nil, &fault.Error{Reason: keys.ErrUnsupported, Found: "a token without a mechanism that fits the key", Hint: "use a key of another type"}
	}
	return out, nil
}

// sign finds the key anew: handles do not outlive what happens to a token, and
// finding costs a fraction of a signature.
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
		if err != nil {
			return nil, gone(err)
		}
		if err := at.module.SignInit(at.handle, []*pkcs11.Mechanism{mechanism}, private); err != nil {
			return nil, err
		}
		return at.module.Sign(at.handle, data)
	})
	if err != nil {
		return nil, err
	}
	return widen(signature, public), nil
}

// gone is a key that was there and is not any more: the token answered, and
// its tasks wait for the key's next refresh.
func gone(err error) error {
	if e, ok := err.(*fault.Error); ok { //nolint:errorlint // ours, unwrapped
		return keys.Refused(e.Found, e.Hint)
	}
	return err
}

// digestInfo is what stands before the digest (RFC 8017 §9.2, note 1).
func digestInfo(alg keys.Algorithm) []byte {
	switch {
	case strings.HasSuffix(string(alg), "384"):
		return []byte("\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30")
	case strings.HasSuffix(string(alg), "512"):
		return []byte("\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40")
	}
	return []byte("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20")
}

// pssParams are the algorithm's hash, MGF1 with it, and a salt as long as it
// (RFC 7518 §3.5).
func pssParams(alg keys.Algorithm) []byte {
	switch alg {
	case keys.PS384:
		return pkcs11.NewPSSParams(pkcs11.CKM_SHA384, pkcs11.CKG_MGF1_SHA384, 48)
	case keys.PS512:
		return pkcs11.NewPSSParams(pkcs11.CKM_SHA512, pkcs11.CKG_MGF1_SHA512, 64)
	}
	return pkcs11.NewPSSParams(pkcs11.CKM_SHA256, pkcs11.CKG_MGF1_SHA256, 32)
}

// widen gives R and S the width of the curve (RFC 7518 §3.4): PKCS #11 lets a
// token drop zeros in front, of both alike (§2.3.1).
func widen(signature []byte, public crypto.PublicKey) []byte {
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
