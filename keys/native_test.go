package keys_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/test/keyconformance"
)

// fakeLibrary counts its keys and signatures.
type fakeLibrary struct {
	refuses  bool // it takes no key
	errs     bool // it does not sign
	lies     bool // what it signs does not verify
	open     atomic.Int64
	imported atomic.Int64
	signed   atomic.Int64
}

func (l *fakeLibrary) rsa(p *rsa.PrivateKey) (keys.RSASigner, error) {
	if l.refuses {
		return nil, errors.New("no")
	}
	l.open.Add(1)
	l.imported.Add(1)
	return &libraryKey{PrivateKey: p, from: l}, nil
}

type libraryKey struct {
	*rsa.PrivateKey
	from   *fakeLibrary
	closed atomic.Bool
}

func (k *libraryKey) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	if k.from.errs || k.closed.Load() {
		return nil, errors.New("no")
	}
	k.from.signed.Add(1)
	signature, err := k.PrivateKey.Sign(r, digest, o)
	if k.from.lies && err == nil {
		signature[0] ^= 1
	}
	return signature, err
}

func (k *libraryKey) Close() {
	if k.closed.Swap(true) {
		panic("closed twice")
	}
	k.from.open.Add(-1)
}

// signsWell resolves a text and demands a signature that verifies.
func signsWell(t *testing.T, p *keys.Parser, text string) keys.Key {
	t.Helper()
	k, err := p.Resolve(t.Context(), keys.Ref{Text: secret.New(text)})
	if err != nil {
		t.Fatal(err)
	}
	verifies(t, k)
	return k
}

func verifies(t *testing.T, k keys.Key) {
	t.Helper()
	alg := k.Algorithms()[0]
	signature, err := k.Sign(t.Context(), alg, []byte("input"))
	if err != nil {
		t.Fatal(err)
	}
	if err := must(keys.VerifierOf(k)).Verify(alg, []byte("input"), signature); err != nil {
		t.Error(err)
	}
}

func TestTheLibraryHasAKeyOnceWhileTheCacheKeepsIt(t *testing.T) {
	l, clock := &fakeLibrary{}, time.Unix(0, 0)
	p := keys.NewParser(keys.ParserOptions{
		CacheSize: 1, Now: func() time.Time { return clock }, RSA: l.rsa,
	})
	text := pemFile(t, "rsa.pkcs8.pem")
	first := signsWell(t, p, text)
	for range 3 {
		signsWell(t, p, text)
	}
	if l.imported.Load() != 1 || l.open.Load() != 1 || l.signed.Load() != 4 {
		t.Errorf("%d imported, %d open, %d signed by the library", l.imported.Load(), l.open.Load(), l.signed.Load())
	}
	second := signsWell(t, p, pemFile(t, "rsapss.pkcs8.pem"))
	if l.open.Load() != 1 {
		t.Errorf("%d keys are open after one has left the cache", l.open.Load())
	}
	verifies(t, first) // whoever still holds it can sign
	clock = clock.Add(11 * time.Minute)
	signsWell(t, p, ecJWK(elliptic.P256(), "P-256").text(t))
	if l.open.Load() != 0 {
		t.Errorf("%d keys are open after their time", l.open.Load())
	}
	verifies(t, second)
}

func TestTheLibraryHasNoKeyThatIsNotKept(t *testing.T) {
	l := &fakeLibrary{}
	signsWell(t, keys.NewParser(keys.ParserOptions{RSA: l.rsa}), pemFile(t, "rsa.pkcs8.pem"))
	if l.imported.Load() != 0 {
		t.Error("a key that is used once went to the library")
	}
}

func TestCryptoRSASignsWhereTheLibraryFails(t *testing.T) {
	for name, l := range map[string]*fakeLibrary{
		"it takes no key":          {refuses: true},
		"it does not sign":         {errs: true},
		"its signature is no good": {lies: true},
	} {
		t.Run(name, func(t *testing.T) {
			signsWell(t, keys.NewParser(keys.ParserOptions{CacheSize: 1, RSA: l.rsa}), pemFile(t, "rsa.pkcs8.pem"))
		})
	}
}

func TestAKeyOfTheLibraryConforms(t *testing.T) {
	for _, file := range []string{"rsa.pkcs8.pem", "rsapss.pkcs8.pem", "rsapss-sha384.pkcs8.pem"} {
		t.Run(file, func(t *testing.T) {
			l := &fakeLibrary{}
			keyconformance.Run(t, func(t *testing.T) keys.Key {
				t.Helper()
				return signsWell(t, keys.NewParser(keys.ParserOptions{CacheSize: 1, RSA: l.rsa}), pemFile(t, file))
			})
			if l.signed.Load() < 2 {
				t.Error("the library did not sign")
			}
		})
	}
}
