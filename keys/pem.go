package keys

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys/decode"
)

// SPKI returns the SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) of a Key, a
// Verifier or a public key in DER. It fails with [ErrUnsupported] for an HMAC
// secret.
func SPKI(key any) ([]byte, error) {
	if t := traitsOf(key); t != nil && t.kind == KindRSAPSS {
		return nil, &fault.Error{Reason: ErrUnsupported, Found: "this is an RSASSA-PSS key, whose parameters were not kept", Hint: "take its public key: openssl pkey -pubout -in key.pem"}
	}
	switch p := key.(type) {
	case interface{ Public() crypto.PublicKey }:
		if public := p.Public(); public != nil {
			return SPKI(public)
		}
	case *secp256k1.PublicKey:
		return secp256k1SPKI(p)
	case nil:
	default:
		if der, err := x509.MarshalPKIXPublicKey(p); err == nil {
			return der, nil
		}
	}
	return nil, &fault.Error{Reason: ErrUnsupported, Found: "this is a key without a public half", Hint: "an HMAC secret has no public form"}
}

// PublicPEM returns the public half of a Key, a Verifier or a public key in
// PEM.
func PublicPEM(key any) (string, error) {
	der, err := SPKI(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// PrivatePEM returns a key of this process in PKCS#8 (RFC 5208), not encrypted.
// It fails with [ErrUnsupported] for an HMAC secret and for a key in a key
// store.
func PrivatePEM(k Key) (secret.Text, error) {
	private, ok := privateOf(k)
	if !ok {
		return secret.Text{}, &fault.Error{Reason: ErrUnsupported, Found: "this is a key whose private half is not in this process", Hint: "export it from its store, if that can be"}
	}
	der, err := privateDER(private)
	if err != nil {
		return secret.Text{}, err
	}
	return secret.New(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))), nil
}

func privateDER(private any) ([]byte, error) {
	switch p := private.(type) {
	case decode.HMACSecret:
		return nil, &fault.Error{Reason: ErrUnsupported, Found: "this is an HMAC secret, which PEM cannot hold", Hint: "write it as a JWK"}
	case *secp256k1.PrivateKey:
		return secp256k1PKCS8(p)
	case decode.RSAPSS:
		if p.Hash != 0 {
			return nil, &fault.Error{Reason: ErrUnsupported, Found: "this is an RSASSA-PSS key that is bound to a hash", Hint: "keep it in the form that it has"}
		}
		return rsaPSSPKCS8(p.Key)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, unwritable()
	}
	return der, nil
}

// secp256k1SPKI returns an SPKI (RFC 5480 §2.1.1) on the curve of SEC 2 §2.4.1,
// which crypto/x509 does not write.
func secp256k1SPKI(p *secp256k1.PublicKey) ([]byte, error) {
	return build(func(b *cryptobyte.Builder) {
		addAlgorithm(b, decode.OIDEC, decode.OIDSecp256k1)
		b.AddASN1BitString(p.SerializeUncompressed())
	})
}

// secp256k1PKCS8 returns a PKCS#8 key with an ECPrivateKey (RFC 5915 §3).
func secp256k1PKCS8(p *secp256k1.PrivateKey) ([]byte, error) {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		addAlgorithm(b, decode.OIDEC, decode.OIDSecp256k1)
		b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1OctetString(p.Serialize())
				b.AddASN1(cbasn1.Tag(1).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
					b.AddASN1BitString(p.PubKey().SerializeUncompressed())
				})
			})
		})
	})
}

// rsaPSSPKCS8 returns a PKCS#8 key that is for RSASSA-PSS only (RFC 4055 §1.2).
func rsaPSSPKCS8(p *rsa.PrivateKey) ([]byte, error) {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		addAlgorithm(b, decode.OIDRSAPSS, "")
		b.AddASN1OctetString(x509.MarshalPKCS1PrivateKey(p))
	})
}

func build(content cryptobyte.BuilderContinuation) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, content)
	der, err := b.Bytes()
	if err != nil {
		return nil, unwritable()
	}
	return der, nil
}

func addAlgorithm(b *cryptobyte.Builder, oid, curve string) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addOID(b, oid)
		if curve != "" {
			addOID(b, curve)
		}
	})
}

func addOID(b *cryptobyte.Builder, text string) {
	oid, err := x509.ParseOID(text)
	if err != nil {
		b.SetError(err)
		return
	}
	raw, err := oid.MarshalBinary()
	if err != nil {
		b.SetError(err)
		return
	}
	b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(raw) })
}

func unwritable() error {
	return &fault.Error{
		Reason: ErrUnsupported, Found: "this is a key of a type that cannot be written",
		Hint: "use an RSA, EC (P-256, P-384, P-521, secp256k1), Ed25519 or ML-DSA key",
	}
}
