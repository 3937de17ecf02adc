package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/golang-jwt/jwt/v5"

	"conductor-jwt/internal/fault"
)

// SignerOptions are what a key of a crypto.Signer says of itself.
type SignerOptions struct {
	ID         string
	Algorithms []Algorithm // those that it may use, its default first; empty: all that fit its type
	Created    time.Time
	Chain      []*x509.Certificate
	Gate       *Gate // for a signer that works in this process; nil: ungated
}

// FromSigner makes a Key of a crypto.Signer: a token, a library of the system.
// Every signature is verified with the public half before it is given out,
// which catches a wrong salt length as well as a faulty device.
func FromSigner(s crypto.Signer, o SignerOptions) (Key, error) {
	if s == nil {
		return nil, &fault.Error{Reason: ErrMissing, Found: "no signer", Hint: "give one"}
	}
	v, err := narrowVerifier(s.Public(), o.ID, o.Algorithms)
	if err != nil {
		return nil, err
	}
	return &signerKey{verifier: v, signer: s, options: o}, nil
}

type signerKey struct {
	*verifier
	signer  crypto.Signer
	options SignerOptions
}

var _ Chained = (*signerKey)(nil)

func (k *signerKey) Created() time.Time         { return k.options.Created }
func (k *signerKey) Chain() []*x509.Certificate { return slices.Clone(k.options.Chain) }

// Sign implements Key.
func (k *signerKey) Sign(ctx context.Context, alg Algorithm, input []byte) ([]byte, error) {
	if err := k.check(alg); err != nil {
		return nil, err
	}
	leave, err := k.options.Gate.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	signature, err := methodSigner{alg}.Sign(string(input), k.signer)
	if err != nil || k.Verify(alg, input, signature) != nil {
		return nil, &fault.Error{
			Reason: ErrUnavailable, Found: "a signer that made no valid signature",
			Hint: "check the device or library that holds the key",
		}
	}
	return signature, nil
}

// methodSigner signs with a crypto.Signer, which golang-jwt's own methods take
// for Ed25519 alone, and gives the signature its JWS form.
type methodSigner struct{ alg Algorithm }

var _ jwt.SigningMethod = methodSigner{}

// Alg implements [jwt.SigningMethod].
func (m methodSigner) Alg() string { return string(m.alg) }

// Verify implements [jwt.SigningMethod] for the public key.
func (m methodSigner) Verify(input string, signature []byte, key any) error {
	return methodOf(m.alg).Verify(input, signature, key)
}

// Sign implements [jwt.SigningMethod] for a crypto.Signer.
func (m methodSigner) Sign(input string, key any) ([]byte, error) {
	s, ok := key.(crypto.Signer)
	if !ok {
		return nil, jwt.ErrInvalidKeyType
	}
	switch public := s.Public().(type) {
	case *rsa.PublicKey:
		return m.signRSA(input, s)
	case *ecdsa.PublicKey:
		return m.signEC(input, s, (public.Curve.Params().BitSize+7)/8)
	case *secp256k1.PublicKey:
		return m.signEC(input, s, 32)
	case ed25519.PublicKey:
		return s.Sign(rand.Reader, []byte(input), crypto.Hash(0))
	case *mldsa.PublicKey:
		return s.Sign(rand.Reader, []byte(input), &mldsa.Options{})
	}
	return nil, jwt.ErrInvalidKeyType
}

func (m methodSigner) signRSA(input string, s crypto.Signer) ([]byte, error) {
	hash := digestHash(m.alg)
	var options crypto.SignerOpts = hash
	if !isPKCS1v15(m.alg) {
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash} // RFC 7518 §3.5
	}
	return s.Sign(rand.Reader, digestOf(hash, input), options)
}

// signEC turns the DER of a signer into R || S of fixed width (RFC 7518 §3.4).
func (m methodSigner) signEC(input string, s crypto.Signer, size int) ([]byte, error) {
	hash := digestHash(m.alg)
	der, err := s.Sign(rand.Reader, digestOf(hash, input), hash)
	if err != nil {
		return nil, err
	}
	out, ok := joinDER(der, size)
	if !ok {
		return nil, jwt.ErrSignatureInvalid
	}
	return out, nil
}

func digestOf(hash crypto.Hash, input string) []byte {
	if hash == crypto.SHA256 {
		sum := sha256.Sum256([]byte(input))
		return sum[:]
	}
	h := hash.New()
	_, _ = h.Write([]byte(input)) // a hash never fails
	return h.Sum(nil)
}
