package decode

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
)

const testPassword = "password"

func keyFile(tb testing.TB, name string) string {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "keys", name))
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

// readKey reads text as a task would, with the test password. What is read is
// found in a token.
func readKey(tb testing.TB, text, password string) (any, Key, error) {
	tb.Helper()
	k, err := readText(tb.Context(), text, secret.New(password))
	if err == nil && password == "" && Check(k.Private) == nil {
		wantFound(tb, text, k.Private)
	}
	return k.Private, k, err
}

// publicOf returns the public half of a private key; nil where its numbers do
// not belong together.
func publicOf(private any) crypto.PublicKey {
	if Check(private) != nil {
		return nil
	}
	switch p := private.(type) {
	case RSAPSS:
		return p.Key.Public()
	case *secp256k1.PrivateKey:
		return p.PubKey()
	case interface{ Public() crypto.PublicKey }:
		return p.Public()
	}
	return nil
}

// sameKey compares a private key with a public one.
func sameKey(tb testing.TB, got any, want crypto.PublicKey) {
	tb.Helper()
	if public := publicOf(got); !equalKeys(public, want) {
		tb.Errorf("read another key: %T", public)
	}
}

// publicFile reads the public half with the standard library.
func publicFile(tb testing.TB, name string) crypto.PublicKey {
	tb.Helper()
	b, _ := pem.Decode([]byte(keyFile(tb, name)))
	public, err := x509.ParsePKIXPublicKey(b.Bytes)
	if err != nil {
		tb.Fatal(err)
	}
	return public
}

func TestEveryPlainFormGivesTheKey(t *testing.T) {
	for _, c := range []struct{ file, public string }{
		{"rsa.pkcs8.pem", "rsa.public.pem"},
		{"rsa.pkcs1.pem", "rsa.public.pem"},
		{"p256.pkcs8.pem", "p256.public.pem"},
		{"p256.sec1.pem", "p256.public.pem"},
		{"p256.params-sec1.pem", "p256.public.pem"},
		{"p256.sec1-compressed.pem", "p256.public.pem"},
		{"p256.sec1-nopublic.pem", "p256.public.pem"},
		{"p384.pkcs8.pem", "p384.public.pem"},
		{"p384.params-sec1.pem", "p384.public.pem"},
		{"p521.pkcs8.pem", "p521.public.pem"},
		{"p521.sec1.pem", "p521.public.pem"},
		{"ed25519.pkcs8.pem", "ed25519.public.pem"},
	} {
		t.Run(c.file, func(t *testing.T) {
			got, _, err := readKey(t, keyFile(t, c.file), "")
			if err != nil {
				t.Fatal(err)
			}
			sameKey(t, got, publicFile(t, c.public))
		})
	}
}

func repairs() map[string]func(string) string {
	replace := func(old, new string) func(string) string {
		return func(s string) string { return strings.ReplaceAll(s, old, new) }
	}
	quote := func(s string) string {
		q, err := json.Marshal(s)
		if err != nil {
			panic(err) // strings never fail
		}
		return string(q)
	}
	return map[string]func(string) string{
		"as it is":                        func(s string) string { return s },
		"newlines lost":                   replace("\n", ""),
		"newlines turned into spaces":     replace("\n", " "),
		"newlines turned into two":        replace("\n", "\n\n"),
		"literal \\n":                     replace("\n", `\n`),
		"literal \\r\\n":                  replace("\n", `\r\n`),
		"literal \\n and newlines":        replace("\n", "\\n\n"),
		"escaped twice":                   replace("\n", `\\n`),
		"escaped three times":             replace("\n", `\\\\\\n`),
		"crlf":                            replace("\n", "\r\n"),
		"lone cr":                         replace("\n", "\r"),
		"byte order mark":                 func(s string) string { return "\ufeff" + s },
		"double quotes":                   func(s string) string { return `"` + s + `"` },
		"single quotes":                   func(s string) string { return "'" + strings.TrimSpace(s) + "'" },
		"JSON string":                     quote,
		"json string in a json string":    func(s string) string { return quote(quote(s)) },
		"json with escaped slashes":       func(s string) string { return strings.ReplaceAll(quote(s), "/", `\/`) },
		"json with escaped equal signs":   func(s string) string { return strings.ReplaceAll(quote(s), "=", `\u003d`) },
		"indentation":                     func(s string) string { return "    " + strings.ReplaceAll(s, "\n", "\n    ") },
		"tabs":                            func(s string) string { return "\t" + strings.ReplaceAll(s, "\n", "\n\t") },
		"trailing spaces":                 replace("\n", "  \n"),
		"no final newline":                func(s string) string { return strings.TrimSuffix(s, "\n") },
		"text around":                     func(s string) string { return "Bag Attributes\n    friendlyName: x\n" + s + "\nregards\n" },
		"soft hyphens":                    replace("\n", "\u00ad\n"),
		"word joiners":                    replace("\n", "\u2060\n\u200d"),
		"no-break spaces":                 replace("\n", "\u00a0\n\u00a0"),
		"shell continuation":              replace("\n", "\\\n"),
		"all white space lost":            func(s string) string { return strings.NewReplacer("\n", "", " ", "").Replace(s) },
		"words wrapped":                   replace(" PRIVATE ", "\n PRIVATE "),
		"padding lost":                    func(s string) string { return strings.ReplaceAll(s, "=", "") },
		"quotes, spaces and crlf at once": func(s string) string { return "\ufeff'" + strings.ReplaceAll(s, "\n", " \r\n\t") + "' " },
	}
}

func TestEveryRepairOfEveryFormGivesTheKey(t *testing.T) {
	for _, c := range []struct{ file, public string }{
		{"rsa.pkcs8.pem", "rsa.public.pem"},
		{"rsa.pkcs1.pem", "rsa.public.pem"},
		{"p256.sec1.pem", "p256.public.pem"},
		{"p384.params-sec1.pem", "p384.public.pem"},
		{"ed25519.pkcs8.pem", "ed25519.public.pem"},
		{"rsa.legacy-aes256.pem", "rsa.public.pem"},
		{"rsa.legacy-des3.pem", "rsa.public.pem"},
		{"rsa.pbes2.pem", "rsa.public.pem"},
		{"p256.legacy-aes256.pem", "p256.public.pem"},
	} {
		for name, damage := range repairs() {
			t.Run(c.file+"/"+name, func(t *testing.T) {
				got, _, err := readKey(t, damage(keyFile(t, c.file)), testPassword)
				if err != nil {
					t.Fatal(err)
				}
				sameKey(t, got, publicFile(t, c.public))
			})
		}
	}
}

func TestDERWithoutArmour(t *testing.T) {
	for _, file := range []string{"p256.sec1.pem", "p256.pkcs8.pem"} {
		b, _ := pem.Decode([]byte(keyFile(t, file)))
		text := base64.StdEncoding.EncodeToString(b.Bytes)
		for name, written := range map[string]string{
			"on one line": text,
			"wrapped":     text[:64] + "\r\n" + text[64:128] + "\n" + text[128:] + "\n",
			"quoted":      `"` + text + `"`,
			"base64url":   base64.RawURLEncoding.EncodeToString(b.Bytes),
			"escaped":     text[:64] + `\n` + text[64:],
		} {
			got, _, err := readKey(t, written, "")
			if err != nil {
				t.Fatalf("%s, %s: %v", file, name, err)
			}
			sameKey(t, got, publicFile(t, "p256.public.pem"))
		}
	}
}

func TestRefusals(t *testing.T) {
	p256, rsa := keyFile(t, "p256.pkcs8.pem"), keyFile(t, "rsa.pkcs8.pem")
	for _, c := range []struct {
		what, text string
		reason     error
	}{
		{"nothing", "", ErrMissing},
		{"white space", " \n", ErrUnreadable},
		{"a public key", keyFile(t, "rsa.public.pem"), ErrPublic},
		{"a pkcs#1 public key", keyFile(t, "rsa.public-pkcs1.pem"), ErrPublic},
		{"a public key under a private label", strings.ReplaceAll(keyFile(t, "rsa.public.pem"), "PUBLIC", "PRIVATE"), ErrPublic},
		{"an SSH public key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKj7", ErrPublic},
		{"a certificate", keyFile(t, "p256.crt"), ErrCertificate},
		{"a certificate request", keyFile(t, "p256.csr"), ErrCertificate},
		{"a PKCS#12 file in base64", base64.StdEncoding.EncodeToString([]byte(keyFile(t, "p256.p12"))), ErrUnsupported},
		{"two keys", p256 + rsa, ErrAmbiguous},
		{"one key twice", p256 + p256, ErrAmbiguous},
		{"an encrypted PKCS#8 key", keyFile(t, "rsa.pbes2.pem"), ErrEncrypted},
		{"an encrypted PEM key", keyFile(t, "rsa.legacy-aes128.pem"), ErrEncrypted},
		{"1024 bits", keyFile(t, "rsa-1024.pkcs8.pem"), ErrWeak},
		{"2047 bits", keyFile(t, "rsa-2047.pkcs8.pem"), ErrWeak},
		{"three primes", keyFile(t, "rsa-3-primes.pkcs8.pem"), ErrUnsupported},
		{"P-224", keyFile(t, "p224.pkcs8.pem"), ErrUnsupported},
		{"P-224 in sec1", keyFile(t, "p224.params-sec1.pem"), ErrUnsupported},
		{"brainpool", keyFile(t, "brainpool.sec1.pem"), ErrUnsupported},
		{"an explicit curve", keyFile(t, "p256.sec1-explicit.pem"), ErrUnsupported},
		{"x25519", keyFile(t, "x25519.pkcs8.pem"), ErrUnsupported},
		{"x448", keyFile(t, "x448.pkcs8.pem"), ErrUnsupported},
		{"ed448", keyFile(t, "ed448.pkcs8.pem"), ErrUnsupported},
		{"dsa", keyFile(t, "dsa.pem"), ErrUnsupported},
		{"dsa in pkcs#8", keyFile(t, "dsa.pkcs8.pem"), ErrUnsupported},
		{"pgp", "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: x\n\nlQOY\n=AbCd\n-----END PGP PRIVATE KEY BLOCK-----\n", ErrUnsupported},
		{"putty", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", ErrUnsupported},
		{"ssh.com", "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56wAA\n---- END SSH2 ENCRYPTED PRIVATE KEY ----\n", ErrUnsupported},
		{"a foreign label", strings.ReplaceAll(p256, " PRIVATE", " FOO PRIVATE"), ErrUnsupported},
		{"a JWE", "eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1cifQ.AAAA.AAAA.AAAA.AAAA", ErrUnsupported},
		{"a token", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA", ErrUnreadable},
		{"parameters alone", "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n", ErrUnreadable},
		{"a key cut in the middle", p256[:150], ErrUnreadable},
		{"a key without its begin line", p256[28:], ErrUnreadable},
		{"a key without its last line", strings.Replace(rsa, lines(rsa)[26]+"\n", "", 1), ErrUnreadable},
		{"a key with a character too many", strings.Replace(p256, "\nMIG", "\nAMIG", 1), ErrUnreadable},
		{"labels that differ", strings.Replace(p256, "END PRIVATE", "END RSA PRIVATE", 1), ErrUnreadable},
		{"dashes made long by a word processor", strings.ReplaceAll(p256, "-----", "\u2014\u2014-"), ErrUnreadable},
		{"characters that are not base64", strings.Replace(p256, "MIG", "M*G", 1), ErrUnreadable},
		{"an empty block", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", ErrUnreadable},
		{"an url-encoded key", url.QueryEscape(p256), ErrUnreadable},
		{"a word", "hunter2", ErrUnreadable},
		{"a path", "/etc/keys/key.pem", ErrUnreadable},
		{"pem in base64", base64.StdEncoding.EncodeToString([]byte(p256)), ErrUnreadable},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, _, err := readKey(t, c.text, "")
			wantRefusal(t, err, c.reason)
		})
	}
}

func lines(s string) []string { return strings.Split(s, "\n") }

// wantRefusal checks the reason, and that there is a finding and a next step.
func wantRefusal(tb testing.TB, err, reason error) {
	tb.Helper()
	var refusal *fault.Error
	if !errors.As(err, &refusal) {
		tb.Fatalf("err = %v, want an *fault.Error of %q", err, reason)
	}
	if !errors.Is(err, reason) {
		tb.Errorf("reason = %q (%s), want %q", refusal.Reason, err, reason)
	}
	if refusal.Found == "" || refusal.Hint == "" {
		tb.Errorf("found = %q, hint = %q: both are needed", refusal.Found, refusal.Hint)
	}
}

func TestDERIsReadToItsEnd(t *testing.T) {
	for _, file := range []string{"rsa.pkcs8.pem", "rsa.pkcs1.pem", "p256.sec1.pem", "ed25519.pkcs8.pem"} {
		b, _ := pem.Decode([]byte(keyFile(t, file)))
		for what, der := range map[string][]byte{
			"a byte more":  append(bytes.Clone(b.Bytes), 0),
			"a byte fewer": b.Bytes[:len(b.Bytes)-1],
			"half of it":   b.Bytes[:len(b.Bytes)/2],
		} {
			_, err := readDER(t.Context(), der, "", secret.Text{})
			t.Run(file+"/"+what, func(t *testing.T) { wantRefusal(t, err, ErrUnreadable) })
		}
	}
}

func TestAPublicHalfThatBelongsToAnotherKeyIsRefused(t *testing.T) {
	b, _ := pem.Decode([]byte(keyFile(t, "p256.sec1.pem")))
	other, err := ecdsa.ParseUncompressedPublicKey(mustEC(t, "p256.sec1.pem").Curve, point(t, "p256.sec1-other"))
	if err != nil {
		t.Fatal(err)
	}
	mine := point(t, "p256.sec1.pem")
	theirs, err := other.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	swapped := bytes.Replace(b.Bytes, mine, theirs, 1)
	_, err = readDER(t.Context(), swapped, "", secret.Text{})
	wantRefusal(t, err, ErrInconsistent)
}

func mustEC(tb testing.TB, file string) *ecdsa.PrivateKey {
	tb.Helper()
	got, _, err := readKey(tb, keyFile(tb, file), "")
	if err != nil {
		tb.Fatal(err)
	}
	k, ok := got.(*ecdsa.PrivateKey)
	if !ok {
		tb.Fatalf("%T", got)
	}
	return k
}

func point(tb testing.TB, file string) []byte {
	tb.Helper()
	if file == "p256.sec1-other" {
		k, err := ecdsa.ParseRawPrivateKey(mustEC(tb, "p256.sec1.pem").Curve, bytes.Repeat([]byte{7}, 32))
		if err != nil {
			tb.Fatal(err)
		}
		p, _ := k.PublicKey.Bytes()
		return p
	}
	p, _ := mustEC(tb, file).PublicKey.Bytes()
	return p
}
