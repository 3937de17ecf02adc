package decode

import (
	"bytes"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/rsa"
	"crypto/sha3"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"conductor-jwt/internal/fault"
)

// The object identifiers of key types (RFC 8017 A.2, RFC 5480 §2.1.1,
// RFC 8410 §3, RFC 9881 §2).
const (
	oidRSA     = "1.2.840.113549.1.1.1"
	OIDRSAPSS  = "1.2.840.113549.1.1.10"
	OIDEC      = "1.2.840.10045.2.1"
	oidEd25519 = "1.3.101.112"
	oidDSA     = "1.2.840.10040.4.1"
	oidMLDSA44 = "2.16.840.1.101.3.4.3.17"
	oidMLDSA65 = "2.16.840.1.101.3.4.3.18"
	oidMLDSA87 = "2.16.840.1.101.3.4.3.19"
)

// pkcs8 is a OneAsymmetricKey (RFC 5958 §2) without its attributes.
type pkcs8 struct {
	oid    string
	params cryptobyte.String
	key    []byte
	public []byte // may be empty
}

// readPKCS8 reads a OneAsymmetricKey of any type that signs, as one of the
// types of [Key.Private].
func readPKCS8(der []byte) (any, error) {
	k, err := splitPKCS8(der)
	if err != nil {
		return nil, err
	}
	switch k.oid {
	case oidRSA:
		return k.rsa()
	case OIDRSAPSS:
		return k.rsaPSS()
	case OIDEC:
		return k.ec()
	case oidEd25519:
		return k.ed25519()
	case oidMLDSA44, oidMLDSA65, oidMLDSA87:
		return k.mldsa()
	}
	return nil, unsupportedType(k.oid)
}

func splitPKCS8(der []byte) (pkcs8, error) {
	s, ok := wholeSequence(der)
	if !ok {
		return pkcs8{}, notDER("this is a PKCS#8 key", der)
	}
	var k pkcs8
	var version int
	if !s.ReadASN1Integer(&version) || version < 0 || version > 1 {
		return pkcs8{}, unreadablePKCS8()
	}
	if k.oid, k.params, ok = readAlgorithm(&s); !ok {
		return pkcs8{}, unreadablePKCS8()
	}
	if k.key, ok = readOctetString(&s); !ok {
		return pkcs8{}, unreadablePKCS8()
	}
	if !s.SkipOptionalASN1(cbasn1.Tag(0).Constructed().ContextSpecific()) {
		return pkcs8{}, unreadablePKCS8()
	}
	if k.public, ok = readPKCS8Public(&s); !ok || !s.Empty() {
		return pkcs8{}, unreadablePKCS8()
	}
	return k, nil
}

// readPKCS8Public reads the optional public half: a BIT STRING under an
// implicit tag, or under an explicit one, as old versions of ring write it. The
// first byte counts the unused bits (X.690 §8.6.2.2).
func readPKCS8Public(s *cryptobyte.String) ([]byte, bool) {
	bits, present, ok := readOptional(s, cbasn1.Tag(1).ContextSpecific())
	if ok && !present {
		var explicit cryptobyte.String
		explicit, present, ok = readOptional(s, cbasn1.Tag(1).Constructed().ContextSpecific())
		if ok && present {
			ok = explicit.ReadASN1(&bits, cbasn1.BIT_STRING) && explicit.Empty()
		}
	}
	if !ok || !present {
		return nil, ok
	}
	if len(bits) < 2 || bits[0] != 0 {
		return nil, false
	}
	return bits[1:], true
}

// rsa reads an RSAPrivateKey (RFC 8017 A.1.2) and the RSAPublicKey beside it.
func (k pkcs8) rsa() (*rsa.PrivateKey, error) {
	key, err := readPKCS1(k.key)
	if err != nil || len(k.public) == 0 {
		return key, err
	}
	public, err := readPKCS1Public(k.public)
	if err != nil || !public.Equal(&key.PublicKey) {
		return nil, inconsistentRSA()
	}
	return key, nil
}

// ec reads an ECPrivateKey (RFC 5915 §3), the curve in front of it and the
// point beside it.
func (k pkcs8) ec() (any, error) {
	if k.params.Empty() {
		return nil, unreadableEC()
	}
	curve, err := readCurve(k.params)
	if err != nil {
		return nil, err
	}
	key, err := readSEC1(k.key, curve)
	if err != nil {
		return nil, err
	}
	if !samePoint(k.public, key) {
		return nil, inconsistentEC()
	}
	return key, nil
}

// ed25519 reads a CurvePrivateKey (RFC 8410 §7) of 32 octets.
func (k pkcs8) ed25519() (any, error) {
	s := cryptobyte.String(k.key)
	seed, ok := readOctetString(&s)
	if !ok || !s.Empty() || len(seed) != ed25519.SeedSize || !k.params.Empty() {
		return nil, &fault.Error{Reason: ErrUnreadable, Found: "this is an Ed25519 key that is damaged", Hint: "copy the whole key again"}
	}
	key := ed25519.NewKeyFromSeed(seed)
	if len(k.public) > 0 && !bytes.Equal(k.public, key[ed25519.SeedSize:]) {
		return nil, inconsistentEd25519()
	}
	return key, nil
}

// unsupportedType is the error of a key of another type, by object identifier.
func unsupportedType(oid string) error { return unsupportedKey(typeName(oid)) }

// unsupportedKey is the error of a key of another type, by its name.
func unsupportedKey(name string) error {
	why := name + " is not supported"
	switch name {
	case "":
		why = "it is none that JWS has"
	case "X25519", "X448", "Diffie-Hellman", "EC key-agreement", "ML-KEM", "RSAES-OAEP":
		why += ": it does not sign"
	}
	return &fault.Error{
		Reason: ErrUnsupported, Found: "this is a key of another type: " + why,
		Hint:  useSupported + "; make one with: conductor-jwt key generate key.pem",
		Cause: VerifierHint(useSupported),
	}
}

// typeName returns the name of a type of key without an algorithm here; empty
// for any other.
func typeName(oid string) string {
	switch oid {
	case "1.3.101.110":
		return "X25519"
	case "1.3.101.111":
		return "X448"
	case "1.3.101.113":
		return "Ed448"
	case oidDSA:
		return "DSA"
	case "1.2.840.113549.1.3.1", "1.2.840.10046.2.1":
		return "Diffie-Hellman"
	case "1.2.840.113549.1.1.7":
		return "RSAES-OAEP"
	case "1.3.132.1.12", "1.3.132.1.13":
		return "EC key-agreement"
	case "2.16.840.1.101.3.4.4.1", "2.16.840.1.101.3.4.4.2", "2.16.840.1.101.3.4.4.3":
		return "ML-KEM"
	case "1.2.156.10197.1.301":
		return "SM2"
	}
	switch {
	case strings.HasPrefix(oid, "1.2.643."): // RFC 4491 §2.3, RFC 9215 §4
		return "GOST"
	case strings.HasPrefix(oid, "2.16.840.1.101.3.4.3."): // NIST CSOR, behind ML-DSA
		return "SLH-DSA"
	}
	return ""
}

func unreadablePKCS8() error {
	return &fault.Error{Reason: ErrUnreadable, Found: "this is a PKCS#8 key that is damaged", Hint: "copy the whole key again"}
}

// mldsa reads an ML-DSA private key (RFC 9881 §6): a seed, or a seed and the
// key expanded from it, which crypto/x509 does not support.
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
			Reason: ErrUnsupported, Found: "this is an ML-DSA key in its expanded form, without the seed",
			Hint: "export the key again in a form that keeps the seed, as openssl does by default",
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
			Reason: ErrUnsupported, Found: "this is an ML-DSA key, which this build's cryptographic module does not have",
			Hint: "use an RSA, EC or Ed25519 key",
		}
	}
	derived := key.PublicKey().Bytes()
	if len(public) > 0 && !bytes.Equal(public, derived) || !expandedFits(expanded, derived) {
		return nil, &fault.Error{
			Reason: ErrInconsistent, Found: "this is an ML-DSA key whose parts do not belong together",
			Hint: "export the key again; this copy is damaged or was tampered with",
		}
	}
	return key, nil
}

// expandedFits compares the parts of an expanded key that depend on its public
// key, rho and tr (FIPS 204 §4, algorithm 24), with the public key of the seed.
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

// expandedSize returns the length of an expanded key in bytes (FIPS 204 §4,
// table 2).
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
	return &fault.Error{Reason: ErrUnreadable, Found: "this is an ML-DSA key that is damaged", Hint: "copy the whole key again"}
}
