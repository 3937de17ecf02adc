package decode

import (
	"bytes"
	"crypto/mldsa"
	"crypto/sha3"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"conductor-jwt/internal/fault"
)

// mldsa reads an ML-DSA private key (RFC 9881 §6): a seed, or a seed beside
// the key expanded from it, which crypto/x509 does not take.
func (k pkcs8) mldsa() (any, error) {
	if !k.params.Empty() {
		return nil, unreadableMLDSA()
	}
	s := cryptobyte.String(k.key)
	var seed, expanded []byte
	var ok bool
	switch {
	case s.PeekASN1Tag(cbasn1.Tag(0).ContextSpecific()):
		var out cryptobyte.String
		ok = s.ReadASN1(&out, cbasn1.Tag(0).ContextSpecific())
		seed = out
	case s.PeekASN1Tag(cbasn1.SEQUENCE):
		var both cryptobyte.String
		var okSeed, okExpanded bool
		ok = s.ReadASN1(&both, cbasn1.SEQUENCE)
		seed, okSeed = readOctetString(&both)
		expanded, okExpanded = readOctetString(&both)
		ok = ok && okSeed && okExpanded && both.Empty() && len(expanded) == expandedSize(k.oid)
	case s.PeekASN1Tag(cbasn1.OCTET_STRING):
		return nil, &fault.Error{
			Reason: ErrUnsupported, Found: "an ml-dsa key in its expanded form, without the seed",
			Hint: "export the key again in a form that keeps the seed, which openssl does unless told otherwise",
		}
	}
	if !ok || !s.Empty() || len(seed) != mldsa.PrivateKeySize {
		return nil, unreadableMLDSA()
	}
	return buildMLDSA(mldsaOf(k.oid), seed, expanded, k.public)
}

func buildMLDSA(params mldsa.Parameters, seed, expanded, public []byte) (any, error) {
	key, err := mldsa.NewPrivateKey(params, seed)
	if err != nil {
		return nil, &fault.Error{
			Reason: ErrUnsupported, Found: "an ml-dsa key, which this build's cryptographic module does not have",
			Hint: "use an rsa, ec or ed25519 key",
		}
	}
	derived := key.PublicKey().Bytes()
	if len(public) > 0 && !bytes.Equal(public, derived) || !expandedFits(expanded, derived) {
		return nil, &fault.Error{
			Reason: ErrInconsistent, Found: "an ml-dsa key whose parts do not belong together",
			Hint: "export the key again; this copy is damaged or was tampered with",
		}
	}
	return key, nil
}

// expandedFits compares what an expanded key says of its public key, rho and
// tr (FIPS 204 §4, algorithm 24), with the public key that the seed makes.
func expandedFits(expanded, public []byte) bool {
	if len(expanded) == 0 {
		return true
	}
	const rho, k, tr = 32, 32, 64
	return bytes.Equal(expanded[:rho], public[:rho]) &&
		bytes.Equal(expanded[rho+k:rho+k+tr], sha3.SumSHAKE256(public, tr))
}

func mldsaOf(oid string) mldsa.Parameters {
	switch oid {
	case oidMLDSA44:
		return mldsa.MLDSA44()
	case oidMLDSA65:
		return mldsa.MLDSA65()
	default:
		return mldsa.MLDSA87()
	}
}

// expandedSize is the length of an expanded key (FIPS 204 §4, table 2).
func expandedSize(oid string) int {
	switch oid {
	case oidMLDSA44:
		return 2560
	case oidMLDSA65:
		return 4032
	default:
		return 4896
	}
}

func unreadableMLDSA() error {
	return &fault.Error{Reason: ErrUnreadable, Found: "an ml-dsa key that is damaged", Hint: "copy the whole key again"}
}
