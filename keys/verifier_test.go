package keys_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

func readVerifier(tb testing.TB, text, id string) (keys.Verifier, error) {
	tb.Helper()
	return keys.ReadVerifier(tb.Context(), keys.Ref{Text: secret.New(text), KeyID: id})
}

func TestAVerifierIsReadFromEveryForm(t *testing.T) {
	publicPEM := pemFile(t, "p256.public.pem")
	block, _ := pem.Decode([]byte(publicPEM))
	jwk := ecJWK(elliptic.P256(), "P-256").with("kid", "k")
	both := object{"keys": []any{jwk.without("d"), ed25519JWK().with("kid", "o").without("d")}}.text(t)
	for _, c := range []struct {
		name, text, id string
		want           keys.Algorithm
		keyID          string
	}{
		{"a public key in pem", publicPEM, "", keys.ES256, ""},
		{"a private key in PEM", pemFile(t, "p256.pkcs8.pem"), "", keys.ES256, ""},
		{"a certificate", pemFile(t, "p256.crt"), "", keys.ES256, ""},
		{"a pkcs#1 public key", pemFile(t, "rsa.public-pkcs1.pem"), "", keys.RS256, ""},
		{"an rsassa-pss public key", pemFile(t, "rsapss-sha384.public.pem"), "", keys.PS384, ""},
		{"der", string(block.Bytes), "", keys.ES256, ""},
		{"der in base64", base64.StdEncoding.EncodeToString(block.Bytes), "", keys.ES256, ""},
		{"a public JWK", jwk.without("d").text(t), "", keys.ES256, "k"},
		{"a private jwk", jwk.text(t), "", keys.ES256, "k"},
		{"a jwk for verifying", jwk.without("d").with("key_ops", []string{"verify"}).text(t), "", keys.ES256, "k"},
		{"an oct JWK", octJWK(32).text(t), "", keys.HS256, ""},
		{"a public ml-dsa jwk", akpJWK(mldsa.MLDSA44()).without("priv").text(t), "", keys.MLDSA44, ""},
		{"a key of a jwks", both, "o", keys.EdDSA, "o"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := readVerifier(t, c.text, c.id)
			if err != nil {
				t.Fatal(err)
			}
			if v.Algorithms()[0] != c.want || v.ID() != c.keyID {
				t.Errorf("algorithms %v, id %q", v.Algorithms(), v.ID())
			}
		})
	}
}

func TestAVerifierIsRefused(t *testing.T) {
	jwk := ecJWK(elliptic.P256(), "P-256").with("kid", "k").without("d")
	weak := must(x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: sharedRSA().Primes[0], E: 65537}))
	for _, c := range []struct {
		name, text, id string
		reason         error
	}{
		{"a token", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "", keys.ErrUnreadable},
		{"a short rsa key", base64.StdEncoding.EncodeToString(weak), "", keys.ErrWeak},
		{"a short secret", octJWK(31).text(t), "", keys.ErrWeak},
		{"a private jwk whose halves differ", jwk.with("d", ecJWK(elliptic.P256(), "P-256")["d"]).text(t), "", keys.ErrInconsistent},
		{"a jwk for encryption", jwk.with("use", "enc").text(t), "", keys.ErrUse},
		{"a jwk for wrapping", jwk.with("key_ops", []string{"wrapKey"}).text(t), "", keys.ErrUse},
		{"a jwks without that id", object{"keys": []any{jwk}}.text(t), "x", keys.ErrAmbiguous},
		{"two of a jwks", object{"keys": []any{jwk, ed25519JWK()}}.text(t), "", keys.ErrAmbiguous},
		{"too much text", strings.Repeat(" ", 70_000), "", keys.ErrTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := readVerifier(t, c.text, c.id)
			if v != nil {
				t.Error("a verifier was made of it")
			}
			wantReason(t, err, c.reason)
		})
	}
}

// The header of a token chooses neither the type nor the alg of a key (RFC 8725
// §2.1, §3.1).
func TestAVerifierIsBoundToItsKey(t *testing.T) {
	k := mustResolve(t, rsaJWK(sharedRSA()).text(t))
	for _, c := range []struct {
		name, text string
		alg        keys.Algorithm
		reason     error
	}{
		{"HS256 with a public key", rsaJWK(sharedRSA()).without("d", "p", "q", "dp", "dq", "qi").text(t), keys.HS256, keys.ErrAlgorithmMismatch},
		{"ES256 with an RSA key", rsaJWK(sharedRSA()).text(t), keys.ES256, keys.ErrAlgorithmMismatch},
		{"PS512 with a key of alg RS256", rsaJWK(sharedRSA()).with("alg", "RS256").text(t), keys.PS512, keys.ErrAlgorithmMismatch},
		{"RS256 with an RSASSA-PSS key", pemFile(t, "rsapss.pkcs8.pem"), keys.RS256, keys.ErrAlgorithmMismatch},
		{"HS512 with a key of 32 bytes", octJWK(32).text(t), keys.HS512, keys.ErrWeak},
		{"none", octJWK(32).text(t), "none", keys.ErrAlgorithmMismatch},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := must(readVerifier(t, c.text, ""))
			wantReason(t, v.Verify(c.alg, []byte("x"), make([]byte, 64)), c.reason)
			if slices.Contains(v.Algorithms(), c.alg) {
				t.Error("it claims the algorithm")
			}
		})
	}
	signature := must(k.Sign(t.Context(), keys.RS256, []byte("x")))
	v := must(keys.VerifierOf(k))
	for name, wrong := range map[string][]byte{
		"nothing": nil, "a byte less": signature[1:], "a byte more": append(slices.Clone(signature), 0),
		"zeros": make([]byte, len(signature)),
	} {
		if err := v.Verify(keys.RS256, []byte("x"), wrong); !errors.Is(err, keys.ErrVerification) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestASaltIsAsLongAsTheHash: RFC 7518 §3.5 leaves no choice.
func TestASaltIsAsLongAsTheHash(t *testing.T) {
	v := must(keys.VerifierOf(mustResolve(t, rsaJWK(sharedRSA()).text(t))))
	digest := sha256.Sum256([]byte("x"))
	for salt, ok := range map[int]bool{32: true, 1: false, 20: false, 33: false, rsa.PSSSaltLengthAuto: false} {
		signature := must(rsa.SignPSS(rand.Reader, sharedRSA(), crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: salt}))
		if err := v.Verify(keys.PS256, []byte("x"), signature); (err == nil) != ok {
			t.Errorf("a salt of %d: %v", salt, err)
		}
	}
}
