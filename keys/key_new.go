package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/rsa"
	"crypto/x509"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/keys/decode"
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

// newKey checks a private key and makes a Key of it. The types are those of
// [decode.Key.Private]. It trusts no reader: the public half that private holds
// is compared with the one that belongs to it.
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
	if err := decode.Check(private); err != nil {
		return nil, err
	}
	switch p := private.(type) {
	case *rsa.PrivateKey:
		return newRSA(p, m), nil
	case decode.RSAPSS:
		return newRSAPSS(p, m), nil
	case *ecdsa.PrivateKey:
		return newEC(p, m), nil
	case *secp256k1.PrivateKey:
		return newSecp256k1(p, m), nil
	case ed25519.PrivateKey:
		return newEd25519(p, m), nil
	case *mldsa.PrivateKey:
		return newMLDSA(p, m), nil
	case decode.HMACSecret:
		return newOct(p, m)
	}
	return nil, decode.Check(nil)
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
		return decode.HMACSecret(p), true
	case *rsa.PrivateKey:
		if local.kind == KindRSAPSS {
			return decode.RSAPSS{Key: p, Hash: pssHash(local.algorithms)}, true
		}
		return p, true
	default:
		return p, true
	}
}
