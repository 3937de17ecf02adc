package interop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os/exec"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/crypto/ssh"
)

// form is a private key in one encoding.
type form struct {
	name string // peers read pem and jwk
	text string
	args []string // further arguments of `sign`
}

// pair is a new key in every encoding.
type pair struct {
	algs      []string
	private   []form
	publicPEM string // empty if the peers do not read it
	publicJWK string
	public    crypto.PublicKey
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func must[T any](t *testing.T) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func encodePEM(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

func object(t *testing.T, members map[string]string) string {
	t.Helper()
	return string(must[[]byte](t)(json.Marshal(members)))
}

// standard encodes a key with crypto/x509, x/crypto/ssh and go-jose.
func standard(t *testing.T, private crypto.Signer, algs ...string) pair {
	t.Helper()
	bytes := must[[]byte](t)
	pkcs8 := encodePEM("PRIVATE KEY", bytes(x509.MarshalPKCS8PrivateKey(private)))
	p := pair{
		algs: algs, public: private.Public(),
		publicPEM: encodePEM("PUBLIC KEY", bytes(x509.MarshalPKIXPublicKey(private.Public()))),
		publicJWK: string(bytes(jose.JSONWebKey{Key: private.Public()}.MarshalJSON())),
		private: []form{
			{name: "pem", text: pkcs8},
			{name: "jwk", text: string(bytes(jose.JSONWebKey{Key: private}.MarshalJSON()))},
			{name: "openssh", text: string(pem.EncodeToMemory(must[*pem.Block](t)(ssh.MarshalPrivateKey(private, ""))))},
		},
	}
	switch key := private.(type) {
	case *rsa.PrivateKey:
		p.private = append(p.private, form{name: "pkcs1", text: encodePEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))})
		p.private = append(p.private, encryptedForms(t, private, pkcs8)...)
	case *ecdsa.PrivateKey:
		p.private = append(p.private, form{name: "sec1", text: encodePEM("EC PRIVATE KEY", bytes(x509.MarshalECPrivateKey(key)))})
		p.private = append(p.private, encryptedForms(t, private, pkcs8)...)
	}
	return p
}

func secp256k1Pair(t *testing.T) pair {
	t.Helper()
	key := must[*secp256k1.PrivateKey](t)(secp256k1.GeneratePrivateKey())
	point := key.PubKey().SerializeUncompressed()
	members := map[string]string{"kty": "EC", "crv": "secp256k1", "x": encode(point[1:33]), "y": encode(point[33:])}
	public := object(t, members)
	members["d"] = encode(key.Serialize())
	return pair{algs: []string{"ES256K"}, publicJWK: public, private: []form{{name: "jwk", text: object(t, members)}}}
}

func hmacPair(t *testing.T, alg string, size int) pair {
	t.Helper()
	random := make([]byte, size)
	must[int](t)(rand.Read(random))
	secret := []byte(encode(random)) // text, because a secret file is read as text
	jwk := object(t, map[string]string{"kty": "oct", "k": encode(secret)})
	return pair{algs: []string{alg}, publicJWK: jwk, public: secret, private: []form{
		{name: "jwk", text: jwk},
		{name: "raw", text: string(secret), args: []string{"--alg", alg}},
	}}
}

func mldsaPair(t *testing.T, alg string, parameters mldsa.Parameters) pair {
	t.Helper()
	key := must[*mldsa.PrivateKey](t)(mldsa.GenerateKey(parameters))
	members := map[string]string{"kty": "AKP", "alg": alg, "pub": encode(key.PublicKey().Bytes())}
	public := object(t, members)
	members["priv"] = encode(key.Bytes())
	return pair{algs: []string{alg}, publicJWK: public, public: key.PublicKey(), private: []form{
		{name: "jwk", text: object(t, members)},
		{name: "pem", text: encodePEM("PRIVATE KEY", must[[]byte](t)(x509.MarshalPKCS8PrivateKey(key)))},
	}}
}

// pairs returns keys for every algorithm.
func pairs(t *testing.T) []pair {
	t.Helper()
	curve := func(c elliptic.Curve, alg string) pair {
		return standard(t, must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(c, rand.Reader)), alg)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return []pair{
		standard(t, must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048)),
			"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
		curve(elliptic.P256(), "ES256"), curve(elliptic.P384(), "ES384"), curve(elliptic.P521(), "ES512"),
		secp256k1Pair(t),
		standard(t, ed, "EdDSA", "Ed25519"),
		hmacPair(t, "HS256", 32), hmacPair(t, "HS384", 48), hmacPair(t, "HS512", 64),
		mldsaPair(t, "ML-DSA-44", mldsa.MLDSA44()), mldsaPair(t, "ML-DSA-65", mldsa.MLDSA65()), mldsaPair(t, "ML-DSA-87", mldsa.MLDSA87()),
	}
}

const password = "correct horse"

// encryptedForms encodes a key in the encodings with a password, and as DER, with
// openssl, x/crypto/ssh and go-jose.
func encryptedForms(t *testing.T, private crypto.Signer, pkcs8 string) []form {
	t.Helper()
	args := []string{"--password-file", file(t, "password", password)}
	withPassword := func(name string, text []byte) form { return form{name: name, text: string(text), args: args} }
	sshBlock := must[*pem.Block](t)(ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(password)))
	return []form{
		withPassword("pbes2", opensslConvert(t, pkcs8, "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:"+password)),
		withPassword("pbes2-sha512", opensslConvert(t, pkcs8, "pkcs8", "-topk8", "-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512", "-passout", "pass:"+password)),
		withPassword("scrypt", opensslConvert(t, pkcs8, "pkcs8", "-topk8", "-scrypt", "-passout", "pass:"+password)),
		withPassword("rfc1423", opensslConvert(t, pkcs8, "pkey", "-traditional", "-aes256", "-passout", "pass:"+password)),
		withPassword("pkcs12", opensslConvert(t, pkcs8+certificate(t, private), "pkcs12", "-export", "-passout", "pass:"+password)),
		withPassword("openssh-bcrypt", pem.EncodeToMemory(sshBlock)),
		withPassword("jwe", encryptJWE(t, private)),
		{name: "der", text: string(opensslConvert(t, pkcs8, "pkcs8", "-topk8", "-nocrypt", "-outform", "DER"))},
	}
}

func opensslConvert(t *testing.T, key string, args ...string) []byte {
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
	return encodePEM("CERTIFICATE", must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)))
}

// encryptJWE encrypts the key's JWK with a password (RFC 7517 §7, RFC 7518 §4.8).
func encryptJWE(t *testing.T, private crypto.Signer) []byte {
	t.Helper()
	jwk := must[[]byte](t)(jose.JSONWebKey{Key: private}.MarshalJSON())
	recipient := jose.Recipient{Algorithm: jose.PBES2_HS256_A128KW, Key: []byte(password), PBES2Count: 10_000}
	encrypter := must[jose.Encrypter](t)(jose.NewEncrypter(jose.A128GCM, recipient, (&jose.EncrypterOptions{}).WithContentType("jwk+json")))
	encrypted := must[*jose.JSONWebEncryption](t)(encrypter.Encrypt(jwk))
	return []byte(must[string](t)(encrypted.CompactSerialize()))
}
