package keys

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"

	"conductor-jwt/internal/fault"
)

// Key types of a JWK (RFC 7518 §6.1, RFC 8037 §2, RFC 9964 §5).
const (
	ktyRSA = "RSA"
	ktyEC  = "EC"
	ktyOKP = "OKP"
	ktyOct = "oct"
	ktyAKP = "AKP"
)

// jwk is a JWK that was read: the key, what it says of itself, and which
// halves it has.
type jwk struct {
	private any // as newKey takes it; nil for a public key
	public  any // as newVerifier takes it; nil for oct
	meta    meta
	ops     []string // key_ops; nil: any
}

// readPrivateJWK reads a JWK to sign with.
func readPrivateJWK(m members) (jwk, error) {
	k, err := readJWK(m)
	if err != nil {
		return jwk{}, err
	}
	if k.private == nil {
		return jwk{}, &fault.Error{Reason: ErrPublic, Found: "a public jwk", Hint: "give the private jwk: the one with " + privateMember(m)}
	}
	if err := k.checkOps(); err != nil {
		return jwk{}, err
	}
	if k.ops != nil && !slices.Contains(k.ops, "sign") {
		return jwk{}, &fault.Error{Reason: ErrUse, Found: "a jwk whose key_ops does not hold sign", Hint: "use a key meant for signing (rfc 7517 section 4.3)"}
	}
	return k, nil
}

// checkOps refuses an empty key_ops, which permits nothing (RFC 7517 §4.3).
func (k jwk) checkOps() error {
	if k.ops == nil || len(k.ops) > 0 {
		return nil
	}
	return &fault.Error{Reason: ErrUse, Found: "a jwk whose key_ops is empty", Hint: "leave key_ops out"}
}

// readJWK reads a JWK, private or public, that is meant for signatures.
func readJWK(m members) (jwk, error) {
	kty, ok, err := m.text("kty")
	if err != nil {
		return jwk{}, err
	}
	if !ok {
		return jwk{}, &fault.Error{Reason: ErrUnreadable, Found: "a jwk without kty", Hint: "export the whole key again"}
	}
	k, err := readJWKMeta(m)
	if err != nil {
		return jwk{}, err
	}
	k.private, k.public, err = readJWKNumbers(kty, m)
	if err != nil {
		return jwk{}, err
	}
	return k, k.checkChain()
}

func readJWKNumbers(kty string, m members) (private, public any, err error) {
	switch kty {
	case ktyRSA:
		return readRSAJWK(m)
	case ktyEC:
		return readECJWK(m)
	case ktyOKP:
		return readOKPJWK(m)
	case ktyOct:
		return readOctJWK(m)
	case ktyAKP:
		return readAKPJWK(m)
	}
	return nil, nil, &fault.Error{
		Reason: ErrUnsupported, Found: fmt.Sprintf("a jwk of an unknown type (kty of %d characters)", len(kty)),
		Hint: "kty must be RSA, EC, OKP, oct or AKP",
	}
}

// readJWKMeta reads the members that every JWK may have (RFC 7517 §4).
func readJWKMeta(m members) (jwk, error) {
	var k jwk
	if err := checkUse(m); err != nil {
		return k, err
	}
	var err error
	if k.ops, err = readKeyOps(m); err != nil {
		return k, err
	}
	if k.meta.id, _, err = m.text("kid"); err != nil {
		return k, err
	}
	if k.meta.alg, err = readJWKAlgorithm(m); err != nil {
		return k, err
	}
	k.meta.chain, err = readX5C(m)
	return k, err
}

func checkUse(m members) error {
	use, ok, err := m.text("use")
	if err != nil {
		return err
	}
	if ok && use != "sig" {
		return &fault.Error{Reason: ErrUse, Found: "a jwk whose use is not sig", Hint: "use a key meant for signing (rfc 7517 section 4.2)"}
	}
	return nil
}

func readKeyOps(m members) ([]string, error) {
	ops, ok, err := m.list("key_ops")
	if err != nil || !ok {
		return nil, err
	}
	sorted := slices.Sorted(slices.Values(ops))
	if len(slices.Compact(sorted)) != len(ops) {
		return nil, &fault.Error{Reason: ErrUnreadable, Found: "a jwk whose key_ops holds an operation twice", Hint: "remove the duplicate (rfc 7517 section 4.3)"}
	}
	if ops == nil {
		ops = []string{}
	}
	return ops, nil
}

// readJWKAlgorithm reads alg. A name that is no signature algorithm here
// makes the key useless, whatever the task asks for.
func readJWKAlgorithm(m members) (Algorithm, error) {
	name, ok, err := m.text("alg")
	if err != nil || !ok {
		return "", err
	}
	if !slices.Contains(Algorithms(), Algorithm(name)) {
		return "", &fault.Error{
			Reason: ErrAlgorithmMismatch, Found: "a jwk whose alg is not a signature algorithm",
			Hint: "its alg must be one of " + list(Algorithms()) + ", or left out",
		}
	}
	return Algorithm(name), nil
}

// readX5C reads the certificate chain of a JWK (RFC 7517 §4.7: base64, not
// base64url, leaf first).
func readX5C(m members) ([]*x509.Certificate, error) {
	texts, ok, err := m.list("x5c")
	if err != nil || !ok {
		return nil, err
	}
	if len(texts) == 0 || len(texts) > MaxChain {
		return nil, badX5C()
	}
	chain := make([]*x509.Certificate, 0, len(texts))
	for _, text := range texts {
		der, ok := decodeBase64(text)
		certificate, err := parseCertificate(der)
		if !ok || err != nil {
			return nil, badX5C()
		}
		chain = append(chain, certificate)
	}
	return chain, nil
}

// checkChain holds the first certificate of x5c against the key (RFC 7517
// §4.7: it must be the same one).
func (k jwk) checkChain() error {
	if len(k.meta.chain) == 0 {
		return nil
	}
	own, ok := k.public.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !own.Equal(k.meta.chain[0].PublicKey) {
		return &fault.Error{
			Reason: ErrInconsistent, Found: "a jwk whose x5c begins with another key's certificate",
			Hint: "put the key's own certificate first, or leave x5c out (rfc 7517 section 4.7)",
		}
	}
	return nil
}

func badX5C() error {
	return &fault.Error{Reason: ErrUnreadable, Found: "a jwk whose x5c holds no certificate in base64", Hint: "correct x5c or leave it out (rfc 7517 section 4.7)"}
}

// privateMember names the member that only the private form of a JWK has.
func privateMember(m members) string {
	switch kty, _, _ := m.text("kty"); kty {
	case ktyAKP:
		return "priv"
	case ktyOct:
		return "k"
	default:
		return "d"
	}
}
