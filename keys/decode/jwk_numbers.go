package decode

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/rsa"
	"fmt"
	"math/big"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/fault"
)

// readRSAJWK reads an RSA JWK (RFC 7518 §6.3). The size of the modulus is
// checked before any arithmetic.
func readRSAJWK(m members) (private, public any, err error) {
	n, e, err := readRSAPublicJWK(m)
	if err != nil {
		return nil, nil, err
	}
	pub := &rsa.PublicKey{N: n, E: e}
	if !m.has("d") {
		if m.has("p") || m.has("q") {
			return nil, nil, &fault.Error{Reason: ErrUnreadable, Found: "this is an RSA JWK with primes but without d", Hint: "export the whole key again"}
		}
		return nil, pub, nil
	}
	key, err := readRSAPrivateJWK(m, pub)
	if err != nil {
		return nil, nil, err
	}
	return key, pub, nil
}

func readRSAPublicJWK(m members) (*big.Int, int, error) {
	n, err := m.number("n")
	if err != nil {
		return nil, 0, err
	}
	if err := checkRSABits(n.BitLen()); err != nil {
		return nil, 0, err
	}
	e, err := m.number("e")
	if err != nil {
		return nil, 0, err
	}
	exponent := smallInt(e)
	return n, exponent, checkRSAPublic(n, exponent)
}

// readRSAPrivateJWK computes p and q, or the three CRT values, where they are
// missing, and checks them otherwise (RFC 7518 §6.3.2).
func readRSAPrivateJWK(m members, pub *rsa.PublicKey) (*rsa.PrivateKey, error) {
	if m.has("oth") {
		return nil, multiPrime() // §6.3.2.7
	}
	var d, p, q big.Int
	if !m.has("p") && !m.has("q") {
		if err := m.numbers(pub.N, member{"d", &d}); err != nil {
			return nil, err
		}
		return rsaOfExponents(pub, &d)
	}
	if err := m.numbers(pub.N, member{"d", &d}, member{"p", &p}, member{"q", &q}); err != nil {
		return nil, err
	}
	key := &rsa.PrivateKey{PublicKey: *pub, D: &d, Primes: []*big.Int{&p, &q}}
	if m.has("dp") || m.has("dq") || m.has("qi") {
		var dp, dq, qi big.Int
		if err := m.numbers(pub.N, member{"dp", &dp}, member{"dq", &dq}, member{"qi", &qi}); err != nil {
			return nil, err
		}
		key.Precomputed.Dp, key.Precomputed.Dq, key.Precomputed.Qinv = &dp, &dq, &qi
	}
	return key, nil
}

// number reads a Base64urlUInt (RFC 7518 §2).
func (m members) number(name string) (*big.Int, error) {
	b, err := m.bytes(name)
	if err != nil {
		return nil, err
	}
	return new(big.Int).SetBytes(b), nil
}

type member struct {
	name string
	into *big.Int
}

// numbers reads several numbers that are positive and less than n.
func (m members) numbers(n *big.Int, list ...member) error {
	for _, each := range list {
		x, err := m.number(each.name)
		if err != nil {
			return err
		}
		if x.Sign() == 0 || x.Cmp(n) >= 0 {
			return inconsistentRSA()
		}
		each.into.Set(x)
	}
	return nil
}

// readECJWK reads an EC JWK (RFC 7518 §6.2, RFC 8812 §3.1). Coordinates and
// scalar have the full width of the curve.
func readECJWK(m members) (private, public any, err error) {
	crv, ok, err := m.text("crv")
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, &fault.Error{Reason: ErrUnreadable, Found: "this is an EC JWK without crv", Hint: "export the whole key again"}
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
	if curveName(crv) != "" {
		return nil, nil, unsupportedCurve(crv)
	}
	return nil, nil, &fault.Error{
		Reason: ErrUnsupported, Found: fmt.Sprintf("this is an EC JWK on an unknown curve (crv of %d characters)", len(crv)),
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

// readPoint returns x and y as an uncompressed point (SEC 1 §2.3.3).
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
		Reason: ErrInconsistent, Found: "this is an EC key whose public point is not on its curve",
		Hint: "export the key again; this copy is damaged or was tampered with",
	}
}

// readOKPJWK reads an Ed25519 JWK (RFC 8037 §2): d is the seed, and x its
// public half.
func readOKPJWK(m members) (private, public any, err error) {
	crv, ok, err := m.text("crv")
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, &fault.Error{Reason: ErrUnreadable, Found: "this is an OKP JWK without crv", Hint: "export the whole key again"}
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
		Reason: ErrUnsupported, Found: fmt.Sprintf("this is an OKP JWK on an unknown curve (crv of %d characters)", len(crv)),
		Hint: "use an Ed25519 key",
	}
}

// readAKPJWK reads an ML-DSA JWK (RFC 9964 §5): alg and pub are required,
// priv is the 32-byte seed, never the expanded key.
func readAKPJWK(m members) (private, public any, err error) {
	params, err := readAKPAlgorithm(m)
	if err != nil {
		return nil, nil, err
	}
	raw, err := m.octets("pub", params.PublicKeySize())
	if err != nil {
		return nil, nil, err
	}
	pub, err := mldsa.NewPublicKey(params, raw)
	if err != nil {
		return nil, nil, inconsistentMLDSA()
	}
	if !m.has("priv") {
		return nil, pub, nil
	}
	key, err := readSeed(m, params)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(key.PublicKey().Bytes(), raw) {
		return nil, nil, inconsistentMLDSA()
	}
	return key, pub, nil
}

func readSeed(m members, params mldsa.Parameters) (*mldsa.PrivateKey, error) {
	seed, err := m.bytes("priv")
	if err != nil {
		return nil, err
	}
	if len(seed) != mldsa.PrivateKeySize {
		return nil, &fault.Error{
			Reason: ErrUnsupported, Found: fmt.Sprintf("this is an ML-DSA JWK whose priv has %d bytes", len(seed)),
			Hint: fmt.Sprintf("priv must be the seed of %d bytes, not the expanded key (RFC 9964)", mldsa.PrivateKeySize),
		}
	}
	key, err := mldsa.NewPrivateKey(params, seed)
	if err != nil {
		return nil, inconsistentMLDSA()
	}
	return key, nil
}

func readAKPAlgorithm(m members) (mldsa.Parameters, error) {
	alg, ok, err := m.text("alg")
	if err != nil {
		return mldsa.Parameters{}, err
	}
	if !ok {
		return mldsa.Parameters{}, &fault.Error{Reason: ErrUnreadable, Found: "this is an AKP JWK without alg", Hint: "set its alg to ML-DSA-44, ML-DSA-65 or ML-DSA-87"}
	}
	params, ok := mldsaParameters(alg)
	if !ok {
		return mldsa.Parameters{}, &fault.Error{
			Reason: ErrAlgorithmMismatch, Found: "this is an AKP JWK whose alg is none of ML-DSA's",
			Hint: "its alg must be ML-DSA-44, ML-DSA-65 or ML-DSA-87",
		}
	}
	return params, nil
}

// mldsaParameters returns a parameter set by its JOSE name (RFC 9964 §3).
func mldsaParameters(name string) (mldsa.Parameters, bool) {
	for _, params := range []mldsa.Parameters{mldsa.MLDSA44(), mldsa.MLDSA65(), mldsa.MLDSA87()} {
		if params.String() == name {
			return params, true
		}
	}
	return mldsa.Parameters{}, false
}

func inconsistentMLDSA() error {
	return &fault.Error{
		Reason: ErrInconsistent, Found: "this is an ML-DSA key whose public half does not belong to its private half",
		Hint: "export the key again; this copy is damaged or was tampered with",
	}
}
