package keys_test

import (
	"crypto/elliptic"
	"crypto/mldsa"
	"errors"
	"testing"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// FuzzJWK reads any text as a JSON key: it is a key that signs and verifies, or
// an error that says why, in limited time.
func FuzzJWK(f *testing.F) {
	ec := ecJWK(elliptic.P256(), "P-256")
	for _, text := range []string{
		ec.text(f), ec.without("d").text(f), ed25519JWK().text(f), secp256k1JWK().text(f), octJWK(32).text(f),
		akpJWK(mldsa.MLDSA44()).text(f), rsaJWK(sharedRSA()).text(f), rsaJWK(sharedRSA()).without("dp", "dq", "qi").text(f),
		object{"keys": []any{ec, octJWK(40).with("kid", "a")}}.text(f),
		object{"type": "service_account", "private_key": pemFile(f, "p256.sec1.pem"), "private_key_id": "a"}.text(f),
		`{"kty":"oct","k":"","k":""}`, `{"keys":[[[]]]}`, `{"kty":"RSA","n":"AA","e":"AA","d":"AA","p":"AA","q":"AA"}`, `{`, "\ufeff {}",
	} {
		f.Add(text, "a")
	}
	f.Fuzz(func(t *testing.T, text, id string) {
		if len(text) == 0 || text[0] != '{' {
			return
		}
		readAndUse(t, keys.Ref{Text: secret.New(text), KeyID: id})
	})
}

// readAndUse checks what must hold for any text.
func readAndUse(t *testing.T, ref keys.Ref) {
	t.Helper()
	start := time.Now()
	k, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), ref)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	_, verr := keys.ReadVerifier(t.Context(), ref)
	if err != nil {
		refusal, ok := errors.AsType[*fault.Error](err)
		if !ok || refusal.Found == "" || refusal.Reason == nil {
			t.Errorf("a refusal without its reason: %v", err)
		}
		return
	}
	wantSecretsFound(t, ref.Text.Reveal(), k)
	if verr != nil {
		t.Errorf("a key that signs but does not verify: %v", verr)
	}
	alg := k.Algorithms()[0]
	signature, err := k.Sign(t.Context(), alg, []byte("x"))
	if err != nil {
		t.Fatalf("a key that does not sign: %v", err)
	}
	v, err := keys.VerifierOf(k)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Verify(alg, []byte("x"), signature); err != nil {
		t.Errorf("a signature that does not verify: %v", err)
	}
}

// FuzzExposes checks that a text with a run of the key is found, and that the
// search never panics.
func FuzzExposes(f *testing.F) {
	f.Add("0123456789abcdef0123456789abcdef", "0123456789abcdef01234567")
	f.Add(pemFile(f, "p256.sec1.pem"), `{"kty":"EC","d":"AA"}`)
	f.Add("{}", `\u002d-----BEGIN`)
	f.Fuzz(func(t *testing.T, key, text string) {
		ref := keys.Ref{Text: secret.New(key), Encoding: keys.EncodingRaw}
		_ = keys.Ref{Text: secret.New(key)}.Secrets().In(text)
		got, shares := ref.Secrets().In(text), false
		for i := 0; i+24 <= len(key); i++ {
			for j := 0; j+24 <= len(text); j++ {
				shares = shares || key[i:i+24] == text[j:j+24]
			}
		}
		if shares && !got {
			t.Error("a shared run is not told")
		}
	})
}
