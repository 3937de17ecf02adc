package keys_test

import (
	"crypto/elliptic"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/keys/decode"
)

// TestAPublicKeyThatIsRefusedSaysWhatItIs: in a public key and in a certificate,
// each with the words that it has for a private key.
func TestAPublicKeyThatIsRefusedSaysWhatItIs(t *testing.T) {
	found := map[string]string{
		"brainpool": "an EC key on brainpoolP384r1", "p224": "an EC key on P-224", "sm2": "an EC key on SM2",
		"explicit": "with explicit curve parameters", "ed448": "Ed448 is not supported",
		"x25519": "X25519 is not supported: it does not sign", "x448": "X448 is not supported: it does not sign",
		"dh": "Diffie-Hellman is not supported", "dsa": "DSA is not supported", "rsa1024": "an RSA key of 1024 bits",
	}
	files, err := filepath.Glob("testdata/refused/*")
	if err != nil || len(files) < 2*len(found)-1 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		kind, _, _ := strings.Cut(filepath.Base(file), ".")
		text := string(must(os.ReadFile(file)))
		_, err := keys.ReadVerifier(t.Context(), keys.Ref{Text: secret.New(text)})
		switch filepath.Base(file) {
		case "brainpool.crt", "sm2.crt", "explicit.crt": // beside a key, it is the certificate that is at fault
			_, err := decode.Chain(text)
			wantReason(t, err, keys.ErrCertificateInvalid)
			wantMessage(t, err, found[kind], "")
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			wantMessage(t, err, found[kind], "")
			wantNoPrivateKey(t, err)
			if strings.Contains(text, "CERTIFICATE") && !strings.HasPrefix(refusalOf(t, err).Found, "this is a certificate with ") {
				t.Errorf("%v does not speak of a certificate", err)
			}
		})
	}
	for crv, want := range map[string]string{"P-224": "P-224", "brainpoolP256r1": "brainpoolP256r1", "BP-384": "brainpoolP384r1", "SM2": "SM2"} {
		_, err := resolve(t.Context(), ecJWK(elliptic.P256(), "P-256").with("crv", crv).text(t))
		wantMessage(t, err, "an EC key on "+want+",", "use P-256")
	}
	for _, line := range []struct{ text, found string }{
		{"ssh-ed448 AAAACXNzaC1lZDQ0OAAAADk= me@host", "Ed448 is not supported"},
		{"ssh-ed25519 AAAA me@host", "a public key that is damaged"},
		{"---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "ssh.com format"},
	} {
		_, err := keys.ReadVerifier(t.Context(), keys.Ref{Text: secret.New(line.text)})
		wantMessage(t, err, line.found, "")
		wantNoPrivateKey(t, err)
	}
}

func TestHintsForAVerifierAskForNoPrivateKey(t *testing.T) {
	p256 := pemFile(t, "p256.pkcs8.pem")
	for _, text := range []string{
		"", " ", "junk", "key.pem", "${a.b}", "***", "-----BEGIN", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA", "{}", "<xml/>",
		"-----BEGIN PGP PUBLIC KEY BLOCK-----\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----",
		"-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----",
		"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----", "-----BEGIN X-----\nAAAA\n-----END X-----",
		"-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----",
		pemFile(t, "p256.csr"), pemFile(t, "rsa-1024.pkcs8.pem"), pemFile(t, "brainpool.pkcs8.pem"), pemFile(t, "ed448.pkcs8.pem"),
		"[" + ecJWK(elliptic.P256(), "P-256").text(t) + "]", object{"keys": []any{}}.text(t), `{"type":"service_account"}`,
		object{"privateKey": p256}.text(t), object{"k1": pemFile(t, "p256.crt"), "k2": pemFile(t, "p256.crt")}.text(t),
	} {
		_, err := keys.ReadVerifier(t.Context(), keys.Ref{Text: secret.New(text)})
		wantNoPrivateKey(t, err)
	}
}

func wantNoPrivateKey(tb testing.TB, err error) {
	tb.Helper()
	refusal := refusalOf(tb, err)
	for _, word := range []string{"private key", "genpkey", "key generate"} {
		if strings.Contains(refusal.Hint, word) {
			tb.Errorf("%v asks a verifier for a %s", err, word)
		}
	}
}

// TestACertificateUnderItsIDVerifies: the form in which Google publishes the
// keys of service accounts.
func TestACertificateUnderItsIDVerifies(t *testing.T) {
	one := object{"k1": pemFile(t, "p256.crt")}
	two := one.with("k2", pemFile(t, "rsa.public.pem"))
	read := func(o object, id string) (keys.Verifier, error) {
		return keys.ReadVerifier(t.Context(), keys.Ref{Text: secret.New(o.text(t)), KeyID: id})
	}
	for _, c := range []struct {
		set      object
		ask, get string
		alg      keys.Algorithm
	}{{one, "", "k1", keys.ES256}, {one, "k1", "k1", keys.ES256}, {two, "k1", "k1", keys.ES256}, {two, "k2", "k2", keys.RS256}} {
		v, err := read(c.set, c.ask)
		if err != nil || v.ID() != c.get || v.Algorithms()[0] != c.alg {
			t.Errorf("%d keys, asked for %q: %v", len(c.set), c.ask, err)
		}
	}
	for _, c := range []struct {
		set object
		ask string
	}{{two, ""}, {two, "k3"}, {one, "k3"}} {
		_, err := read(c.set, c.ask)
		wantReason(t, err, keys.ErrAmbiguous)
	}
}
