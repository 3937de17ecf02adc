//go:build cgo && unix

package openssl

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/test/keyconformance"
)

var private = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func key(tb testing.TB) *rsa.PrivateKey {
	tb.Helper()
	p, err := private()
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func library(tb testing.TB) *Library {
	tb.Helper()
	l, err := Load()
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func signer(tb testing.TB, l *Library) keys.RSASigner {
	tb.Helper()
	s, err := l.RSA(key(tb))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

func TestVersion(t *testing.T) {
	if v := library(t).Version(); !strings.HasPrefix(v, "3.") {
		t.Errorf("version %q", v)
	}
}

func TestLoadErrors(t *testing.T) {
	for _, name := range []string{"libcrypto.so.999", "libc.so.6", ""} {
		if l, err := load(name); l != nil || !errors.Is(err, ErrNoLibrary) {
			t.Errorf("%q: %v, %v", name, l, err)
		}
	}
}

func TestSign(t *testing.T) {
	s := signer(t, library(t))
	for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		digest := make([]byte, h.Size())
		_, _ = rand.Read(digest)
		mine, err := s.Sign(rand.Reader, digest, h)
		if err != nil {
			t.Fatal(err)
		}
		gos, err := rsa.SignPKCS1v15(nil, key(t), h, digest)
		if err != nil || string(mine) != string(gos) {
			t.Errorf("%s: not the signature that crypto/rsa makes, %v", h, err)
		}
		pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h}
		mine, err = s.Sign(rand.Reader, digest, pss)
		if err != nil {
			t.Fatal(err)
		}
		if err := rsa.VerifyPSS(&key(t).PublicKey, h, digest, mine, pss); err != nil {
			t.Errorf("%s: %v", h, err)
		}
	}
}

func TestSignErrors(t *testing.T) {
	s := signer(t, library(t))
	for name, try := range map[string]struct {
		digest int
		how    crypto.SignerOpts
	}{
		"sha-1":                      {20, crypto.SHA1},
		"a digest of another length": {20, crypto.SHA256},
		"no digest":                  {0, crypto.SHA256},
		"no hash":                    {32, crypto.Hash(0)},
		"a salt of maximum length":   {32, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: crypto.SHA256}},
	} {
		if signature, err := s.Sign(rand.Reader, make([]byte, try.digest), try.how); signature != nil || !errors.Is(err, ErrSign) {
			t.Errorf("%s: %d bytes, %v", name, len(signature), err)
		}
	}
}

func TestClose(t *testing.T) {
	l := library(t)
	s, err := l.RSA(key(t))
	if err != nil {
		t.Fatal(err)
	}
	if l.open.Load() != 1 {
		t.Errorf("%d keys", l.open.Load())
	}
	s.Close()
	s.Close()
	if _, err := s.Sign(rand.Reader, make([]byte, 32), crypto.SHA256); !errors.Is(err, ErrClosed) || l.open.Load() != 0 {
		t.Errorf("%v, %d keys", err, l.open.Load())
	}
}

// Signatures in progress while the key is closed succeed or fail with ErrClosed.
func TestCloseDuringSign(t *testing.T) {
	l := library(t)
	for range 20 {
		s, err := l.RSA(key(t))
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		begun := make(chan struct{}, 4)
		for range 4 {
			all.Go(func() {
				for {
					_, err := s.Sign(rand.Reader, make([]byte, 32), crypto.SHA256)
					begun <- struct{}{}
					if err != nil {
						if !errors.Is(err, ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		for range 4 {
			<-begun
		}
		go func() {
			for range begun {
			}
		}()
		s.Close()
		all.Wait()
		close(begun)
	}
	if l.open.Load() != 0 {
		t.Errorf("%d keys", l.open.Load())
	}
}

func TestConformance(t *testing.T) {
	l := library(t)
	der, err := x509.MarshalPKCS8PrivateKey(key(t))
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	p := keys.NewParser(keys.ParserOptions{CacheSize: 1, RSA: l.RSA})
	keyconformance.Run(t, func(t *testing.T) keys.Key {
		t.Helper()
		k, err := p.Resolve(t.Context(), keys.Ref{Text: secret.New(text)})
		if err != nil {
			t.Fatal(err)
		}
		return k
	})
	if l.open.Load() != 1 {
		t.Errorf("%d keys are in the library", l.open.Load())
	}
}

// The process does not grow with 200,000 signatures and 80,000 keys. The memory of
// libcrypto is not Go's, so that only the system can measure it.
func TestNoMemoryLeak(t *testing.T) {
	l := library(t)
	s := signer(t, l)
	digest := make([]byte, 32)
	const workers = 2
	sign := func(n int) {
		var all sync.WaitGroup
		for range workers {
			all.Go(func() {
				for range n / workers {
					if _, err := s.Sign(rand.Reader, digest, crypto.SHA256); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
	}
	open := func(n int) {
		for range n {
			s, err := l.RSA(key(t))
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
		}
	}
	signatures := 200_000
	if os.Getenv("CONDUCTOR_JWT_LEAK") == "" { // 200,000 take a minute of two cores
		signatures = 20_000
	}
	// Allocators, Go's too, sometimes take a few megabytes that they use later; a
	// leak grows in each round.
	const rounds = 4
	sign(10_000)
	open(20_000)
	minGrowth := math.MaxInt
	for range rounds {
		before := resident(t)
		sign(signatures / rounds)
		open(20_000)
		minGrowth = min(minGrowth, resident(t)-before)
	}
	if minGrowth > 1<<20 {
		t.Errorf("at least %d bytes more after each %d signatures and 20,000 keys", minGrowth, signatures/rounds)
	}
	if l.open.Load() != 1 {
		t.Errorf("%d keys", l.open.Load())
	}
}

// resident is the resident memory of the process in bytes.
func resident(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

func BenchmarkRSA2048(b *testing.B) {
	digest := make([]byte, 32)
	for _, by := range []struct {
		name   string
		signer crypto.Signer
	}{{"crypto=go", key(b)}, {"crypto=openssl", signer(b, library(b))}} {
		b.Run(by.name+"/signers=1", func(b *testing.B) {
			for b.Loop() {
				if _, err := by.signer.Sign(rand.Reader, digest, crypto.SHA256); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(by.name+"/signers=cores", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := by.signer.Sign(rand.Reader, digest, crypto.SHA256); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
