package keys_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
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

// OpenSSL reads what is written here by hand, and prints the same public key.
func TestOpenSSLReadsAWrittenSecp256k1Key(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Log("no openssl; the standard library's reading of the outer form is all that is checked")
	}
	key, err := keys.Generate(keys.ES256K, 0)
	if err != nil {
		t.Fatal(err)
	}
	text, err := keys.PrivatePEM(key)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := keys.SPKI(key)
	if err != nil {
		t.Fatal(err)
	}
	if openssl == "" {
		return
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, []byte(text.Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), openssl, "pkey", "-in", file, "-pubout", "-outform", "DER").Output()
	if err != nil || string(out) != string(spki) {
		t.Errorf("openssl's public key is %x (%v), ours %x", out, err, spki)
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
