package keys_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

func TestAJWKIsReadWithWhatItSaysOfItself(t *testing.T) {
	ec := ecJWK(elliptic.P256(), "P-256")
	for _, c := range []struct {
		name       string
		text       string
		kind       keys.Kind
		id         string
		algorithms []keys.Algorithm
	}{
		{"an RSA key defaults to RS256", rsaJWK(sharedRSA()).text(t), keys.KindRSA, "", []keys.Algorithm{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}},
		{"without crt values", rsaJWK(sharedRSA()).without("dp", "dq", "qi").text(t), keys.KindRSA, "", []keys.Algorithm{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}},
		{"alg is the only algorithm", rsaJWK(sharedRSA()).with("alg", "PS384").text(t), keys.KindRSA, "", []keys.Algorithm{"PS384"}},
		{"P-256", ec.text(t), keys.KindEC, "", []keys.Algorithm{"ES256"}},
		{"P-384", ecJWK(elliptic.P384(), "P-384").text(t), keys.KindEC, "", []keys.Algorithm{"ES384"}},
		{"P-521", ecJWK(elliptic.P521(), "P-521").text(t), keys.KindEC, "", []keys.Algorithm{"ES512"}},
		{"secp256k1", secp256k1JWK().text(t), keys.KindSecp256k1, "", []keys.Algorithm{"ES256K"}},
		{"ed25519", ed25519JWK().text(t), keys.KindOKP, "", []keys.Algorithm{"EdDSA", "Ed25519"}},
		{"ed25519 by its full name", ed25519JWK().with("alg", "Ed25519").text(t), keys.KindOKP, "", []keys.Algorithm{"Ed25519"}},
		{"ml-dsa-65", akpJWK(mldsa.MLDSA65()).text(t), keys.KindMLDSA, "", []keys.Algorithm{"ML-DSA-65"}},
		{"oct of 32 bytes", octJWK(32).text(t), keys.KindOct, "", []keys.Algorithm{"HS256"}},
		{"oct of 63 bytes", octJWK(63).text(t), keys.KindOct, "", []keys.Algorithm{"HS256", "HS384"}},
		{"oct of 64 bytes", octJWK(64).text(t), keys.KindOct, "", []keys.Algorithm{"HS256", "HS384", "HS512"}},
		{"kid, use and key_ops", ec.with("kid", "a/b c").with("use", "sig").with("key_ops", []string{"sign", "verify"}).text(t), keys.KindEC, "a/b c", []keys.Algorithm{"ES256"}},
		{"members that nobody knows", ec.with("x-note", []any{1, object{"a": nil}}).text(t), keys.KindEC, "", []keys.Algorithm{"ES256"}},
		{"a byte order mark and white space around it", "\ufeff \n" + ec.text(t) + "\n", keys.KindEC, "", []keys.Algorithm{"ES256"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := mustResolve(t, c.text)
			if keys.KindOf(k) != c.kind || k.ID() != c.id || !slices.Equal(k.Algorithms(), c.algorithms) {
				t.Errorf("kind %s, id %q, algorithms %v", keys.KindOf(k), k.ID(), k.Algorithms())
			}
		})
	}
}

func TestAJWKIsRefused(t *testing.T) {
	other := must(rsa.GenerateKey(rand.Reader, 2048))
	key, ec, ed := rsaJWK(sharedRSA()), ecJWK(elliptic.P256(), "P-256"), ed25519JWK()
	ec384, k1, akp := ecJWK(elliptic.P384(), "P-384"), secp256k1JWK(), akpJWK(mldsa.MLDSA44())
	flip := func(o object, name string) object {
		b := unb64(o.member(name))
		b[len(b)-1] ^= 1
		return o.with(name, b64(b))
	}
	for _, c := range []struct {
		name   string
		text   string
		reason error
	}{
		{"a public rsa key", key.without("d", "p", "q", "dp", "dq", "qi").text(t), keys.ErrPublic},
		{"a public ec key", ec.without("d").text(t), keys.ErrPublic},
		{"a public secp256k1 key", k1.without("d").text(t), keys.ErrPublic},
		{"a public ed25519 key", ed.without("d").text(t), keys.ErrPublic},
		{"a public ml-dsa key", akp.without("priv").text(t), keys.ErrPublic},
		{"oct without k", object{"kty": "oct"}.text(t), keys.ErrUnreadable},
		{"oct with an empty k", object{"kty": "oct", "k": ""}.text(t), keys.ErrWeak},
		{"oct of 31 bytes", octJWK(31).text(t), keys.ErrWeak},
		{"oct of 32 bytes for HS512", octJWK(32).with("alg", "HS512").text(t), keys.ErrWeak},
		{"oct for an rsa algorithm", octJWK(64).with("alg", "RS256").text(t), keys.ErrAlgorithmMismatch},

		{"a dp that is not d's", flip(key, "dp").text(t), keys.ErrInconsistent},
		{"a dq that is not d's", flip(key, "dq").text(t), keys.ErrInconsistent},
		{"a qi that is not q's", flip(key, "qi").text(t), keys.ErrInconsistent},
		{"a d that is not e's", key.with("d", b64(other.D.Bytes())).text(t), keys.ErrInconsistent},
		{"another key's p", key.with("p", b64(other.Primes[0].Bytes())).text(t), keys.ErrInconsistent},
		{"another key's n", key.with("n", b64(other.N.Bytes())).text(t), keys.ErrInconsistent},
		{"a d of 0", key.with("d", b64([]byte{0})).text(t), keys.ErrInconsistent},
		{"an even n", key.with("n", b64(new(big.Int).Add(sharedRSA().N, big.NewInt(1)).Bytes())).text(t), keys.ErrInconsistent},
		{"an exponent of 1", key.with("e", "AQ").text(t), keys.ErrWeak},
		{"an even exponent", key.with("e", "AQAC").text(t), keys.ErrWeak},
		{"an exponent of 33 bits", key.with("e", "AQAAAAE").text(t), keys.ErrWeak},
		{"another exponent", key.with("e", "Aw").text(t), keys.ErrInconsistent},
		{"rsa without n", key.without("n").text(t), keys.ErrUnreadable},
		{"rsa with p alone", key.without("q").text(t), keys.ErrUnreadable},
		{"rsa with dp alone", key.without("dq", "qi").text(t), keys.ErrUnreadable},
		{"rsa with primes but without d", key.without("d").text(t), keys.ErrUnreadable},
		{"multi-prime rsa", key.with("oth", []any{object{"r": "Aw", "d": "Aw", "t": "Aw"}}).text(t), keys.ErrUnsupported},
		{"rsa of 2047 bits", key.with("n", b64(new(big.Int).Lsh(big.NewInt(1), 2046).Bytes())).text(t), keys.ErrWeak},
		{"rsa of 8193 bits", key.with("n", b64(new(big.Int).Lsh(big.NewInt(1), 8192).Bytes())).text(t), keys.ErrTooLarge},

		{"d of another point", ec.with("d", ecJWK(elliptic.P256(), "P-256")["d"]).text(t), keys.ErrInconsistent},
		{"a point off the curve", flip(ec, "y").text(t), keys.ErrInconsistent},
		{"a secp256k1 point off the curve", flip(k1, "y").text(t), keys.ErrInconsistent},
		{"a secp256k1 d of another point", k1.with("d", secp256k1JWK()["d"]).text(t), keys.ErrInconsistent},
		{"a P-256 point said to be on secp256k1", ec.with("crv", "secp256k1").text(t), keys.ErrInconsistent},
		{"a P-384 point said to be on P-256", ec384.with("crv", "P-256").text(t), keys.ErrUnreadable},
		{"d of zero", ec.with("d", b64(make([]byte, 32))).text(t), keys.ErrInconsistent},
		{"d of the group's order", ec.with("d", b64(elliptic.P256().Params().N.Bytes())).text(t), keys.ErrInconsistent},
		{"a secp256k1 d beyond the order", k1.with("d", b64(bytes.Repeat([]byte{255}, 32))).text(t), keys.ErrInconsistent},
		{"a short x", ec.with("x", b64(unb64(ec.member("x"))[1:])).text(t), keys.ErrUnreadable},
		{"a d with a leading zero", ec.with("d", b64(append([]byte{0}, unb64(ec.member("d"))...))).text(t), keys.ErrUnreadable},
		{"ec without crv", ec.without("crv").text(t), keys.ErrUnreadable},
		{"ec without y", ec.without("y").text(t), keys.ErrUnreadable},
		{"an unknown curve", ec.with("crv", "P-224").text(t), keys.ErrUnsupported},
		{"a curve in lower case", ec.with("crv", "p-256").text(t), keys.ErrUnsupported},
		{"an ec alg of another curve", ec.with("alg", "ES384").text(t), keys.ErrAlgorithmMismatch},

		{"an x that is not d's", ed.with("x", ed25519JWK()["x"]).text(t), keys.ErrInconsistent},
		{"a seed of 31 bytes", ed.with("d", b64(make([]byte, 31))).text(t), keys.ErrUnreadable},
		{"X25519", ed.with("crv", "X25519").text(t), keys.ErrUnsupported},
		{"Ed448", ed.with("crv", "Ed448").text(t), keys.ErrUnsupported},

		{"a pub that is not priv's", akp.with("pub", akpJWK(mldsa.MLDSA44())["pub"]).text(t), keys.ErrInconsistent},
		{"an expanded ml-dsa key", akp.with("priv", b64(make([]byte, 2560))).text(t), keys.ErrUnsupported},
		{"akp without alg", akp.without("alg").text(t), keys.ErrUnreadable},
		{"akp without pub", akp.without("pub").text(t), keys.ErrUnreadable},
		{"akp of an unknown alg", akp.with("alg", "SLH-DSA-SHA2-128s").text(t), keys.ErrAlgorithmMismatch},
		{"akp of another parameter set", akp.with("alg", "ML-DSA-65").text(t), keys.ErrUnreadable},

		{"use enc", ec.with("use", "enc").text(t), keys.ErrUse},
		{"use in upper case", ec.with("use", "SIG").text(t), keys.ErrUse},
		{"key_ops verify", ec.with("key_ops", []string{"verify"}).text(t), keys.ErrUse},
		{"key_ops empty", ec.with("key_ops", []string{}).text(t), keys.ErrUse},
		{"key_ops twice the same", ec.with("key_ops", []string{"sign", "sign"}).text(t), keys.ErrUnreadable},
		{"key_ops no list", ec.with("key_ops", "sign").text(t), keys.ErrUnreadable},
		{"alg none", ec.with("alg", "none").text(t), keys.ErrAlgorithmMismatch},
		{"alg for encryption", key.with("alg", "RSA-OAEP-256").text(t), keys.ErrAlgorithmMismatch},
		{"alg a number", ec.with("alg", 1).text(t), keys.ErrUnreadable},
		{"kid a number", ec.with("kid", 7).text(t), keys.ErrUnreadable},
		{"x5c without a certificate", ec.with("x5c", []string{"AAAA"}).text(t), keys.ErrUnreadable},
		{"x5c of another key", ec.with("x5c", []string{certificateFile(t)}).text(t), keys.ErrInconsistent},
		{"kty unknown", ec.with("kty", "ec").text(t), keys.ErrUnsupported},
		{"kty null", ec.with("kty", nil).text(t), keys.ErrUnreadable},
		{"d a number", ec.with("d", 5).text(t), keys.ErrUnreadable},

		{"too much padding", ec.with("d", ec.member("d")+"==").text(t), keys.ErrUnreadable},
		{"a line end inside", ec.with("d", ec.member("d")[:9]+"\n"+ec.member("d")[9:]).text(t), keys.ErrUnreadable},
		{"bits behind the last octet", object{"kty": "oct", "k": strings.Repeat("A", 42) + "B"}.text(t), keys.ErrUnreadable},
		{"the standard alphabet", object{"kty": "oct", "k": strings.Repeat("+", 44)}.text(t), keys.ErrUnreadable},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, err := resolve(t.Context(), c.text)
			if k != nil {
				t.Error("a key was made of it")
			}
			wantReason(t, err, c.reason)
			wantNothingQuoted(t, err, c.text)
		})
	}
}

// certificateFile returns a certificate as x5c has it.
func certificateFile(tb testing.TB) string {
	tb.Helper()
	block, _ := pem.Decode([]byte(pemFile(tb, "p256.crt")))
	return base64.StdEncoding.EncodeToString(block.Bytes)
}

func TestTheX5COfAJWKIsItsChain(t *testing.T) {
	k := mustResolve(t, pemFile(t, "p256.pkcs8.pem"))
	raw := must(keys.PrivateJWK(k, keys.JWKMeta{})).Reveal()
	padded := certificateFile(t)
	for what, certificate := range map[string]string{"padded": padded, "without padding": strings.TrimRight(padded, "=")} {
		text := strings.TrimSuffix(string(raw), "}") + `,"x5c":["` + certificate + `"]}`
		c, ok := mustResolve(t, text).(keys.Chained)
		if !ok || len(c.Chain()) != 1 {
			t.Errorf("%s: the key has no chain", what)
		}
	}
}

// wantNothingQuoted checks that an error has no part of the key.
func wantNothingQuoted(tb testing.TB, err error, text string) {
	tb.Helper()
	if err == nil {
		return
	}
	for i := range len(text) - 12 {
		if run := text[i : i+12]; strings.Contains(err.Error(), run) {
			tb.Errorf("the refusal quotes the key: %v", err)
			return
		}
	}
}

func TestJSONIsReadStrictly(t *testing.T) {
	ec := ecJWK(elliptic.P256(), "P-256").text(t)
	open := strings.TrimSuffix(ec, "}")
	for _, c := range []struct {
		name, text string
		reason     error
	}{
		{"a member twice", open + `,"kty":"EC"}`, keys.ErrInconsistent},
		{"a member twice, once escaped", open + `,"k\u0074y":"EC"}`, keys.ErrInconsistent},
		{"a member twice in an unknown member", open + `,"ext":{"a":[{"b":1,"b":1}]}}`, keys.ErrInconsistent},
		{"a member twice in a jwks", `{"keys":[` + open + `,"d":"AA"}]}`, keys.ErrInconsistent},
		{"names in another case", strings.ReplaceAll(ec, `"kty"`, `"KTY"`), keys.ErrUnreadable},
		{"invalid utf-8", open + ",\"kid\":\"\xff\"}", keys.ErrUnreadable},
		{"a lone surrogate", open + `,"kid":"\ud800"}`, keys.ErrUnreadable},
		{"text behind it", ec + " x", keys.ErrUnreadable},
		{"a second object behind it", ec + ec, keys.ErrUnreadable},
		{"cut off", ec[:len(ec)-1], keys.ErrUnreadable},
		{"a trailing comma", open + `,}`, keys.ErrUnreadable},
		{"no key at all", `{}`, keys.ErrUnreadable},
		{"an error page", `{"message":"not found"}`, keys.ErrUnreadable},
		{"10,000 nested arrays", `{"kty":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`, keys.ErrUnreadable},
		{"30,000 open arrays", `{"kty":` + strings.Repeat("[", 30_000), keys.ErrUnreadable},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			_, err := resolve(t.Context(), c.text)
			wantReason(t, err, c.reason)
			if took := time.Since(start); took > 250*time.Millisecond {
				t.Errorf("took %s", took)
			}
		})
	}
}

// TestAnRSAKeyIsMeasuredBeforeItIsUsed: consistent factors of 32768 bits cost
// seconds in any arithmetic.
func TestAnRSAKeyIsMeasuredBeforeItIsUsed(t *testing.T) {
	huge := strings.Repeat("_", 32768/24*4)
	text := object{"kty": "RSA", "n": huge, "e": "AQAB", "d": huge, "p": huge[:2728], "q": huge[:2728]}.text(t)
	start := time.Now()
	_, err := resolve(t.Context(), text)
	wantReason(t, err, keys.ErrTooLarge)
	if took := time.Since(start); took > 100*time.Millisecond {
		t.Errorf("%d bytes took %s", len(text), took)
	}
}

func TestTextOver64KiBIsNotLookedAt(t *testing.T) {
	_, err := resolve(t.Context(), rsaJWK(sharedRSA()).with("pad", strings.Repeat("x", 64<<10)).text(t))
	wantReason(t, err, keys.ErrTooLarge)
}

func TestAJWKIsWrittenAsItIsRead(t *testing.T) {
	for name, o := range map[string]object{
		"rsa": rsaJWK(sharedRSA()), "ec": ecJWK(elliptic.P521(), "P-521"), "secp256k1": secp256k1JWK(),
		"okp": ed25519JWK(), "oct": octJWK(48), "akp": akpJWK(mldsa.MLDSA87()),
	} {
		t.Run(name, func(t *testing.T) {
			k := mustResolve(t, o.text(t))
			hidden, err := keys.PrivateJWK(k, keys.JWKMeta{Use: "sig", KeyID: "é/1", Algorithm: k.Algorithms()[0]})
			if err != nil {
				t.Fatal(err)
			}
			again := mustResolve(t, string(hidden.Reveal()))
			if again.ID() != "é/1" || len(again.Algorithms()) != 1 {
				t.Errorf("id %q, algorithms %v", again.ID(), again.Algorithms())
			}
			sameSigner(t, k, again)
			public, err := keys.PublicJWK(k, keys.JWKMeta{})
			if name == "oct" {
				wantReason(t, err, keys.ErrUnsupported)
				return
			}
			_, err = resolve(t.Context(), string(public))
			wantReason(t, err, keys.ErrPublic)
			for member := range o {
				if private := slices.Contains([]string{"d", "p", "q", "dp", "dq", "qi", "k", "priv"}, member); strings.Contains(string(public), fmt.Sprintf("%q:", member)) == private {
					t.Errorf("member %s: private %t", member, private)
				}
			}
		})
	}
}

// sameSigner lets one key sign and the other verify.
func sameSigner(t *testing.T, a, b keys.Key) {
	t.Helper()
	alg := b.Algorithms()[0]
	signature, err := a.Sign(t.Context(), alg, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := must(keys.VerifierOf(b)).Verify(alg, []byte("x"), signature); err != nil {
		t.Error(err)
	}
}

func TestUnbindLeavesTheAlgToTheCaller(t *testing.T) {
	k := mustResolve(t, rsaJWK(sharedRSA()).with("alg", "RS256").with("kid", "1").text(t))
	if _, err := k.Sign(t.Context(), keys.RS512, nil); !errors.Is(err, keys.ErrAlgorithmMismatch) {
		t.Errorf("a bound key: %v", err)
	}
	free := keys.Unbind(k)
	if _, err := free.Sign(t.Context(), keys.RS512, nil); err != nil || free.ID() != "1" {
		t.Errorf("an unbound key: %v, id %q", err, free.ID())
	}
}

// Serialisers write null, "" and [] for members that a key does not have.
func TestABlankMemberCountsAsAbsent(t *testing.T) {
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
		wantMessage(t, err, "a public JWK", "with d")
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
