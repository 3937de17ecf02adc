package keys_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

func TestATextThatGivesAKeyAwayIsTold(t *testing.T) {
	rsaPEM, jwk := pemFile(t, "rsa.pkcs8.pem"), ecJWK(elliptic.P256(), "P-256")
	body := strings.Split(rsaPEM, "\n")
	d := jwk.member("d")
	inPEM := keys.Ref{Text: secret.New(rsaPEM)}
	inJWK := keys.Ref{Text: secret.New(jwk.text(t))}
	account := keys.Ref{Text: secret.New(object{"type": "service_account", "private_key_id": "0123456789abcdef0123456789abcdef01234567", "private_key": rsaPEM, "client_email": "robot@project.iam.gserviceaccount.com"}.text(t))}
	raw := keys.Ref{Text: secret.New("correct horse battery staple, and more"), Encoding: keys.EncodingRaw}
	inHex := keys.Ref{Text: secret.New(hex.EncodeToString([]byte("correct horse battery staple, and more"))), Encoding: keys.EncodingHex}
	locked := keys.Ref{Text: secret.New(pemFile(t, "rsa.pbes2.pem")), Password: secret.New("a password of more than 24 characters")}
	delivered := keys.Ref{Name: "conductor", Delivered: map[string]secret.Text{"signing_key": secret.New(rsaPEM)}}
	for _, c := range []struct {
		name string
		ref  keys.Ref
		text string
		want bool
	}{
		{"nothing", inPEM, "", false},
		{"an address", inPEM, "https://api.example.com/v1/things?and=more", false},
		{"armour of any key", inJWK, "x\n-----BEGIN EC PRIVATE KEY-----\nMHc", true},
		{"armour of an encrypted key", inJWK, "-----BEGIN ENCRYPTED PRIVATE KEY-----", true},
		{"armour on one line", inJWK, `-----BEGIN PRIVATE KEY-----\nMII`, true},
		{"armour without spaces", inJWK, "-----BEGINPRIVATEKEY-----", true},
		{"armour of a public key", inJWK, "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----", false},
		{"the whole key", inPEM, rsaPEM, true},
		{"a line of it", inPEM, "x " + body[9] + " y", true},
		{"24 characters of it", inPEM, body[9][5:29], true},
		{"23 characters of it", inPEM, body[9][5:28], false},
		{"24 characters over a line end", inPEM, body[9][52:] + body[10][:12], true},
		{"24 characters over a line end, as they stand", inPEM, body[9][52:] + "\n" + body[10][:12], true},
		{"24 characters over a written line end", inPEM, body[9][52:] + `\n` + body[10][:12], true},
		{"a line of it in base64url", inPEM, strings.NewReplacer("+", "-", "/", "_").Replace(body[9]), true},
		{"its last line", inPEM, body[8] + body[9] + body[10], true},
		{"a private jwk of another key", inPEM, ed25519JWK().text(t), true},
		{"a private jwk with spaces", inPEM, `{ "d" : "AA", "kty" : "OKP" }`, true},
		{"a private jwk inside of text", inPEM, `see "{\"kty\":\"oct\",\"k\":\"AA\"}"`, true},
		{"a private jwk inside of claims", inPEM, `{"a":{"b":[{"kty":"AKP","priv":"AA"}]}}`, true},
		{"a public jwk", inPEM, `{"cnf":{"jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"}},"d":"2026"}`, false},
		{"a d that is no key's", inPEM, `{"d":"2026-11-22"}`, false},
		{"the d of the jwk", inJWK, d, true},
		{"24 characters of it in text", inJWK, "it is " + d[10:34] + "!", true},
		{"d in the standard alphabet", inJWK, strings.NewReplacer("-", "+", "_", "/").Replace(d), true},
		{"the x of the jwk", inJWK, jwk.member("x"), false},
		{"the public half of the jwk", inJWK, jwk.without("d").text(t), false},
		{"the id of a service account's key", account, "0123456789abcdef0123456789abcdef01234567", false},
		{"the address of a service account", account, "robot@project.iam.gserviceaccount.com", false},
		{"a line of a service account's key", account, body[9], true},
		{"the secret", raw, "so: correct horse battery staple, and more", true},
		{"24 characters of the secret", raw, "correct horse battery st", true},
		{"23 characters of the secret", raw, "correct horse battery s", false},
		{"the secret behind its encoding", inHex, "correct horse battery staple", true},
		{"the secret in its encoding", inHex, hex.EncodeToString([]byte("correct horse battery")), true},
		{"a line of a key that was delivered", delivered, body[9], true},
		{"the password", locked, "with a password of more than 24 characters", true},
		{"a line of the encrypted key", locked, strings.Split(pemFile(t, "rsa.pbes2.pem"), "\n")[5], true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.ref.Exposes(c.text); got != c.want {
				t.Errorf("exposes: %t", got)
			}
		})
	}
}

// TestTheOwnPublicKeyMayBeAClaim: proof-of-possession claims (RFC 7800 §3.2)
// hold it, and PKCS#1 and SEC 1 hold it in the same base64 digits.
func TestTheOwnPublicKeyMayBeAClaim(t *testing.T) {
	ec := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	armour := func(label string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
	}
	for name, c := range map[string]struct{ private, public []byte }{
		"rsa": {x509.MarshalPKCS1PrivateKey(sharedRSA()), must(x509.MarshalPKIXPublicKey(&sharedRSA().PublicKey))},
		"ec":  {must(x509.MarshalECPrivateKey(ec)), must(x509.MarshalPKIXPublicKey(&ec.PublicKey))},
	} {
		t.Run(name, func(t *testing.T) {
			ref := keys.Ref{Text: secret.New(armour("PRIVATE KEY", c.private))}
			k := mustResolve(t, ref.Text.Reveal())
			jwk := must(keys.PublicJWK(k, keys.JWKMeta{Use: "sig"}))
			for _, shift := range []string{"", "x", "xy"} {
				for _, text := range []string{
					`{"cnf":{"jwk":` + string(jwk) + `}}`, armour("PUBLIC KEY", c.public),
					base64.StdEncoding.EncodeToString(append([]byte(shift), c.public...)),
				} {
					if ref.Exposes(text) {
						t.Errorf("the public half counts as exposed (%d characters)", len(text))
					}
				}
			}
			all := base64.StdEncoding.EncodeToString(c.private)
			exposed := 0
			for i := 0; i+24 <= len(all); i++ {
				if ref.Exposes(all[i : i+24]) {
					exposed++
				}
			}
			if private := len(all) - base64.StdEncoding.EncodedLen(len(c.public)) - 60; exposed < private {
				t.Errorf("%d of %d runs count as exposed", exposed, len(all))
			}
		})
	}
}

func TestLongTextsAreSearchedInTime(t *testing.T) {
	s := keys.Ref{Text: secret.New(strings.Repeat("A", 64<<10))}.Secrets()
	start := time.Now()
	s.In(strings.Repeat(strings.Repeat("A", 23)+"B", 1400))
	s.In(strings.Repeat(`{"kty":"`, 4000))
	s.In(strings.Repeat("-----BEGIN", 3300))
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %s", took)
	}
}
