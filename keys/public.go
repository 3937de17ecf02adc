package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/x509"
	"math/big"
	"slices"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"golang.org/x/crypto/cryptobyte"

	"conductor-jwt/internal/fault"
)

// readPublicPEM reads the one public key of PEM text: a public key block, or
// else that of the first certificate. The certificates are returned as the
// chain, in the order in which they stand. The types are those of newVerifier.
func readPublicPEM(text string) (any, []*x509.Certificate, error) {
	blocks, err := scanArmour(text)
	if err != nil {
		return nil, nil, err
	}
	found := sortBlocks(blocks)
	// People put public keys into the armour of private ones.
	candidates := slices.Concat(found.public, found.private)
	switch {
	case len(candidates) > 1:
		return nil, nil, &fault.Error{Reason: ErrAmbiguous, Found: "more than one key", Hint: "give exactly one"}
	case len(candidates) == 1:
		public, err := readPublicBlock(candidates[0])
		return public, found.chain(), err
	case len(found.certificates) > 0:
		chain, err := parseCertificates(found.certificates)
		if err != nil {
			return nil, nil, err
		}
		public, err := readSPKI(chain[0].RawSubjectPublicKeyInfo)
		return public, chain, ofCertificate(err)
	}
	return nil, nil, found.withoutKey(text)
}

func readPublicBlock(b block) (any, error) {
	der, ok := decodeBase64(b.body)
	if !ok {
		return nil, notBase64()
	}
	switch shapeOf(der) {
	case shapeSPKI:
		return readSPKI(der)
	case shapePKCS1Public:
		return readPKCS1Public(der)
	case shapeCertificate:
		c, err := parseCertificate(der)
		if err != nil {
			return nil, err
		}
		public, err := readSPKI(c.RawSubjectPublicKeyInfo)
		return public, ofCertificate(err)
	}
	return nil, notPrivateDER(der)
}

// readSPKI reads a SubjectPublicKeyInfo (RFC 5280 §4.1) of any type that
// signs.
func readSPKI(der []byte) (any, error) {
	s, ok := wholeSequence(der)
	if !ok {
		return nil, notDER("a public key", der)
	}
	oid, params, ok := readAlgorithm(&s)
	var key []byte
	if !ok || !s.ReadASN1BitStringAsBytes(&key) || !s.Empty() {
		return nil, unreadablePublic()
	}
	switch oid {
	case oidRSA:
		return readPKCS1Public(key)
	case oidRSAPSS:
		return readPSSPublic(key, params)
	case oidEC:
		return readECPoint(key, params)
	case oidEd25519:
		if len(key) != ed25519.PublicKeySize {
			return nil, unreadablePublic()
		}
		return ed25519.PublicKey(key), nil
	case oidMLDSA44, oidMLDSA65, oidMLDSA87:
		public, err := mldsa.NewPublicKey(mldsaOf(oid), key)
		if err != nil {
			return nil, unreadablePublic()
		}
		return public, nil
	}
	return nil, unsupportedType(oid)
}

func readPSSPublic(key []byte, params cryptobyte.String) (any, error) {
	hash, err := readPSSParams(params)
	if err != nil {
		return nil, err
	}
	public, err := readPKCS1Public(key)
	if err != nil {
		return nil, err
	}
	return rsaPSSPublic{key: public, hash: hash}, nil
}

// readECPoint reads an ECPoint (RFC 5480 §2.2).
func readECPoint(point []byte, params cryptobyte.String) (any, error) {
	oid, err := readCurve(params)
	if err != nil {
		return nil, err
	}
	if len(point) == 0 || point[0] < 2 || point[0] > 4 {
		return nil, unreadablePublic()
	}
	if oid == oidSecp256k1 {
		public, err := secp256k1.ParsePubKey(point)
		if err != nil {
			return nil, unreadablePublic()
		}
		return public, nil
	}
	curve := curveOf(oid)
	if curve == nil {
		return nil, unsupportedCurve(oid)
	}
	if point[0] != 4 {
		x, y := elliptic.UnmarshalCompressed(curve, point)
		if x == nil {
			return nil, unreadablePublic()
		}
		point = expandPoint(curve, x, y)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, unreadablePublic()
	}
	return public, nil
}

// expandPoint makes the long form of a point (SEC 1 §2.3.3).
func expandPoint(curve elliptic.Curve, x, y *big.Int) []byte {
	size := (curve.Params().BitSize + 7) / 8
	out := make([]byte, 1+2*size)
	out[0] = 4
	x.FillBytes(out[1 : 1+size])
	y.FillBytes(out[1+size:])
	return out
}

func unreadablePublic() error {
	return &fault.Error{Reason: ErrUnreadable, Found: "a public key that is damaged", Hint: "copy the whole key again"}
}
