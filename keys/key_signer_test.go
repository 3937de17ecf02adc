package keys_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"io"
	"math/big"
	"testing"

	"conductor-jwt/keys"
)

// slowSigner is an Ed25519 device that answers when it is told to.
type slowSigner struct {
	entered chan struct{}
	leave   chan struct{}
	key     ed25519.PrivateKey
}

func (s *slowSigner) with() *slowSigner {
	s.key = ed25519.NewKeyFromSeed(make([]byte, 32))
	return s
}

func (s *slowSigner) Public() crypto.PublicKey { return s.key.Public() }

func (s *slowSigner) Sign(_ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	close(s.entered)
	<-s.leave
	return s.key.Sign(nil, message, opts)
}

// answer is a device that gives a fixed answer.
type answer struct {
	public    crypto.PublicKey
	signature []byte
	err       error
}

func (a answer) Public() crypto.PublicKey { return a.public }

func (a answer) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return a.signature, a.err }

func TestASignatureOfADeviceIsVerifiedBeforeItLeaves(t *testing.T) {
	own := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	der := func(r, s int64) []byte {
		return must(asn1.Marshal(struct{ R, S *big.Int }{big.NewInt(r), big.NewInt(s)}))
	}
	wide := must(asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).Lsh(big.NewInt(1), 300), big.NewInt(1)}))
	for name, a := range map[string]answer{
		"an error":                {public: &own.PublicKey, err: io.ErrUnexpectedEOF},
		"no signature":            {public: &own.PublicKey},
		"numbers of nothing":      {public: &own.PublicKey, signature: der(1, 2)},
		"zero":                    {public: &own.PublicKey, signature: der(0, 1)},
		"a negative number":       {public: &own.PublicKey, signature: der(1, -1)},
		"numbers too wide":        {public: &own.PublicKey, signature: wide},
		"bytes behind the number": {public: &own.PublicKey, signature: append(der(1, 2), 0)},
		"R and S side by side":    {public: &own.PublicKey, signature: make([]byte, 64)},
	} {
		t.Run(name, func(t *testing.T) {
			k := must(keys.FromSigner(a, keys.SignerOptions{}))
			signature, err := k.Sign(t.Context(), keys.ES256, []byte("x"))
			if signature != nil {
				t.Error("the signature was given out")
			}
			wantReason(t, err, keys.ErrUnavailable)
		})
	}
}

func TestASignerIsRefused(t *testing.T) {
	_, err := keys.FromSigner(nil, keys.SignerOptions{})
	wantReason(t, err, keys.ErrMissing)
	_, err = keys.FromSigner(answer{public: "text"}, keys.SignerOptions{})
	wantReason(t, err, keys.ErrUnsupported)
	_, err = keys.FromSigner(sharedRSA(), keys.SignerOptions{Algorithms: []keys.Algorithm{keys.ES256}})
	wantReason(t, err, keys.ErrAlgorithmMismatch)
	k := must(keys.FromSigner(sharedRSA(), keys.SignerOptions{ID: "a", Algorithms: []keys.Algorithm{keys.PS512}}))
	if k.ID() != "a" || keys.KindOf(k) != keys.KindRSAPSS {
		t.Errorf("id %q, kind %s", k.ID(), keys.KindOf(k))
	}
	_, err = k.Sign(t.Context(), keys.PS256, nil)
	wantReason(t, err, keys.ErrAlgorithmMismatch)
}
