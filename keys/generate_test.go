package keys_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"testing"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// Each new key signs, is read back from both of its written forms as the same
// key, and its public form verifies.
func TestANewKeyIsWrittenAsItIsRead(t *testing.T) {
	parser := keys.NewParser(keys.ParserOptions{})
	for _, alg := range keys.Algorithms() {
		if alg == keys.RS384 || alg == keys.RS512 || alg == keys.PS384 || alg == keys.PS512 {
			continue // the same key as for RS256 and PS256, and slow to make
		}
		key, err := keys.Generate(alg, 0)
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		jwk, err := keys.PrivateJWK(key, keys.JWKMeta{Algorithm: alg})
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		forms := map[string]string{"jwk": string(jwk.Reveal())}
		text, err := keys.PrivatePEM(key)
		if isHMAC := key.Public() == nil; isHMAC != errors.Is(err, keys.ErrUnsupported) {
			t.Fatalf("%s: pem: %v", alg, err)
		} else if !isHMAC {
			forms["pem"] = text.Reveal()
		}
		for form, text := range forms {
			again, err := parser.Resolve(t.Context(), keys.Ref{Text: secret.New(text)})
			if err != nil {
				t.Fatalf("%s from %s: %v", alg, form, err)
			}
			checkSamePair(t, alg, key, again)
		}
	}
}

func checkSamePair(t *testing.T, alg keys.Algorithm, made, read keys.Key) {
	t.Helper()
	input := []byte("input")
	signature, err := read.Sign(t.Context(), alg, input)
	if err != nil {
		t.Fatalf("%s: %v", alg, err)
	}
	v, err := keys.VerifierOf(made)
	if err == nil {
		err = v.Verify(alg, input, signature)
	}
	if err != nil {
		t.Errorf("%s: %v", alg, err)
	}
	if made.Public() == nil {
		return
	}
	public, err := keys.PublicPEM(read)
	if err != nil {
		t.Fatalf("%s: %v", alg, err)
	}
	v, err = keys.ReadVerifier(t.Context(), keys.Ref{Text: secret.New(public)})
	if err == nil {
		err = v.Verify(alg, input, signature)
	}
	if err != nil {
		t.Errorf("%s from its public pem: %v", alg, err)
	}
}

func TestASizeIsForRSAAndWithinBounds(t *testing.T) {
	for _, c := range []struct {
		alg    keys.Algorithm
		bits   int
		reason error
	}{
		{keys.RS256, 1024, keys.ErrWeak},
		{keys.RS256, 16384, keys.ErrWeak},
		{keys.RS256, 2049, keys.ErrWeak},
		{keys.ES256, 2048, keys.ErrUnsupported},
		{"none", 0, keys.ErrAlgorithmUnknown},
		{"es256", 0, keys.ErrAlgorithmUnknown},
	} {
		if _, err := keys.Generate(c.alg, c.bits); !errors.Is(err, c.reason) {
			t.Errorf("%s of %d bits: %v", c.alg, c.bits, err)
		}
	}
}

// A secp256k1 key is written by hand, as OpenSSL writes it.
func TestASecp256k1KeyIsWrittenAsOpenSSLWritesIt(t *testing.T) {
	key := mustResolve(t, pemFile(t, "secp256k1.pkcs8.pem"))
	text, err := keys.PrivatePEM(key)
	if err != nil || text.Reveal() != pemFile(t, "secp256k1.pkcs8.pem") {
		t.Errorf("the private key is written in another way (%v)", err)
	}
	if public, err := keys.PublicPEM(key); err != nil || public != pemFile(t, "secp256k1.public.pem") {
		t.Errorf("%v\n%s", err, public)
	}
	public, _ := pem.Decode([]byte(pemFile(t, "secp256k1.public.pem")))
	if spki, err := keys.SPKI(key); err != nil || !bytes.Equal(spki, public.Bytes) {
		t.Errorf("%x, %v; want %x", spki, err, public.Bytes)
	}
}

func TestTheSPKIIsTheStandardLibrarys(t *testing.T) {
	key, err := keys.Generate(keys.ES384, 0)
	if err != nil {
		t.Fatal(err)
	}
	want, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	text, err := keys.PublicPEM(key)
	if err != nil {
		t.Fatal(err)
	}
	if block, _ := pem.Decode([]byte(text)); block == nil || string(block.Bytes) != string(want) {
		t.Error("the public pem is another one")
	}
}
