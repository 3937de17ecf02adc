package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/rsa"
	"crypto/x509"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/fault"
)

// meta is what a key's text says beside the key itself.
type meta struct {
	id      string    // the id that the key carries; empty for PEM
	alg     Algorithm // the only one it may be used with (a JWK's alg); empty: all that fit
	created time.Time
	chain   []*x509.Certificate // leaf first
	account string              // whose key it is: a service account's client_email
	gate    *Gate               // nil: ungated
}

// newKey checks a private key of any type and makes a Key of it. The types
// are *rsa.PrivateKey, rsaPSS, *ecdsa.PrivateKey, *secp256k1.PrivateKey,
// ed25519.PrivateKey, *mldsa.PrivateKey and hmacSecret. The public half that
// private holds is compared with the one that belongs to it.
func newKey(private any, m meta) (Key, error) {
	k, err := newLocal(private, m)
	if err != nil {
		return nil, err
	}
	if err := k.restrict(m.alg); err != nil {
		return nil, err
	}
	return k, nil
}

func newLocal(private any, m meta) (*localKey, error) {
	switch p := private.(type) {
	case *rsa.PrivateKey:
		return newRSA(p, m)
	case rsaPSS:
		return newRSAPSS(p, m)
	case *ecdsa.PrivateKey:
		return newEC(p, m)
	case *secp256k1.PrivateKey:
		return newSecp256k1(p, m)
	case ed25519.PrivateKey:
		return newEd25519(p, m)
	case *mldsa.PrivateKey:
		return newMLDSA(p, m)
	case hmacSecret:
		return newOct(p, m)
	}
	return nil, &fault.Error{
		Reason: ErrUnsupported, Found: "a private key of a type that cannot sign a jwt",
		Hint: "use an rsa, ec (P-256, P-384, P-521, secp256k1), ed25519 or ml-dsa key",
	}
}

// privateOf gives the private half of a key of this process, in the types of
// newKey, for whoever writes it in another form; false for any other key.
func privateOf(k Key) (any, bool) {
	local, ok := k.(*localKey)
	if !ok {
		return nil, false
	}
	switch p := local.private().(type) {
	case []byte:
		return hmacSecret(p), true
	case *rsa.PrivateKey:
		if local.kind == KindRSAPSS {
			return rsaPSS{key: p, hash: pssHash(local.algorithms)}, true
		}
		return p, true
	default:
		return p, true
	}
}
