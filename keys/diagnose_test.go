package keys_test

import (
	"crypto/elliptic"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// TestACommonMistakeIsNamed gives other things in place of a key and checks
// what the error says was found and what to do.
func TestACommonMistakeIsNamed(t *testing.T) {
	p256, jwk := pemFile(t, "p256.pkcs8.pem"), ecJWK(elliptic.P256(), "P-256")
	in64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	quoted := func(text string) string { return string(must(json.Marshal(text))) }
	account := object{"type": "service_account", "private_key_id": "k1", "private_key": p256}.text(t)
	before := func(mark string) string { text, _, _ := strings.Cut(p256, mark); return text }
	after := func(mark string) string { _, text, _ := strings.Cut(p256, mark); return text }
	for _, c := range []struct{ mistake, text, found, hint string }{
		{"a public key", pemFile(t, "p256.public.pem"), "a public key", "private key that belongs to it"},
		{"an SSH public key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKj7 me@host", "a public key", "private key that belongs to it"},
		{"a public JWK", jwk.without("d").text(t), "a public JWK", "with d"},
		{"a certificate", pemFile(t, "p256.crt"), "a certificate", "private key that belongs to it"},
		{"a certificate request", pemFile(t, "p256.csr"), "a certificate request", "private key"},
		{"a putty key", "PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\n", "PuTTY", "puttygen key.ppk -O private-openssh-new"},
		{"pkcs#12 in base64", in64(pemFile(t, "p256.p12")), "PKCS#12", "conductor-jwt key convert key.p12"},
		{"a Java key store in base64", in64("\xfe\xed\xfe\xed\x00\x00\x00\x02" + strings.Repeat("\x00", 99)), "Java key store", "keytool -importkeystore"},
		{"an xml key", "<RSAKeyValue><Modulus>AA==</Modulus></RSAKeyValue>", "XML", "ExportPkcs8PrivateKeyPem"},
		{"an encrypted key", pemFile(t, "rsa.pbes2.pem"), "encrypted PKCS#8 key", "set " + fault.Password},
		{"an encrypted key of old", pemFile(t, "rsa.legacy-aes256.pem"), "encrypted PEM key", "set " + fault.Password},
		{"an encrypted OpenSSH key", pemFile(t, "ssh-rsa-2048.encrypted.pem"), "encrypted OpenSSH key", "ssh-keygen -p"},
		{"an encrypted JWK", pemFile(t, "p256.jwe.json"), "encrypted JWK", "conductor-jwt key convert"},
		{"a weak key", pemFile(t, "rsa-1024.pkcs8.pem"), "1024 bits", "openssl genpkey"},
		{"a key of three primes", pemFile(t, "rsa-3-primes.pkcs8.pem"), "more than two primes", "openssl genpkey"},
		{"a key for key agreement", pemFile(t, "x25519.pkcs8.pem"), "X25519", "conductor-jwt key generate"},
		{"a curve of another standard", pemFile(t, "brainpool.pkcs8.pem"), "brainpoolP256r1", "openssl genpkey"},
		{"two keys", p256 + pemFile(t, "rsa.pkcs8.pem"), "more than one private key", fault.KeyID},

		{"a path", "/etc/keys/key.pem", "path", "content of the file"},
		{"a path in the home folder", "~/.ssh/id_rsa", "path", "content of the file"},
		{"a path of windows", `C:\keys\key.pem`, "path", "content of the file"},
		{"the name of a file", "key.pem", "path", "content of the file"},
		{"a path of 60 letters", "/" + strings.Repeat("k", 59), "path", "content of the file"},
		{"a path of 512 letters", "/k.y/" + strings.Repeat("k", 507), "path", "content of the file"},
		{"a text too long for a path", "/k.y/" + strings.Repeat("k", 508), "no key in any known form", "PEM or JWK form"},
		{"base64 that begins with a slash", "/" + strings.Repeat("k", 63), "no key in any known form", "PEM or JWK form"},
		{"a file under a variable", "$HOME/keys/key.pem", "path", "content of the file"},
		{"the address of a key", "awskms:///alias/x", "store", "give the key itself"},
		{"a web address", "https://example.com/keys/1", "web address", "give the key itself"},
		{"a secret's expression", "${workflow.input.signing_key}", "an expression", "workflow.secrets.NAME"},
		{"a variable", "$PRIVATE_KEY", "an expression", "check the name"},
		{"an expression of another language", "{{ .Values.key }}", "an expression", "check the name"},
		{"a mask", "********", "a mask", "the key itself"},
		{"a mask in words", "[REDACTED]", "a mask", "the key itself"},
		{"a word for nothing", "undefined", "no value", "expression"},
		{"an ansible vault", "$ANSIBLE_VAULT;1.1;AES256\n3236\n", "ansible-vault", "decrypt"},
		{"a printed key", "Private-Key: (256 bit)\npriv:\n    00:11\n", "as openssl prints them", "openssl pkey"},
		{"a key in utf-16", "\xff\xfe" + strings.Join(strings.Split(p256, ""), "\x00") + "\x00", "UTF-16", "UTF-8"},
		{"a token", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA", "a token", "private key"},

		{"the beginning alone", "-----BEGIN", "begin line", "whole key"},
		{"the begin line alone", "-----BEGIN PRIVATE KEY-----", "without its end line", "whole key"},
		{"dots for the key", "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----", "not base64", "copy the whole key"},
		{"four dashes", strings.ReplaceAll(p256, "-----", "----"), "damaged", "five dashes"},
		{"lower case", strings.ToLower(p256), "damaged", "upper case"},
		{"encoded for an address", url.QueryEscape(p256), "web address", "decode"},
		{"spaces encoded for an address", strings.ReplaceAll(p256, " PRIVATE", "+PRIVATE"), "web address", "decode"},
		{"pem in base64", in64(p256), "base64-encoded again", "base64 -d"},
		{"a jwk in base64", in64(jwk.text(t)), "base64-encoded", "base64 -d"},
		{"a jwk in quotes", quoted(jwk.text(t)), "inside of quotes", "the object itself"},
		{"a JWK with escaped quotes", strings.Trim(quoted(jwk.text(t)), `"`), "backslashes", "before it was escaped"},
		{"a JWK with single quotes", strings.ReplaceAll(jwk.text(t), `"`, "'"), "single quotes", "double quotes"},
		{"an array of jwks", "[" + jwk.text(t) + "]", "array", "keys"},
		{"a JWK with a null for what it needs", jwk.with("x", nil).text(t), "without its member x", "whole key"},
		{"a JWK with a list for a text", jwk.with("kid", []int{1}).text(t), "kid is an array", "leave it out"},
		{"a number with the zero byte of its sign", jwk.with("d", b64(append([]byte{0}, unb64(jwk.member("d"))...))).text(t), "33 bytes, not 32: it is too long", "zero byte"},
		{"a number in hexadecimal digits", jwk.with("d", hex.EncodeToString(unb64(jwk.member("d")))).text(t), "48 bytes, not 32: it is too long", "export the whole key"},
		{"an empty key_ops", jwk.with("key_ops", []string{}).text(t), "whose key_ops is empty", "leave key_ops out"},
		{"a number that lost its leading zero", jwk.with("x", b64(unb64(jwk.member("x"))[1:])).text(t), "31 bytes, not 32: it is too short", "leading zeros"},
		{"a jwk whose alg is another curve's", jwk.with("alg", "ES384").text(t), "whose alg does not fit", "correct its alg to ES256"},
		{"an object around the key", object{"privateKey": p256}.text(t), "PEM text in one of its members", "that text alone"},
		{"a service account behind a name", "export SA='" + account + "'", "other text around it", "JSON object alone"},
		{"a service account in a list", "[" + account + "]", "JSON array", "one object"},
		{"a service account in a list of yaml", "- " + account, "other text around it", "JSON object alone"},
		{"a service account as a json string", quoted(account), "inside of quotes", "the object itself"},
		{"the same once more", quoted(quoted(account)), "inside of quotes", "the object itself"},
		{"a service account as a json string, in base64", in64(quoted(account)), "a JSON key that is base64-encoded", "base64 -d"},
		{"a service account as for an address", url.QueryEscape(account), "web address", "decode"},
		{"a service account between single quotes", "'" + account + "'", "inside of quotes", "the object itself"},
		{"a service account in yaml", "type: service_account\nprivate_key_id: k1\nprivate_key: |\n" + p256, "other text around it", "JSON object alone"},
		{"a service account in another object", object{"key": json.RawMessage(account)}.text(t), "a key in one of its members", "that member's object"},
		{"a service account in base64 behind a name", "KEY=" + in64(account), "a JSON key that is base64-encoded", "base64 -d"},
		{"the same in a data url", "data:application/json;base64," + in64(account), "a JSON key that is base64-encoded", "base64 -d"},
		{"a web address behind two names", "export A=B=https://example.com/1", "web address", "give the key itself"},
		{"a web address behind a thousand names", strings.Repeat("A=", 1000) + "https://example.com/1", "no key in any known form", "PEM or JWK"},
		{"pem in base64 behind a name", "export KEY='" + in64(p256) + "'", "PEM text that is base64-encoded", "base64 -d"},
		{"a variable behind a name", "KEY=${SECRET}", "an expression", "check the name"},
		{"a service account in base64", in64(account), "a JSON key that is base64-encoded", "base64 -d"},
		{"an object with a key, in quotes", quoted(object{"privateKey": p256}.text(t)), "inside of quotes", "the object itself"},
		{"a jwk behind a name", "JWK=" + jwk.text(t), "other text around it", "JSON object alone"},
		{"a jwk in a list of yaml", "- " + jwk.text(t), "other text around it", "JSON object alone"},
		{"box's configuration", object{"boxAppSettings": object{"appAuth": object{"privateKey": p256}}}.text(t), "a Box app", "publicKeyID as " + fault.KeyID},
		{"google's certificates", object{"k1": pemFile(t, "p256.crt"), "k2": pemFile(t, "p256.crt")}.text(t), "under their ids", "private key"},

		{"an end line alone", after("-----BEGIN PRIVATE KEY-----"), "an end line without its begin line", "whole key"},
		{"a begin line that lost a dash", strings.TrimPrefix(p256, "-"), "a begin line that does not begin with five dashes", "whole key"},
		{"a damaged begin line", strings.Replace(p256, "BEGIN", "BEG1N", 1), "an end line without its begin line", "whole key"},
		{"no end line", before("-----END PRIVATE KEY-----"), "a begin line without its end line", "whole key"},
		{"two begin lines", "-----BEGIN PRIVATE KEY-----\n" + p256, "two begin lines", "whole key"},
		{"lines of two kinds", strings.Replace(p256, "END PRIVATE", "END RSA PRIVATE", 1), "of different kinds", "whole key"},
		{"line ends as for an address", strings.ReplaceAll(p256, "\n", "%0A"), "web address", "decode"},
		{"line ends and blanks as for an address", strings.NewReplacer("\n", "%0D%0A", " ", "%20").Replace(p256), "web address", "decode"},
		{"dashes as for an address", strings.ReplaceAll(url.QueryEscape(p256), "-", "%2D"), "web address", "decode"},
		{"a jwk as for an address", url.QueryEscape(jwk.text(t)), "web address", "decode"},
		{"a jwk in utf-16", "\xff\xfe" + strings.Join(strings.Split(jwk.text(t), ""), "\x00") + "\x00", "UTF-16", "UTF-8"},
		{"a key in utf-16 with the high byte first", "\xfe\xff\x00" + strings.Join(strings.Split(p256, ""), "\x00"), "UTF-16", "UTF-8"},
		{"a Java key store", "\xfe\xed\xfe\xed\x00\x00\x00\x02" + strings.Repeat("\x00", 99), "Java key store", "keytool -importkeystore"},
		{"a java cryptography extension key store", in64("\xce\xce\xce\xce\x00\x00\x00\x02" + strings.Repeat("\x00", 99)), "Java key store", "keytool -importkeystore"},
		{"credentials of a user", `{"type":"authorized_user","refresh_token":"x"}`, "no service account's", "service_account"},
	} {
		t.Run(c.mistake, func(t *testing.T) {
			_, err := resolve(t.Context(), c.text)
			wantMessage(t, err, c.found, c.hint)
			wantNothingQuoted(t, err, c.text)
		})
	}
}

// wantMessage checks the two parts of an error's message.
func wantMessage(tb testing.TB, err error, found, hint string) {
	tb.Helper()
	refusal := refusalOf(tb, err)
	if !strings.Contains(refusal.Found, found) {
		tb.Errorf("found %q, which does not speak of %q", refusal.Found, found)
	}
	if !strings.Contains(refusal.Hint, hint) {
		tb.Errorf("the hint %q does not say %q", refusal.Hint, hint)
	}
	const mostRoom = 400 // of the 500 characters of a reason
	if n := len(refusal.Error()); n > mostRoom {
		tb.Errorf("a message of %d characters", n)
	}
}

// TestDamagedLineEndsAreRepaired reads keys with mistakes that a repair undoes.
func TestDamagedLineEndsAreRepaired(t *testing.T) {
	p256 := pemFile(t, "p256.pkcs8.pem")
	want := must(keys.Thumbprint(mustResolve(t, p256)))
	once := string(must(json.Marshal(p256)))
	for mistake, text := range map[string]string{
		"escaped":                     strings.ReplaceAll(p256, "\n", `\n`),
		"escaped twice":               strings.ReplaceAll(p256, "\n", `\\n`),
		"as a json string":            once,
		"as a json string, once more": string(must(json.Marshal(once))),
		"an environment file's value": `'` + strings.ReplaceAll(p256, "\n", `\n`) + `'`,
		"beside its public key":       p256 + pemFile(t, "p256.public.pem"),
		"beside its certificate":      pemFile(t, "p256.crt") + p256,
		"without its armour":          strings.Join(strings.Split(p256, "\n")[1:4], "\n"),
		"in an array of one":          `["` + strings.ReplaceAll(p256, "\n", `\n`) + `"]`,
		"behind a name":               `KEY="` + strings.ReplaceAll(p256, "\n", `\n`) + `"`,
		"as a block of yaml":          "key: |\n  " + strings.ReplaceAll(p256, "\n", "\n  "),
		"as a value of yaml":          `key.pem: "` + strings.ReplaceAll(p256, "\n", `\n`) + `"`,
		"below a bag's attributes":    "Bag Attributes\n    friendlyName: {x}\nKey Attributes: <No Attributes>\n" + p256,
	} {
		k, err := resolve(t.Context(), text)
		if err != nil {
			t.Errorf("%s: %v", mistake, err)
			continue
		}
		if must(keys.Thumbprint(k)) != want {
			t.Errorf("%s: another key", mistake)
		}
	}
}

// The hint must not suggest an algorithm that the JWK itself excludes.
func TestAnAlgorithmThatItsJWKRulesOutSaysSo(t *testing.T) {
	bound := rsaJWK(sharedRSA()).with("alg", "PS256").text(t)
	wantMessage(t, keys.Check(mustResolve(t, bound), keys.RS256), "not the JWK's own alg", "set "+fault.Algorithm+" to PS256")
	v := must(keys.ReadVerifier(t.Context(), keys.Ref{Text: secret.New(bound)}))
	wantMessage(t, v.Verify(keys.RS256, nil, nil), "not the JWK's own alg", "set "+fault.Algorithm+" to PS256")
	wantMessage(t, keys.Check(mustResolve(t, rsaJWK(sharedRSA()).text(t)), keys.ES256), "does not fit an RSA key", "set "+fault.Algorithm+" to RS256")
}
