package decode

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"fmt"
	"strconv"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"conductor-jwt/internal/fault"
)

// checkEC refuses an EC key whose public half is not that of its scalar;
// crypto/ecdsa would sign with it.
func checkEC(p *ecdsa.PrivateKey) error {
	if p == nil || p.Curve == nil || p.D == nil || p.X == nil || p.Y == nil { //nolint:staticcheck // a nil number would panic in Bytes
		return &fault.Error{Reason: ErrUnreadable, Found: "this is an EC key without its numbers", Hint: "export the whole key again"}
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
		Reason: ErrUnsupported, Found: "this is an EC key on a curve that no JWS algorithm has",
		Hint: "use P-256, P-384, P-521 or secp256k1",
	}
}

func inconsistentEC() error {
	return &fault.Error{
		Reason: ErrInconsistent, Found: "this is an EC key whose public half does not belong to its private half",
		Hint: "export the key again; this copy is damaged or was tampered with",
	}
}

// secp256k1Scalar reads a private scalar of exactly 32 bytes (RFC 8812 §3.1,
// RFC 7518 §6.2.2.1). It returns false for 0, and for the order of the group
// and above, which the library would reduce.
func secp256k1Scalar(b []byte) (*secp256k1.PrivateKey, bool) {
	var s secp256k1.ModNScalar
	if len(b) != 32 || s.SetByteSlice(b) || s.IsZero() {
		return nil, false
	}
	return secp256k1.NewPrivateKey(&s), true
}

// The object identifiers of the curves that sign (SEC 2 §A.2, RFC 5480
// §2.1.1.1).
const (
	oidP256      = "1.2.840.10045.3.1.7"
	oidP384      = "1.3.132.0.34"
	oidP521      = "1.3.132.0.35"
	OIDSecp256k1 = "1.3.132.0.10"
)

// curveOf returns a curve of the standard library; nil for any other.
func curveOf(oid string) elliptic.Curve {
	switch oid {
	case oidP256:
		return elliptic.P256()
	case oidP384:
		return elliptic.P384()
	case oidP521:
		return elliptic.P521()
	}
	return nil
}

// curveName returns the name of a curve without a JWS algorithm, by object
// identifier (SEC 2 §A.2, RFC 5639 §4.1) or by the crv of a JWK; empty for any
// other.
func curveName(name string) string {
	switch name {
	case "1.2.840.10045.3.1.1", "P-192":
		return "P-192"
	case "1.3.132.0.33", "P-224":
		return "P-224"
	case "1.3.132.0.31":
		return "secp192k1"
	case "1.3.132.0.32":
		return "secp224k1"
	case "1.2.156.10197.1.301", "SM2", "sm2p256v1":
		return "SM2"
	}
	if last, ok := strings.CutPrefix(name, "1.3.36.3.3.2.8.1.1."); ok {
		if n, err := strconv.Atoi(last); err == nil && n >= 1 && n <= 14 {
			return fmt.Sprintf("brainpoolP%d%c1", []int{160, 192, 224, 256, 320, 384, 512}[(n-1)/2], "rt"[(n-1)%2])
		}
	}
	for _, bits := range []string{"160", "192", "224", "256", "320", "384", "512"} {
		if strings.EqualFold(name, "BP-"+bits) || strings.EqualFold(name, "brainpoolP"+bits+"r1") {
			return "brainpoolP" + bits + "r1"
		}
	}
	return ""
}

// unsupportedCurve is the error of a curve by its object identifier or crv.
func unsupportedCurve(name string) error {
	const use = "use P-256, P-384, P-521 or secp256k1"
	return &fault.Error{
		Reason: ErrUnsupported, Found: "this is an EC key on " + cmp.Or(curveName(name), "another curve") + ", which no JWS algorithm has",
		Hint:  use + "; make one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
		Cause: VerifierHint(use),
	}
}

func explicitCurve() error {
	return &fault.Error{
		Reason: ErrUnsupported, Found: "this is an EC key with explicit curve parameters",
		Hint:  "name the curve instead: openssl pkey -in key.pem -ec_param_enc named_curve",
		Cause: VerifierHint("name the curve instead: openssl pkey -pubin -pubout -in key.pem -ec_param_enc named_curve"),
	}
}

// sec1 is an ECPrivateKey (RFC 5915 §3).
type sec1 struct {
	scalar []byte
	curve  string // its object identifier; may be empty
	public []byte // the encoded point; may be empty
}

// readSEC1 reads an ECPrivateKey. curve is the curve of the PKCS#8 parameters
// or of an EC PARAMETERS block; may be empty. The key is a *ecdsa.PrivateKey or
// a *secp256k1.PrivateKey.
func readSEC1(der []byte, curve string) (any, error) {
	k, err := splitSEC1(der)
	if err != nil {
		return nil, err
	}
	switch {
	case k.curve == "":
		k.curve = curve
	case curve != "" && curve != k.curve:
		return nil, inconsistentCurve()
	}
	if k.curve == "" {
		return nil, &fault.Error{
			Reason: ErrUnreadable, Found: "this is an EC key that does not name its curve",
			Hint: "put its EC PARAMETERS block in front, or use PKCS#8",
		}
	}
	return k.build()
}

func splitSEC1(der []byte) (sec1, error) {
	s, ok := wholeSequence(der)
	if !ok {
		return sec1{}, notDER("this is an EC key", der)
	}
	var k sec1
	var version int
	if !s.ReadASN1Integer(&version) || version != 1 {
		return sec1{}, unreadableEC()
	}
	if k.scalar, ok = readOctetString(&s); !ok {
		return sec1{}, unreadableEC()
	}
	params, hasParams, ok := readOptional(&s, cbasn1.Tag(0).Constructed().ContextSpecific())
	if !ok {
		return sec1{}, unreadableEC()
	}
	if hasParams {
		var err error
		if k.curve, err = readCurve(params); err != nil {
			return sec1{}, err
		}
	}
	point, hasPoint, ok := readOptional(&s, cbasn1.Tag(1).Constructed().ContextSpecific())
	if !ok || !s.Empty() {
		return sec1{}, unreadableEC()
	}
	if hasPoint && (!point.ReadASN1BitStringAsBytes(&k.public) || !point.Empty()) {
		return sec1{}, unreadableEC()
	}
	return k, nil
}

func readOptional(s *cryptobyte.String, tag cbasn1.Tag) (out cryptobyte.String, present, ok bool) {
	ok = s.ReadOptionalASN1(&out, &present, tag)
	return out, present, ok
}

// readCurve reads ECParameters (RFC 5480 §2.1.1). Only named curves are safe:
// explicit parameters may be any curve (CVE-2020-0601).
func readCurve(params cryptobyte.String) (string, error) {
	if params.PeekASN1Tag(cbasn1.SEQUENCE) {
		return "", explicitCurve()
	}
	oid, ok := readOID(&params)
	if !ok || !params.Empty() {
		return "", unreadableEC()
	}
	return oid, nil
}

func (k sec1) build() (any, error) {
	if k.curve == OIDSecp256k1 {
		return k.buildSecp256k1()
	}
	curve := curveOf(k.curve)
	if curve == nil {
		return nil, unsupportedCurve(k.curve)
	}
	scalar, ok := fitScalar(k.scalar, (curve.Params().N.BitLen()+7)/8)
	if !ok {
		return nil, inconsistentEC()
	}
	key, err := ecdsa.ParseRawPrivateKey(curve, scalar)
	if err != nil { // zero, or not below the order
		return nil, inconsistentEC()
	}
	// crypto/x509 never looks at the public half beside the scalar.
	if !samePoint(k.public, key) {
		return nil, inconsistentEC()
	}
	return key, nil
}

func (k sec1) buildSecp256k1() (any, error) {
	scalar, ok := fitScalar(k.scalar, 32)
	if !ok {
		return nil, inconsistentEC()
	}
	key, ok := secp256k1Scalar(scalar)
	if !ok {
		return nil, inconsistentEC()
	}
	if !samePoint(k.public, key) {
		return nil, inconsistentEC()
	}
	return key, nil
}

// fitScalar pads or trims a scalar to size: RFC 5915 §3 fixes it, but some
// writers drop leading zeros or add one.
func fitScalar(scalar []byte, size int) ([]byte, bool) {
	scalar = bytes.TrimLeft(scalar, "\x00")
	if len(scalar) == 0 || len(scalar) > size {
		return nil, false
	}
	out := make([]byte, size)
	copy(out[size-len(scalar):], scalar)
	return out, true
}

// samePoint reports whether an encoded point, compressed or not (SEC 1 §2.3.3),
// is that of a key of readSEC1. An empty one is.
func samePoint(point []byte, private any) bool {
	var full []byte
	switch key := private.(type) {
	case *ecdsa.PrivateKey:
		full, _ = key.PublicKey.Bytes() // the point at infinity alone has none
	case *secp256k1.PrivateKey:
		full = key.PubKey().SerializeUncompressed()
	}
	switch {
	case len(point) == 0:
		return true
	case len(full) == 0:
		return false
	}
	return bytes.Equal(point, full) || bytes.Equal(point, compressPoint(full))
}

// compressPoint returns the compressed form of a point.
func compressPoint(full []byte) []byte {
	size := len(full) / 2 // behind the first octet, 4
	return append([]byte{2 | full[2*size]&1}, full[1:1+size]...)
}

func unreadableEC() error {
	return &fault.Error{Reason: ErrUnreadable, Found: "this is an EC key that is damaged", Hint: "copy the whole key again"}
}

func inconsistentCurve() error {
	return &fault.Error{
		Reason: ErrInconsistent, Found: "this is an EC key that names two different curves",
		Hint: "export the key again; this copy is damaged or was tampered with",
	}
}
