package decode

import (
	"crypto"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"conductor-jwt/internal/fault"
)

const oidMGF1 = "1.2.840.113549.1.1.8"

func (k pkcs8) rsaPSS() (any, error) {
	key, err := k.rsa()
	if err != nil {
		return nil, err
	}
	hash, err := readPSSParams(k.params)
	if err != nil {
		return nil, err
	}
	return RSAPSS{Key: key, Hash: hash}, nil
}

// readPSSParams reads RSASSA-PSS-params (RFC 4055 §3.1) and returns the one
// hash that they allow; 0 without parameters. A JWS signature uses the same
// hash for its mask and a salt of the same length (RFC 7518 §3.5): other
// parameters fit no PS algorithm.
func readPSSParams(params cryptobyte.String) (crypto.Hash, error) {
	if params.Empty() {
		return 0, nil
	}
	var seq cryptobyte.String
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !params.Empty() {
		return 0, unreadablePKCS8()
	}
	hash, okHash := readPSSHash(&seq, 0)
	mask, okMask := readPSSMask(&seq)
	salt, okSalt := readPSSNumber(&seq, 2, 20)
	trailer, okTrailer := readPSSNumber(&seq, 3, 1)
	if !okHash || !okMask || !okSalt || !okTrailer || !seq.Empty() {
		return 0, unreadablePKCS8()
	}
	if hash == 0 || mask != hash || salt > hash.Size() || trailer != 1 {
		return 0, &fault.Error{
			Reason: ErrUnsupported, Found: "this is an RSASSA-PSS key bound to parameters that no JWS algorithm has",
			Hint: "use one without parameters, or with one of SHA-256, SHA-384, SHA-512 for both hash and mask",
		}
	}
	return hash, nil
}

// readPSSHash reads a hash under an explicit tag; the default is SHA-1.
func readPSSHash(s *cryptobyte.String, tag cbasn1.Tag) (crypto.Hash, bool) {
	in, present, ok := readOptional(s, tag.Constructed().ContextSpecific())
	if !ok || !present {
		return crypto.SHA1, ok
	}
	return readHash(&in)
}

func readHash(s *cryptobyte.String) (crypto.Hash, bool) {
	oid, _, ok := readAlgorithm(s)
	return hashOf(oid), ok && s.Empty()
}

func readPSSMask(s *cryptobyte.String) (crypto.Hash, bool) {
	in, present, ok := readOptional(s, cbasn1.Tag(1).Constructed().ContextSpecific())
	if !ok || !present {
		return crypto.SHA1, ok
	}
	oid, params, ok := readAlgorithm(&in)
	if !ok || !in.Empty() {
		return 0, false
	}
	if oid != oidMGF1 {
		return 0, true
	}
	return readHash(&params)
}

func readPSSNumber(s *cryptobyte.String, tag cbasn1.Tag, absent int) (int, bool) {
	in, present, ok := readOptional(s, tag.Constructed().ContextSpecific())
	if !ok || !present {
		return absent, ok
	}
	var n int
	ok = in.ReadASN1Integer(&n)
	return n, ok && in.Empty() && n >= 0
}

// hashOf returns a hash by its object identifier (RFC 8017 B.1); 0 for an
// unsupported one.
func hashOf(oid string) crypto.Hash {
	switch oid {
	case "1.3.14.3.2.26":
		return crypto.SHA1
	case "2.16.840.1.101.3.4.2.4":
		return crypto.SHA224
	case "2.16.840.1.101.3.4.2.1":
		return crypto.SHA256
	case "2.16.840.1.101.3.4.2.2":
		return crypto.SHA384
	case "2.16.840.1.101.3.4.2.3":
		return crypto.SHA512
	}
	return 0
}
