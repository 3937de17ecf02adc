package decode

import (
	"crypto"
	"crypto/x509"
	"encoding/json/jsontext"
	"errors"
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

// JWK is a JSON Web Key whose members were not read yet.
type JWK struct{ members members }

// ID is the kid; empty where it has none.
func (k JWK) ID() string {
	id, _, _ := k.members.text("kid")
	return id
}

// Private reads the JWK to sign with.
func (k JWK) Private() (Key, error) { return readPrivateJWK(k.members) }

// Verifying reads the JWK, public or private, to check signatures with.
func (k JWK) Verifying() (Key, error) { return readVerifyingJWK(k.members) }

// Set reads the keys of a JWK Set (RFC 7517 §5). ok reports whether text is
// one. Elements that are no objects are ignored.
func Set(text string) (set []JWK, ok bool, err error) {
	if !isJSON(text) {
		return nil, false, nil
	}
	m, err := readMembers(text)
	if err != nil || m.has("kty") || !m.has("keys") {
		return nil, false, nil //nolint:nilerr // Private says what is wrong
	}
	set, err = readSet(m)
	return set, true, err
}

func readSet(m members) ([]JWK, error) {
	elements, err := readArray("keys", m["keys"])
	if err != nil {
		return nil, err
	}
	set := make([]JWK, 0, len(elements))
	for _, e := range elements {
		if e.Kind() != jsontext.KindBeginObject {
			continue
		}
		k, err := readMembers(string(e))
		if err != nil {
			return nil, err
		}
		set = append(set, JWK{k})
	}
	if len(set) == 0 {
		return nil, &fault.Error{
			Reason: ErrUnreadable, Found: "this is a JWKS without keys", Hint: "give a JWKS that holds the private key", Cause: errors.Join(givePublic, ErrEmptySet),
		}
	}
	return set, nil
}

// readPrivateJWK reads a JWK to sign with.
func readPrivateJWK(m members) (Key, error) {
	k, err := readJWK(m)
	if err != nil {
		return Key{}, err
	}
	if k.Private == nil {
		return Key{}, &fault.Error{Reason: ErrPublic, Found: "this is a public JWK", Hint: "give the private JWK: the one with " + privateMember(m)}
	}
	if err := k.checkOps(); err != nil {
		return Key{}, err
	}
	if k.operations != nil && !slices.Contains(k.operations, "sign") {
		return Key{}, &fault.Error{Reason: ErrUse, Found: "this is a JWK whose key_ops does not hold sign", Hint: "use a key meant for signing (RFC 7517 section 4.3)"}
	}
	return k, nil
}

// readVerifyingJWK reads a JWK, public or private, to check signatures with.
func readVerifyingJWK(m members) (Key, error) {
	k, err := readJWK(m)
	if err != nil {
		return Key{}, err
	}
	if err := k.checkOps(); err != nil {
		return Key{}, err
	}
	// A private JWK that may sign says nothing of its public half.
	if k.operations != nil && !slices.Contains(k.operations, "verify") && !slices.Contains(k.operations, "sign") {
		return Key{}, &fault.Error{Reason: ErrUse, Found: "this is a JWK whose key_ops does not hold verify", Hint: "use a key meant for signatures (RFC 7517 section 4.3)"}
	}
	return k, nil
}

// checkOps refuses an empty key_ops, which permits nothing (RFC 7517 §4.3).
func (k Key) checkOps() error {
	if k.operations == nil || len(k.operations) > 0 {
		return nil
	}
	return &fault.Error{Reason: ErrUse, Found: "this is a JWK whose key_ops is empty", Hint: "leave key_ops out"}
}

// readJWK reads a JWK for signatures, private or public.
func readJWK(m members) (Key, error) {
	kty, ok, err := m.text("kty")
	if err != nil {
		return Key{}, err
	}
	if !ok {
		return Key{}, &fault.Error{Reason: ErrUnreadable, Found: "this is a JWK without kty", Hint: "export the whole key again"}
	}
	k, err := readJWKMeta(m)
	if err != nil {
		return Key{}, err
	}
	k.Private, k.Public, err = readJWKNumbers(kty, m)
	if err != nil {
		return Key{}, err
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
		Reason: ErrUnsupported, Found: fmt.Sprintf("this is a JWK of an unknown type (kty of %d characters)", len(kty)),
		Hint: "kty must be RSA, EC, OKP, oct or AKP",
	}
}

// readJWKMeta reads the members that every JWK may have (RFC 7517 §4).
func readJWKMeta(m members) (Key, error) {
	var k Key
	if err := checkUse(m); err != nil {
		return k, err
	}
	var err error
	if k.operations, err = readKeyOps(m); err != nil {
		return k, err
	}
	if k.ID, _, err = m.text("kid"); err != nil {
		return k, err
	}
	if k.Algorithm, _, err = m.text("alg"); err != nil {
		return k, err
	}
	k.Chain, err = readX5C(m)
	return k, err
}

func checkUse(m members) error {
	use, ok, err := m.text("use")
	if err != nil {
		return err
	}
	if ok && use != "sig" {
		return &fault.Error{Reason: ErrUse, Found: "this is a JWK whose use is not sig", Hint: "use a key meant for signing (RFC 7517 section 4.2)"}
	}
	return nil
}

func readKeyOps(m members) ([]string, error) {
	ops, ok, err := m.list("key_ops")
	if err != nil || !ok {
		return nil, err
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(ops)))
	if len(distinct) != len(ops) {
		return nil, &fault.Error{Reason: ErrUnreadable, Found: "this is a JWK whose key_ops holds an operation twice", Hint: "remove the duplicate (RFC 7517 section 4.3)"}
	}
	if ops == nil {
		ops = []string{}
	}
	return ops, nil
}

// readX5C reads the certificate chain of a JWK (RFC 7517 §4.7): base64, not
// base64url, leaf first.
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

// checkChain compares the first certificate of x5c with the key (RFC 7517
// §4.7).
func (k Key) checkChain() error {
	if len(k.Chain) == 0 {
		return nil
	}
	own, ok := k.Public.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !own.Equal(k.Chain[0].PublicKey) {
		return &fault.Error{
			Reason: ErrInconsistent, Found: "this is a JWK whose x5c begins with another key's certificate",
			Hint: "put the key's own certificate first, or leave x5c out (RFC 7517 section 4.7)",
		}
	}
	return nil
}

func badX5C() error {
	return &fault.Error{Reason: ErrUnreadable, Found: "this is a JWK whose x5c holds no certificate in base64", Hint: "correct x5c or leave it out (RFC 7517 section 4.7)"}
}

// privateMember returns the member that only the private form of a JWK has.
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
