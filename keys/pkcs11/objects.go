//go:build cgo

package pkcs11

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/asn1"
	"math/big"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/miekg/pkcs11"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// source is one private key of a token.
type source struct {
	token *token
	place place
}

// Timed implements [keys.Source]. A token records no time that can be trusted.
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

// found is a private key as it was found.
type found struct {
	public     crypto.PublicKey
	algorithms []keys.Algorithm
}

// Versions implements [keys.Source]: a token's object does not change, so that
// there is one.
func (s *source) Versions(ctx context.Context) ([]keys.Key, error) {
	f, err := with(ctx, s.token, func(at *session) (found, error) {
		private, err := s.place.private(at)
		if err != nil {
			return found{}, err
		}
		public, err := publicOf(at, private)
		if err != nil {
			return found{}, err
		}
		algorithms, err := at.algorithms(public)
		return found{public, algorithms}, err
	})
	if err != nil {
		return nil, err
	}
	key, err := keys.FromStore(f.public, keys.StoreOptions{
		Algorithms: f.algorithms, Created: time.Time{},
		Sign: func(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
			return s.sign(ctx, f.public, alg, input)
		},
	})
	if err != nil {
		return nil, err
	}
	return []keys.Key{key}, nil
}

// private finds the one private key that the place names.
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
		return 0, &fault.Error{Reason: keys.ErrMissing, Found: "a token without a private key as the source names it", Hint: "correct object and id; a private key shows itself only with pin-source"}
	case len(list) > 1:
		return 0, &fault.Error{Reason: keys.ErrAmbiguous, Found: "a token with several private keys as the source names it", Hint: "add id to the source"}
	}
	return list[0], nil
}

// find gives two objects at most: whether there is one is the question.
func (s *session) find(template []*pkcs11.Attribute) ([]pkcs11.ObjectHandle, error) {
	if err := s.module.FindObjectsInit(s.handle, template); err != nil {
		return nil, err
	}
	list, _, err := s.module.FindObjects(s.handle, 2)
	if end := s.module.FindObjectsFinal(s.handle); err == nil {
		err = end
	}
	return list, err
}

// read gives one attribute; nothing where the object has none.
func (s *session) read(o pkcs11.ObjectHandle, kind uint) []byte {
	list, err := s.module.GetAttributeValue(s.handle, o, []*pkcs11.Attribute{pkcs11.NewAttribute(kind, nil)})
	if err != nil || len(list) != 1 {
		return nil
	}
	return list[0].Value
}

// publicOf reads the public half: an RSA key has it in itself, others in an
// object of the same id, or of the same label.
func publicOf(s *session, private pkcs11.ObjectHandle) (crypto.PublicKey, error) {
	kind := s.read(private, pkcs11.CKA_KEY_TYPE)
	if n, e := s.read(private, pkcs11.CKA_MODULUS), s.read(private, pkcs11.CKA_PUBLIC_EXPONENT); len(n) > 0 && len(e) > 0 {
		return rsaPublic(n, e)
	}
	for _, by := range []uint{pkcs11.CKA_ID, pkcs11.CKA_LABEL} {
		value := s.read(private, by)
		if len(value) == 0 || len(kind) == 0 {
			continue
		}
		list, err := s.find([]*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PUBLIC_KEY),
			pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, kind), pkcs11.NewAttribute(by, value),
		})
		if err != nil {
			return nil, err
		}
		if len(list) == 1 {
			return s.public(list[0])
		}
	}
	return nil, &fault.Error{
		Reason: keys.ErrInconsistent, Found: "a private key of a token without one public key of the same id or label",
		Hint: "put its public key beside it",
	}
}

func (s *session) public(o pkcs11.ObjectHandle) (crypto.PublicKey, error) {
	if n := s.read(o, pkcs11.CKA_MODULUS); len(n) > 0 {
		return rsaPublic(n, s.read(o, pkcs11.CKA_PUBLIC_EXPONENT))
	}
	point := s.read(o, pkcs11.CKA_EC_POINT)
	var inner []byte
	if rest, err := asn1.Unmarshal(point, &inner); err == nil && len(rest) == 0 {
		point = inner // an OCTET STRING, as PKCS #11 §2.3.3 wants it; some give the point alone
	}
	return ecPublic(s.read(o, pkcs11.CKA_EC_PARAMS), point)
}

func rsaPublic(n, e []byte) (crypto.PublicKey, error) {
	exponent := new(big.Int).SetBytes(e)
	if !exponent.IsInt64() || exponent.Int64() > 1<<31-1 {
		return nil, unsupported()
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, nil
}

// ecPublic knows the curves by the DER of their names (RFC 5480 §2.1.1.1,
// RFC 8410 §3, SEC 2; PKCS #11 v3.0 has a printable string for Ed25519).
func ecPublic(params, point []byte) (crypto.PublicKey, error) {
	curves := map[string]elliptic.Curve{
		"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07": elliptic.P256(), "\x06\x05\x2b\x81\x04\x00\x22": elliptic.P384(), "\x06\x05\x2b\x81\x04\x00\x23": elliptic.P521(),
	}
	if curve := curves[string(params)]; curve != nil {
		if public, err := ecdsa.ParseUncompressedPublicKey(curve, point); err == nil {
			return public, nil
		}
		return nil, unsupported()
	}
	switch {
	case string(params) == "\x06\x05\x2b\x81\x04\x00\x0a":
		if public, err := secp256k1.ParsePubKey(point); err == nil {
			return public, nil
		}
	case string(params) == "\x06\x03\x2b\x65\x70", bytes.HasSuffix(params, []byte("edwards25519")):
		if len(point) == ed25519.PublicKeySize {
			return ed25519.PublicKey(point), nil
		}
	}
	return nil, unsupported()
}

func unsupported() error {
	return &fault.Error{Reason: keys.ErrUnsupported, Found: "a key of a token of a type that makes no jws signature", Hint: "use an rsa, ec (P-256, P-384, P-521, secp256k1) or ed25519 key"}
}
