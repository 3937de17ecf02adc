package keys_test

import (
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// TestAMemberThatSaysNothingCountsAsAbsent: serialisers write null, "" and []
// for what a key does not have.
func TestAMemberThatSaysNothingCountsAsAbsent(t *testing.T) {
	rsaKey, ec, ed := rsaJWK(sharedRSA()), ecJWK(elliptic.P256(), "P-256"), ed25519JWK()
	none, empty := []any{}, ""
	for what, text := range map[string]string{
		"an empty oth":              rsaKey.with("oth", none).text(t),
		"a null oth":                rsaKey.with("oth", nil).text(t),
		"an oth with a blank in it": strings.Replace(rsaKey.with("oth", none).text(t), "[]", "[ ]", 1),
		"empty crt values":          rsaKey.with("dp", empty).with("dq", empty).with("qi", empty).text(t),
		"null crt values":           rsaKey.with("dp", nil).with("dq", nil).with("qi", nil).text(t),
		"empty primes as well":      rsaKey.with("p", nil).with("q", empty).with("dp", nil).with("dq", nil).with("qi", nil).text(t),
		"no use":                    ec.with("use", nil).text(t),
		"no key_ops":                ec.with("key_ops", nil).text(t),
		"no kid, alg and x5c":       ed.with("kid", empty).with("alg", nil).with("x5c", none).text(t),
		"no x5t":                    ed.with("x5t", nil).with("x5u", empty).text(t),
		"padding":                   ec.with("d", ec.member("d")+"=").with("x", ec.member("x")+"=").text(t),
		"padding of a secret":       octJWK(32).with("k", octJWK(32).member("k")+"=").text(t),
		"in a set":                  object{"keys": []any{ec.with("kid", nil).with("use", empty)}}.text(t),
	} {
		if _, err := resolve(t.Context(), text); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if v, err := keys.ReadVerifier(t.Context(), keys.Ref{Text: secret.New(text)}); err != nil || v.ID() != "" {
			t.Errorf("%s: to verify: %v", what, err)
		}
	}
	for what, private := range map[string]any{"null": nil, "empty": ""} {
		public := rsaKey.without("p", "q", "dp", "dq", "qi").with("d", private).text(t)
		if _, err := keys.ReadVerifier(t.Context(), keys.Ref{Text: secret.New(public)}); err != nil {
			t.Errorf("a public key whose d is %s: %v", what, err)
		}
		_, err := resolve(t.Context(), public)
		wantMessage(t, err, "a public jwk", "with d")
	}
}

// TestTheIDOfAServiceAccountMayBeBlank as any other member.
func TestTheIDOfAServiceAccountMayBeBlank(t *testing.T) {
	account := object{"type": "service_account", "private_key": pemFile(t, "p256.pkcs8.pem"), "private_key_id": nil, "client_email": nil}
	if k := mustResolve(t, account.text(t)); k.ID() != "" {
		t.Errorf("its id is %q", k.ID())
	}
}

// exponents is an RSA JWK of n, e and d alone, with d below either multiple.
func exponents(key *rsa.PrivateKey, byPhi bool) object {
	one := big.NewInt(1)
	p, q := new(big.Int).Sub(key.Primes[0], one), new(big.Int).Sub(key.Primes[1], one)
	of := new(big.Int).Mul(p, q)
	if !byPhi {
		of.Div(of, new(big.Int).GCD(nil, nil, p, q))
	}
	d := new(big.Int).ModInverse(big.NewInt(int64(key.E)), of)
	return rsaJWK(key).without("p", "q", "dp", "dq", "qi").with("d", b64(d.Bytes()))
}

func TestThePrimesFollowFromTheExponents(t *testing.T) {
	for range 4 {
		key := must(rsa.GenerateKey(rand.Reader, 2048))
		for _, byPhi := range []bool{true, false} {
			k := mustResolve(t, exponents(key, byPhi).text(t))
			signature, err := k.Sign(t.Context(), keys.RS256, []byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			if err := must(keys.VerifierOf(k)).Verify(keys.RS256, []byte("x"), signature); err != nil {
				t.Error(err)
			}
			text, err := keys.PrivatePEM(k)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := resolve(t.Context(), text.Reveal()); err != nil {
				t.Errorf("as pem: %v", err)
			}
		}
	}
	damaged := exponents(sharedRSA(), true)
	raw := unb64(damaged.member("d"))
	for _, at := range []int{0, 100, len(raw) - 1} {
		other := slices.Clone(raw)
		other[at] ^= 2
		_, err := resolve(t.Context(), damaged.with("d", b64(other)).text(t))
		wantReason(t, err, keys.ErrInconsistent)
	}
	_, err := resolve(t.Context(), damaged.with("d", damaged.member("n")).text(t))
	wantReason(t, err, keys.ErrInconsistent)
}

// Whoever makes the numbers cannot make them costly: a square root is taken of
// one sum of primes at most.
func TestNumbersThatAreNoExponentsCostLittle(t *testing.T) {
	n, e := sharedRSA().N, big.NewInt(65537)
	near := new(big.Int).Sub(n, new(big.Int).Lsh(big.NewInt(1), 1060)) // as (p-1)*(q-1) would be
	near.Sub(near, new(big.Int).Mod(near, e)).Sub(near, big.NewInt(1))
	for _, d := range []*big.Int{big.NewInt(1), new(big.Int).Div(new(big.Int).Add(near, big.NewInt(1)), e), new(big.Int).Div(n, e)} {
		text := rsaJWK(sharedRSA()).without("p", "q", "dp", "dq", "qi").with("d", b64(d.Bytes())).text(t)
		allocations := testing.AllocsPerRun(1, func() {
			_, err := resolve(t.Context(), text)
			wantReason(t, err, keys.ErrInconsistent)
		})
		if allocations > 10_000 { // a square root for each of 8192 factors takes 40,000
			t.Errorf("%.0f allocations", allocations)
		}
	}
}
