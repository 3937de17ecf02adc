package interop

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os/exec"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/crypto/ssh"
)

const password = "correct horse"

// locked writes a key in the forms that need a password, and as DER, by
// openssl, x/crypto/ssh and go-jose.
func locked(t *testing.T, private crypto.Signer, pkcs8 string) []form {
	t.Helper()
	args := []string{"--password-file", file(t, "password", password)}
	withPassword := func(name string, text []byte) form { return form{name: name, text: string(text), args: args} }
	sshBlock := must[*pem.Block](t)(ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(password)))
	return []form{
		withPassword("pbes2", convert(t, pkcs8, "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:"+password)),
		withPassword("pbes2-sha512", convert(t, pkcs8, "pkcs8", "-topk8", "-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512", "-passout", "pass:"+password)),
		withPassword("scrypt", convert(t, pkcs8, "pkcs8", "-topk8", "-scrypt", "-passout", "pass:"+password)),
		withPassword("rfc1423", convert(t, pkcs8, "pkey", "-traditional", "-aes256", "-passout", "pass:"+password)),
		withPassword("pkcs12", convert(t, pkcs8+certificate(t, private), "pkcs12", "-export", "-passout", "pass:"+password)),
		withPassword("openssh-bcrypt", pem.EncodeToMemory(sshBlock)),
		withPassword("jwe", jwe(t, private)),
		{name: "der", text: string(convert(t, pkcs8, "pkcs8", "-topk8", "-nocrypt", "-outform", "DER"))},
	}
}

func convert(t *testing.T, key string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", append(args, "-in", file(t, "key.pem", key))...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openssl %s: %v", args[0], err)
	}
	return out
}

func certificate(t *testing.T, private crypto.Signer) string {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "interop"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	return armour("CERTIFICATE", must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)))
}

// jwe wraps the key's JWK with a password (RFC 7517 §7, RFC 7518 §4.8).
func jwe(t *testing.T, private crypto.Signer) []byte {
	t.Helper()
	jwk := must[[]byte](t)(jose.JSONWebKey{Key: private}.MarshalJSON())
	recipient := jose.Recipient{Algorithm: jose.PBES2_HS256_A128KW, Key: []byte(password), PBES2Count: 10_000}
	encrypter := must[jose.Encrypter](t)(jose.NewEncrypter(jose.A128GCM, recipient, (&jose.EncrypterOptions{}).WithContentType("jwk+json")))
	sealed := must[*jose.JSONWebEncryption](t)(encrypter.Encrypt(jwk))
	return []byte(must[string](t)(sealed.CompactSerialize()))
}
