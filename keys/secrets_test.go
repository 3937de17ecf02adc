package keys_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/keys/decode"
)

func TestSecretsFindsKeyMaterial(t *testing.T) {
	rsaPEM, jwk := pemFile(t, "rsa.pkcs8.pem"), ecJWK(elliptic.P256(), "P-256")
	body := strings.Split(rsaPEM, "\n")
	d := jwk.member("d")
	inPEM := keys.Ref{Text: secret.New(rsaPEM)}
	inJWK := keys.Ref{Text: secret.New(jwk.text(t))}
	account := keys.Ref{Text: secret.New(object{"type": "service_account", "private_key_id": "0123456789abcdef0123456789abcdef01234567", "private_key": rsaPEM, "client_email": "robot@project.iam.gserviceaccount.com"}.text(t))}
	raw := keys.Ref{Text: secret.New("correct horse battery staple, and more"), Encoding: keys.EncodingRaw}
	inHex := keys.Ref{Text: secret.New(hex.EncodeToString([]byte("correct horse battery staple, and more"))), Encoding: keys.EncodingHex}
	locked := keys.Ref{Text: secret.New(pemFile(t, "rsa.pbes2.pem")), Password: secret.New("a password of more than 24 characters")}
	inOct := keys.Ref{Text: secret.New(object{"kty": "oct", "k": b64([]byte("correct horse battery staple, and more"))}.text(t))}
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
		{"a public JWK", inPEM, `{"cnf":{"jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"}},"d":"2026"}`, false},
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
		{"a line of it, urlencoded", inPEM, url.QueryEscape(body[9]), true},
		{"the whole key, urlencoded", inJWK, url.PathEscape(rsaPEM), true},
		{"the whole key in base64", inPEM, base64.StdEncoding.EncodeToString([]byte(rsaPEM)), true},
		{"another key's armour in base64", inJWK, "key: " + base64.StdEncoding.EncodeToString([]byte(rsaPEM)), true},
		{"another's armour in base64, further along", inJWK, base64.StdEncoding.EncodeToString([]byte("the key: " + rsaPEM)), true},
		{"another's jwk in base64url", inPEM, base64.RawURLEncoding.EncodeToString([]byte("  " + ed25519JWK().text(t))), true},
		{"a public JWK in base64url", inPEM, base64.RawURLEncoding.EncodeToString([]byte(ed25519JWK().without("d").text(t))), false},
		{"the bytes of the key, begun elsewhere", inPEM, base64.StdEncoding.EncodeToString(append([]byte("x"), private(t, rsaPEM)[400:]...)), true},
		{"a number of the pem key as a jwk writes it", inPEM, b64(mustRSA(t, rsaPEM).Primes[0].Bytes()), true},
		{"a line of it, piece by piece in a list", inPEM, `["` + body[9][:8] + `","` + body[9][8:16] + `","` + body[9][16:30] + `"]`, true},
		{"a line of it, with soft hyphens", inPEM, strings.Join(strings.Split(body[9], ""), "\u00ad"), true},
		{"d between padding", inJWK, d[:12] + "==" + d[12:], true},
		{"a private jwk with an object before d", inPEM, `{"kty":"EC","a":{"b":[{}]},"d":"AA"}`, true},
		{"a private jwk with an object before kty", inPEM, `{"d":"AA","a":{},"kty":"EC"}`, true},
		{"a public JWK around another object", inPEM, `{"kty":"EC","x":"AA","a":{"d":"2026"}}`, false},
		{"the first object of two", inPEM, `[{"kty":"EC"},{"d":"2026"}]`, false},
		{"a putty key", inPEM, "PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none", true},
		{"the secret in base64", raw, base64.StdEncoding.EncodeToString([]byte("x=correct horse battery staple")), true},
		{"the password in base64", locked, base64.URLEncoding.EncodeToString([]byte("a password of more than 24 characters")), true},
		{"the secret of an oct jwk", inOct, "so: correct horse battery staple", true},
		{"another line of base64", inPEM, base64.StdEncoding.EncodeToString([]byte("nothing of the kind, only a text as any other")), false},
		{"a percentage", inPEM, "100% of 24 characters, %zz and %", false},
		{"a line of the encrypted key", locked, strings.Split(pemFile(t, "rsa.pbes2.pem"), "\n")[5], true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.ref.Secrets().In(c.text); got != c.want {
				t.Errorf("exposes: %t", got)
			}
		})
	}
}

// TestShortSecretsAreFoundAsAWhole checks that a secret of 8 to 23 characters
// is found as a word of its own, and not as a part of other words.
func TestShortSecretsAreFoundAsAWhole(t *testing.T) {
	const word = "Tr0ub4dor&3xyz"
	locked := pemFile(t, "rsa.pbes2.pem")
	for _, c := range []struct {
		name, secret, text string
		want               bool
	}{
		{"alone", word, word, true},
		{"in quotes", word, `{"x":"` + word + `"}`, true},
		{"behind a colon", word, "user:" + word, true},
		{"behind a slash, before a question mark", word, "https://a/" + word + "?x", true},
		{"before an underscore", word, word + "_1", true},
		{"between lines", word, "a\n" + word + "\nb", true},
		{"escaped as JSON", `Tr0ub"4dor`, `{"x":"Tr0ub\"4dor"}`, true},
		{"percent-encoded", word, url.QueryEscape(word), true},
		{"in base64", word, base64.StdEncoding.EncodeToString([]byte(word)), true},
		{"in base64url, in a text", "~~~~????>>>>", "x: " + base64.RawURLEncoding.EncodeToString([]byte("~~~~????>>>>")) + ".", true},
		{"in basic credentials", word, "Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+word)), true},
		{"in a JSON object in base64", word, base64.RawURLEncoding.EncodeToString([]byte(`{"password":"` + word + `"}`)), true},
		{"part of a word in base64", "hunter22", base64.StdEncoding.EncodeToString([]byte("user:xhunter221")), false},
		{"later, after a part of a word", word, "a" + word + " " + word, true},
		{"with the line end of its file", word + "\n", "x " + word, true},
		{"punctuation at its ends", "!hunter22!", "a!hunter22!b", true},
		{"letters of another alphabet", "пароль-8", "это пароль-8.", true},
		{"a pin", "12345678", `{"pin":12345678}`, true},
		{"8 characters", "hunter22", "is hunter22", true},
		{"23 characters", "correct horse battery s", "a correct horse battery s", true},
		{"7 characters", "hunter2", "hunter2", false},
		{"part of a word", "hunter22", "hunter221", false},
		{"part of a word in front", "hunter22", "xhunter22", false},
		{"part of a word of another alphabet", "hunter22", "жhunter22", false},
		{"in another case", "hunter22", "Hunter22", false},
		{"a part of it", word, word[:13], false},
		{"nothing", word, "", false},
	} {
		for kind, ref := range map[string]keys.Ref{
			"password":    {Text: secret.New(locked), Password: secret.New(c.secret)},
			"HMAC secret": {Text: secret.New(c.secret), Encoding: keys.EncodingRaw},
			"hex secret":  {Text: secret.New(hex.EncodeToString([]byte(c.secret))), Encoding: keys.EncodingHex},
			"oct JWK":     {Text: secret.New(object{"kty": "oct", "k": b64([]byte(c.secret))}.text(t))},
			"broken jwk":  {Text: secret.New(`{"kty":"oct","k":"` + b64([]byte(c.secret)) + `",}`)},
			"no key":      {Text: secret.New(strings.TrimLeft(c.secret, "!"))},
			"delivered":   {Name: "conductor", Delivered: map[string]secret.Text{"k": secret.New(c.secret)}},
		} {
			if kind == "no key" && c.name == "punctuation at its ends" {
				continue
			}
			if got := ref.Secrets().In(c.text); got != c.want {
				t.Errorf("%s, %s: exposes %t", c.name, kind, got)
			}
		}
	}
}

// A JWK Set may have thousands of short secrets, and a claim as many words.
func TestEachOfThousandsOfShortSecretsIsFound(t *testing.T) {
	var set strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&set, `{"k":"%s"},`, b64(fmt.Appendf(nil, "pw%06d", i)))
	}
	secrets := keys.Ref{Text: secret.New(`{"keys":[` + set.String() + `{}]}`)}.Secrets()
	text := strings.Repeat("pw00000 ", 4000)
	if secrets.In(text) {
		t.Error("a text with none of them exposes one")
	}
	for _, word := range []string{"pw000000", "pw002999", b64([]byte("pw001500"))} {
		if !secrets.In(text + word) {
			t.Errorf("%s is not found", word)
		}
	}
}

// Proof-of-possession claims (RFC 7800 §3.2) hold the public key, and PKCS#1
// and SEC 1 have it in the same base64 digits.
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
					if ref.Secrets().In(text) {
						t.Errorf("the public half counts as exposed (%d characters)", len(text))
					}
				}
			}
			all := base64.StdEncoding.EncodeToString(c.private)
			exposed := 0
			for i := 0; i+24 <= len(all); i++ {
				if ref.Secrets().In(all[i : i+24]) {
					exposed++
				}
			}
			if private := len(all) - base64.StdEncoding.EncodedLen(len(c.public)) - 60; exposed < private {
				t.Errorf("%d of %d runs count as exposed", exposed, len(all))
			}
		})
	}
}

// private returns the DER of a key file.
func private(tb testing.TB, text string) []byte {
	tb.Helper()
	b, _ := pem.Decode([]byte(text))
	return b.Bytes
}

func mustRSA(tb testing.TB, text string) *rsa.PrivateKey {
	tb.Helper()
	k, ok := must(x509.ParsePKCS8PrivateKey(private(tb, text))).(*rsa.PrivateKey)
	if !ok {
		tb.Fatal("no rsa key")
	}
	return k
}

// Workflows may pass the public part of a key along.
func TestPublicPartsOfAKeyAreNotExposed(t *testing.T) {
	account := object{
		"type": "service_account", "project_id": "a-project-of-many-characters", "private_key_id": "0123456789abcdef0123456789abcdef01234567",
		"private_key": pemFile(t, "rsa.pkcs8.pem"), "client_email": "robot@a-project-of-many-characters.iam.gserviceaccount.com",
		"client_id": "123456789012345678901234567890", "token_uri": "https://oauth2.googleapis.com/token",
		"client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/robot%40a-project.iam.gserviceaccount.com",
	}
	whole := account.text(t)
	broken := strings.TrimSuffix(whole, "}") + ",}"
	for name, text := range map[string]string{"a service account": whole, "one that is no json": broken} {
		ref := keys.Ref{Text: secret.New(text)}
		for member := range account {
			if member != "private_key" && ref.Secrets().In("x "+account.member(member)) {
				t.Errorf("%s: %s counts as exposed", name, member)
			}
		}
		if !ref.Secrets().In(strings.Split(account.member("private_key"), "\n")[7]) {
			t.Errorf("%s: its key does not", name)
		}
	}
	jwk := ecJWK(elliptic.P256(), "P-256").with("kid", "a-key-id-that-has-more-than-24-characters")
	twice := strings.TrimSuffix(jwk.text(t), "}") + `,"use":"sig","use":"sig"}`
	for name, text := range map[string]string{"a JWK": jwk.text(t), "one with a member twice": twice} {
		ref := keys.Ref{Text: secret.New(text)}
		for _, member := range []string{"kid", "x", "y"} {
			if ref.Secrets().In(jwk.member(member)) {
				t.Errorf("%s: %s counts as exposed", name, member)
			}
		}
		if !ref.Secrets().In(jwk.member("d")) {
			t.Errorf("%s: d does not", name)
		}
	}
}

// Keys of a type begin alike, and some forms have their own public half.
func TestAnotherKeysPublicHalfIsNotExposed(t *testing.T) {
	entries := must(os.ReadDir(filepath.Join("testdata", "keys")))
	var public []string
	for _, e := range entries {
		if strings.Contains(e.Name(), ".public") || strings.HasSuffix(e.Name(), ".crt") {
			public = append(public, e.Name())
		}
	}
	tried := 0
	for _, e := range entries {
		if strings.Contains(e.Name(), ".public") || !strings.HasSuffix(e.Name(), ".pem") {
			continue
		}
		ref := keys.Ref{Text: secret.New(pemFile(t, e.Name())), Password: secret.New("password")}
		if _, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), ref); err != nil {
			continue // no token will come of it
		}
		s := ref.Secrets()
		for _, name := range public {
			if s.In(pemFile(t, name)) {
				t.Errorf("%s counts as exposed by %s", e.Name(), name)
			}
		}
		if body := strings.Split(pemFile(t, e.Name()), "\n"); !s.In(strings.Join(body[1:len(body)/2+1], "")) {
			t.Errorf("half of %s does not", e.Name())
		}
		tried++
	}
	if tried < 48 || len(public) < 12 {
		t.Errorf("tried %d keys with %d public files", tried, len(public))
	}
	for name, ref := range map[string]keys.Ref{
		"ed25519": {Text: secret.New(pemFile(t, "ssh-ed25519-256.pem"))},
		"rsa":     {Text: secret.New(pemFile(t, "ssh-rsa-2048.pem"))},
		"ecdsa":   {Text: secret.New(pemFile(t, "ssh-ecdsa-521.pem"))},
		"locked":  {Text: secret.New(pemFile(t, "ssh-ecdsa-256.encrypted.pem"))},
	} {
		v := must(keys.ReadVerifier(t.Context(), keys.Ref{Text: ref.Text, Password: secret.New("password")}))
		line := ssh.MarshalAuthorizedKey(must(ssh.NewPublicKey(v.Public())))
		if ref.Secrets().In(string(line)) {
			t.Errorf("the public line of an openssh key (%s) counts as exposed", name)
		}
	}
}

func TestLongTextsAreSearchedInTime(t *testing.T) {
	var alike strings.Builder
	for i := 0; alike.Len() < 64<<10; i++ {
		fmt.Fprintf(&alike, "%016d", i/8)
	}
	for _, key := range []string{strings.Repeat("A", 64<<10), alike.String(), pemFile(t, "rsa.pkcs8.pem")} {
		s := keys.Ref{Text: secret.New(key)}.Secrets()
		for _, text := range []string{
			strings.Repeat(strings.Repeat("A", 23)+"B", 1400), strings.Repeat("0000000000000001x", 2000),
			strings.Repeat(`{"kty":"`, 4000), strings.Repeat(`"kty":"}`, 4000), strings.Repeat(`{"kty":"}`, 3500), strings.Repeat("{", 32<<10),
			strings.Repeat("-----BEGIN", 3300), strings.Repeat(`\`, 32<<10), strings.Repeat("%", 32<<10), strings.Repeat("%2d", 10<<10),
		} {
			start := time.Now()
			s.In(text)
			// A search of quadratic time takes minutes.
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("%.12q… took %s", text, took)
			}
		}
	}
}

func TestARepetitiveSecretIsFound(t *testing.T) {
	for name, words := range map[string]string{
		"one letter":            strings.Repeat("A", 400),
		"one word":              strings.Repeat("hunter2-", 60),
		"one word, and an end":  strings.Repeat("hunter2-hunter3-", 40) + "the very end of the secret",
		"a beginning, and more": "the very beginning of it " + strings.Repeat("hunter2-hunter3-", 40),
	} {
		ref := keys.Ref{Text: secret.New(words), Encoding: keys.EncodingRaw}
		for from := 0; from+24 <= len(words); from += 7 {
			run := words[from : from+24]
			if !ref.Secrets().In("say: " + run + "!") {
				t.Errorf("%s: 24 characters from %d are not found", name, from)
			}
			if !ref.Secrets().In(run) {
				t.Errorf("%s: 24 characters from %d are not found alone", name, from)
			}
		}
		if !ref.Secrets().In(base64.StdEncoding.EncodeToString([]byte("x" + words))) {
			t.Errorf("%s: not found in base64", name)
		}
		if ref.Secrets().In("nothing of the kind, only a text as any other") {
			t.Errorf("%s: found where it is not", name)
		}
	}
}

// A secret of 24 characters has one run.
func TestASecretOfExactly24CharactersIsFound(t *testing.T) {
	const words = "correct-horse-battery-st"
	if len(words) != 24 {
		t.Fatal(len(words))
	}
	for name, ref := range map[string]keys.Ref{
		"a raw secret": {Text: secret.New(words), Encoding: keys.EncodingRaw},
		"a password":   {Text: secret.New(pemFile(t, "rsa.pbes2.pem")), Password: secret.New(words)},
	} {
		for _, text := range []string{words, "x" + words, words + "x", "so: " + words + ", and more"} {
			if !ref.Secrets().In(text) {
				t.Errorf("%s: not found in %d characters", name, len(text))
			}
		}
		for _, text := range []string{words[:23] + "X", "X" + words[1:]} {
			if ref.Secrets().In("so: " + text) {
				t.Errorf("%s: found in a text that differs", name)
			}
		}
	}
}

// A part of a JWK is found wherever it is cut.
func TestAPieceOfAJWKIsFound(t *testing.T) {
	none := keys.Ref{Text: secret.New(ecJWK(elliptic.P256(), "P-256").text(t))}
	for text, want := range map[string]bool{
		`{"kty":"EC","a":{"b":1},"d":"AA"}`:         true,
		`"kty":"EC","a":{"b":1},"d":"AA"`:           true,
		`"kty":"EC","a":{},"b":{},"d":"AA"`:         true,
		`"kty":"EC","a":{"b":{"c":{}}},"d":"AA"}`:   true,
		`"kty":"EC"},{"d":"AA"`:                     false,
		`}"kty":"EC","d":"AA"`:                      true,
		`}}}"d":"AA","kty":"oct"`:                   true,
		`"kty":"EC","a":{"d":"AA"}`:                 false,
		`{"a":{"kty":"EC"},"d":"AA"}`:               false,
		`"kty":"EC","d":7`:                          false,
		`"kty":"oct","k":"AA"`:                      true,
		`"kty":"AKP","priv":"AA"`:                   true,
		`"kty":"AKP","priva":"AA"`:                  false,
		`"kty":"RSA","n":"AA","e":"AQAB"`:           false,
		`"kty":"RSA","p":"AA"`:                      true,
		`"kty":"RSA","dp":"AA"`:                     true,
		`"kty":"RSA","qi":"AA"`:                     true,
		`-----BEGIN PRIVATE`:                        false,
		`-----BEGIN RSA PRIVATE KEY`:                true,
		`-----BEGIN CERTIFICATE-----`:               false,
		`-----BEGIN X----------BEGIN PRIVATE KEY--`: true,
	} {
		if got := none.Secrets().In(text); got != want {
			t.Errorf("%s: exposes %t", text, got)
		}
	}
}

// Keys for another use beside the signing key are ignored.
func TestAJWKSWithAKeyForEncryption(t *testing.T) {
	sign := ecJWK(elliptic.P256(), "P-256").with("kid", "s")
	encrypt := rsaJWK(sharedRSA()).with("kid", "e").with("alg", "RSA-OAEP")
	for _, set := range [][]any{{sign, encrypt}, {encrypt, sign}} {
		if k := mustResolve(t, object{"keys": set}.text(t)); k.ID() != "s" {
			t.Errorf("chose %q", k.ID())
		}
	}
	_, err := resolve(t.Context(), object{"keys": []any{encrypt}}.text(t))
	wantReason(t, err, keys.ErrAlgorithmMismatch)
}

func TestTheLengthOfAnX5C(t *testing.T) {
	k := mustResolve(t, pemFile(t, "p256.pkcs8.pem"))
	open := strings.TrimSuffix(string(must(keys.PrivateJWK(k, keys.JWKMeta{})).Reveal()), "}")
	for n, want := range map[int]error{0: nil, 1: nil, decode.MaxChain: nil, decode.MaxChain + 1: keys.ErrUnreadable} {
		list := strings.TrimSuffix(strings.Repeat(`"`+certificateFile(t)+`",`, n), ",")
		got, err := resolve(t.Context(), open+`,"x5c":[`+list+`]}`)
		if want != nil {
			wantReason(t, err, want)
			continue
		}
		if c, ok := got.(keys.Chained); err != nil || !ok || len(c.Chain()) != n {
			t.Errorf("%d certificates: %v", n, err)
		}
	}
}
