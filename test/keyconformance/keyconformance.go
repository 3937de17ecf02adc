// Package keyconformance tests what every [keys.Key] and every key store must
// do. The tests of a store call [RunStore] for each type of key that it serves.
package keyconformance

import (
	"bytes"
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"conductor-jwt/keys"
)

// promptly is the maximum duration of a call after its context has ended.
const promptly = 100 * time.Millisecond

// Run opens a key and checks it. It signs with every algorithm of the key.
func Run(t *testing.T, open func(t *testing.T) keys.Key) {
	t.Helper()
	k := open(t)
	if len(k.Algorithms()) == 0 {
		t.Fatal("the key names no algorithm")
	}
	t.Run("each algorithm makes a signature that verifies", func(t *testing.T) { signsWithEach(t, k) })
	t.Run("any other algorithm is refused", func(t *testing.T) { refusesOthers(t, k) })
	t.Run("a cancelled context ends a call at once", func(t *testing.T) { obeysContext(t, k) })
	t.Run("signs concurrently", func(t *testing.T) { signsConcurrently(t, k) })
	t.Run("callers cannot modify it", func(t *testing.T) { isImmutable(t, k) })
	t.Run("it prints as [redacted]", func(t *testing.T) { printsRedacted(t, k) })
}

func signsWithEach(t *testing.T, k keys.Key) {
	t.Helper()
	v, err := keys.VerifierOf(k)
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range k.Algorithms() {
		input := signingInput(t, alg, "one")
		signature, err := k.Sign(t.Context(), alg, input)
		if err != nil {
			t.Errorf("%s: sign: %v", alg, err)
			continue
		}
		if n, ok := length(alg); ok && len(signature) != n {
			t.Errorf("%s: a signature of %d bytes, want %d", alg, len(signature), n)
		}
		if err := v.Verify(alg, input, signature); err != nil {
			t.Errorf("%s: verify: %v", alg, err)
		}
		if err := v.Verify(alg, signingInput(t, alg, "two"), signature); !errors.Is(err, keys.ErrVerification) {
			t.Errorf("%s: verify the signature of another input: %v, want ErrVerification", alg, err)
		}
		verifyWithLibrary(t, k, alg, input, signature)
	}
}

// verifyWithLibrary parses the token with golang-jwt, for the algorithms and keys
// that it supports.
func verifyWithLibrary(t *testing.T, k keys.Key, alg keys.Algorithm, input, signature []byte) {
	t.Helper()
	if jwt.GetSigningMethod(string(alg)) == nil || k.Public() == nil {
		return
	}
	token := string(input) + "." + base64.RawURLEncoding.EncodeToString(signature)
	_, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return k.Public(), nil },
		jwt.WithValidMethods([]string{string(alg)}), jwt.WithStrictDecoding())
	if err != nil {
		t.Errorf("%s: golang-jwt does not accept the token: %v", alg, err)
	}
}

func refusesOthers(t *testing.T, k keys.Key) {
	t.Helper()
	for _, alg := range append(keys.Algorithms(), "none", "", "rs256", "RS256 ") {
		if slices.Contains(k.Algorithms(), alg) {
			continue
		}
		signature, err := k.Sign(t.Context(), alg, signingInput(t, alg, "one"))
		if signature != nil || !errors.Is(err, keys.ErrAlgorithmMismatch) && !errors.Is(err, keys.ErrWeak) {
			t.Errorf("Sign with %q = %d bytes, %v; want none, ErrAlgorithmMismatch or ErrWeak", alg, len(signature), err)
		}
	}
}

func obeysContext(t *testing.T, k keys.Key) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	signature, err := k.Sign(ctx, k.Algorithms()[0], signingInput(t, k.Algorithms()[0], "one"))
	if signature != nil || !errors.Is(err, context.Canceled) || !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("Sign = %d bytes, %v; want none, context.Canceled as ErrUnavailable", len(signature), err)
	}
	if took := time.Since(start); took > promptly {
		t.Errorf("Sign took %s, want at most %s", took, promptly)
	}
}

func signsConcurrently(t *testing.T, k keys.Key) {
	t.Helper()
	v, err := keys.VerifierOf(k)
	if err != nil {
		t.Fatal(err)
	}
	alg := k.Algorithms()[0]
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			input := signingInput(t, alg, fmt.Sprint(i))
			signature, err := k.Sign(t.Context(), alg, input)
			if err == nil {
				err = v.Verify(alg, input, signature)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func isImmutable(t *testing.T, k keys.Key) {
	t.Helper()
	before := k.Algorithms()
	k.Algorithms()[0] = "none"
	if !slices.Equal(k.Algorithms(), before) {
		t.Error("the list of algorithms is not a copy")
	}
	input := signingInput(t, before[0], "one")
	copied := bytes.Clone(input)
	if _, err := k.Sign(t.Context(), before[0], input); err != nil || !bytes.Equal(input, copied) {
		t.Errorf("signing changed its input, or failed: %v", err)
	}
	if c, ok := k.(keys.Chained); ok && len(c.Chain()) > 0 {
		c.Chain()[0] = nil
		if c.Chain()[0] == nil {
			t.Error("the chain is not a copy")
		}
	}
}

func printsRedacted(t *testing.T, k keys.Key) {
	t.Helper()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if out := fmt.Sprintf(verb, k); out != "[redacted]" {
			t.Errorf("%s prints %d characters, want [redacted]", verb, len(out)) // they may be the key
		}
	}
	out, err := json.Marshal(k)
	if err != nil || string(out) != `"[redacted]"` {
		t.Errorf("json.Marshal prints %d characters, %v; want [redacted]", len(out), err)
	}
}

func signingInput(tb testing.TB, alg keys.Algorithm, subject string) []byte {
	tb.Helper()
	header, err := json.Marshal(map[string]string{"alg": string(alg)})
	if err != nil {
		tb.Fatal(err)
	}
	claims, err := json.Marshal(map[string]string{"sub": subject})
	if err != nil {
		tb.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return []byte(encode(header) + "." + encode(claims))
}

// length returns the length of a signature, for the algorithms that fix it (RFC
// 7518 §3.2, §3.4; RFC 8037 §3.1; RFC 8812 §3.2; FIPS 204 §4).
func length(alg keys.Algorithm) (int, bool) {
	n, ok := map[keys.Algorithm]int{
		keys.HS256: 32, keys.HS384: 48, keys.HS512: 64,
		keys.ES256: 64, keys.ES384: 96, keys.ES512: 132, keys.ES256K: 64,
		keys.EdDSA: 64, keys.Ed25519: 64,
		keys.MLDSA44: 2420, keys.MLDSA65: 3309, keys.MLDSA87: 4627,
	}[alg]
	return n, ok
}

// InStore returns a key of a key store; golang-jwt signs with the private key.
func InStore(private crypto.Signer, created time.Time) (keys.Key, error) {
	return keys.FromStore(private.Public(), keys.StoreOptions{
		Created: created,
		Sign: func(_ context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
			return jwt.GetSigningMethod(string(alg)).Sign(string(input), private)
		},
	})
}
