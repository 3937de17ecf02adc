//go:build cgo

package pkcs11

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/asn1"
	"encoding/pem"

	"github.com/miekg/pkcs11"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// source is one private key of a token.
type source struct {
	token *token
	place place
}

// Timed implements [keys.Source]. A token has no reliable clock.
func (*source) Timed() bool { return false }

// Remote implements [keys.Source].
func (*source) Remote() bool { return true }

// Files returns the file with the PIN, if the URI names one.
func (s *source) Files(context.Context) []string {
	if s.place.pinSource == "" {
		return nil
	}
	return []string{s.place.pinSource}
}

// Versions implements [keys.Source]. There is one: the object of a token does
// not change.
func (s *source) Versions(ctx context.Context) ([]keys.Key, error) {
	type half struct {
		public     crypto.PublicKey
		algorithms []keys.Algorithm
	}
	found, err := with(ctx, s.token, func(at *session) (half, error) {
		private, err := s.place.private(at)
		if err != nil {
			return half{}, err
		}
		public, err := at.publicOf(private)
		if err != nil {
			return half{}, err
		}
		algorithms, err := at.algorithms(public)
		return half{public, algorithms}, err
	})
	if err != nil {
		return nil, err
	}
	key, err := keys.FromStore(found.public, keys.StoreOptions{
		Algorithms: found.algorithms,
		Sign: func(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
			return s.sign(ctx, found.public, alg, input)
		},
	})
	if err != nil {
		return nil, err
	}
	return []keys.Key{key}, nil
}

// private returns the handle of the one private key that p names.
func (p place) private(at *session) (pkcs11.ObjectHandle, error) {
	template := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY)}
	if p.object != "" {
		template = append(template, pkcs11.NewAttribute(pkcs11.CKA_LABEL, p.object))
	}
	if p.id != "" {
		template = append(template, pkcs11.NewAttribute(pkcs11.CKA_ID, []byte(p.id)))
	}
	list, err := at.find(template)
	switch {
	case err != nil:
		return 0, err
	case len(list) == 0:
		return 0, store.Missing("has no private key that matches the source", "correct object and id; without pin-source, a token may hide its private keys")
	case len(list) > 1:
		return 0, &fault.Error{Reason: keys.ErrAmbiguous, Found: "the token has several private keys that match the source", Hint: "add id to the source"}
	}
	return list[0], nil
}

// find returns at most two objects: the callers need to know whether there is
// exactly one.
func (s *session) find(template []*pkcs11.Attribute) ([]pkcs11.ObjectHandle, error) {
	if err := s.module.FindObjectsInit(s.handle, template); err != nil {
		return nil, err
	}
	list, _, err := s.module.FindObjects(s.handle, 2)
	if errFinal := s.module.FindObjectsFinal(s.handle); err == nil {
		err = errFinal
	}
	return list, err
}

// attribute returns an attribute of an object; nil if it has none.
func (s *session) attribute(o pkcs11.ObjectHandle, name uint) []byte {
	list, err := s.module.GetAttributeValue(s.handle, o, []*pkcs11.Attribute{pkcs11.NewAttribute(name, nil)})
	if err != nil || len(list) != 1 {
		return nil
	}
	return list[0].Value
}

// publicOf reads the public half of a private key: of RSA from the key itself,
// of others from the public object with the same id, or with the same label.
func (s *session) publicOf(private pkcs11.ObjectHandle) (crypto.PublicKey, error) {
	keyType := s.attribute(private, pkcs11.CKA_KEY_TYPE)
	if n, e := s.attribute(private, pkcs11.CKA_MODULUS), s.attribute(private, pkcs11.CKA_PUBLIC_EXPONENT); len(n) > 0 && len(e) > 0 {
		return rsaPublicKey(n, e)
	}
	for _, name := range []uint{pkcs11.CKA_ID, pkcs11.CKA_LABEL} {
		value := s.attribute(private, name)
		if len(value) == 0 || len(keyType) == 0 {
			continue
		}
		list, err := s.find([]*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PUBLIC_KEY),
			pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, keyType), pkcs11.NewAttribute(name, value),
		})
		if err != nil {
			return nil, err
		}
		if len(list) == 1 {
			return s.public(list[0])
		}
	}
	return nil, &fault.Error{
		Reason: keys.ErrInconsistent, Found: "the token does not have exactly one public key with the id or label of the private key",
		Hint: "store its public key in the token, too",
	}
}

// public reads a public object.
func (s *session) public(o pkcs11.ObjectHandle) (crypto.PublicKey, error) {
	if n := s.attribute(o, pkcs11.CKA_MODULUS); len(n) > 0 {
		return rsaPublicKey(n, s.attribute(o, pkcs11.CKA_PUBLIC_EXPONENT))
	}
	point := s.attribute(o, pkcs11.CKA_EC_POINT)
	var inner []byte
	if rest, err := asn1.Unmarshal(point, &inner); err == nil && len(rest) == 0 {
		point = inner // an OCTET STRING (PKCS #11 §2.3.3); some tokens return the point alone
	}
	return ecPublicKey(s.attribute(o, pkcs11.CKA_EC_PARAMS), point)
}

func rsaPublicKey(n, e []byte) (crypto.PublicKey, error) {
	public, ok := keys.RSAPublic(n, e)
	if !ok {
		return nil, unsupportedType()
	}
	return public, nil
}

// ecPublicKey reads a point. params are the parameters of the key's
// SubjectPublicKeyInfo (RFC 5480 §2.1.1). Ed25519 has none there: its params are
// the OID of RFC 8410 §3, or the name in a printable string (PKCS #11 v3.0).
func ecPublicKey(params, point []byte) (crypto.PublicKey, error) {
	if string(params) == "\x06\x03\x2b\x65\x70" || bytes.HasSuffix(params, []byte("edwards25519")) {
		if len(point) != ed25519.PublicKeySize {
			return nil, unsupportedType()
		}
		return ed25519.PublicKey(point), nil
	}
	type algorithm struct {
		OID    asn1.ObjectIdentifier
		Params asn1.RawValue
	}
	der, err := asn1.Marshal(struct {
		Algorithm algorithm
		Point     asn1.BitString
	}{algorithm{asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}, asn1.RawValue{FullBytes: params}}, asn1.BitString{Bytes: point, BitLength: 8 * len(point)}})
	if err != nil {
		return nil, unsupportedType()
	}
	return keys.ReadPublic(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
}

func unsupportedType() error {
	return store.Unsupported("the key's type makes no JWS signature", "use an RSA, EC (P-256, P-384, P-521, secp256k1) or Ed25519 key")
}
