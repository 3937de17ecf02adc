package keys_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

func TestAnHMACSecretIsReadAsItsEncodingSays(t *testing.T) {
	raw := "correct horse battery staple, 32+ bytes \xc3\xa9\n"
	want := mustResolve(t, object{"kty": "oct", "k": b64([]byte(raw))}.text(t))
	for name, c := range map[string]struct {
		text     string
		encoding keys.Encoding
	}{
		"raw, to the last byte":  {raw, keys.EncodingRaw},
		"base64":                 {base64.StdEncoding.EncodeToString([]byte(raw)), keys.EncodingBase64},
		"base64 without padding": {base64.RawStdEncoding.EncodeToString([]byte(raw)), keys.EncodingBase64},
		"base64url":              {base64.URLEncoding.EncodeToString([]byte(raw)), keys.EncodingBase64URL},
		"base64url, unpadded":    {b64([]byte(raw)), keys.EncodingBase64URL},
		"hex":                    {hex.EncodeToString([]byte(raw)), keys.EncodingHex},
		"hex in upper case":      {strings.ToUpper(hex.EncodeToString([]byte(raw))), keys.EncodingHex},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), keys.Ref{Text: secret.New(c.text), Encoding: c.encoding})
			if err != nil {
				t.Fatal(err)
			}
			sameSigner(t, k, want)
			if k.ID() != "" || k.Public() != nil {
				t.Error("a secret has neither an id nor a public half")
			}
		})
	}
}

// Random bytes may begin like JSON, as they are or when their text is taken for
// base64.
func TestASecretThatBeginsLikeAnEmptyObjectIsOne(t *testing.T) {
	begun := append([]byte("{}"), bytes.Repeat([]byte{0xe9}, 62)...)
	for name, ref := range map[string]keys.Ref{
		"hex that is an empty object in base64": {Text: secret.New("e338d54b5d774f60402985b17807c06f2e3b9f49aa32858d7460134431de2965"), Encoding: keys.EncodingHex},
		"hex of an empty object":                {Text: secret.New(hex.EncodeToString(begun)), Encoding: keys.EncodingHex},
		"base64 of one":                         {Text: secret.New(base64.StdEncoding.EncodeToString(begun)), Encoding: keys.EncodingBase64},
		"one in an oct jwk":                     {Text: secret.New(object{"kty": "oct", "k": b64(begun)}.text(t))},
	} {
		if _, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), ref); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnHMACSecretIsRefused(t *testing.T) {
	sixtyFour := strings.Repeat("ab", 32)
	publicPEM := pemFile(t, "rsa.public.pem")
	publicDER := publicPEM[strings.Index(publicPEM, "\n")+1 : strings.LastIndex(publicPEM, "-----END")]
	publicDER = strings.ReplaceAll(publicDER, "\n", "")
	body := func(name string) string {
		l := strings.Split(pemFile(t, name), "\n")
		return strings.Join(l[1:len(l)-2], "\n")
	}
	inBase64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	quoted := func(text string) string { return string(must(json.Marshal(text))) }
	der, _ := pem.Decode([]byte(publicPEM))
	colons := func(raw []byte) string {
		return strings.TrimSpace(strings.ReplaceAll(fmt.Sprintf("% x", raw), " ", ":"))
	}
	point := func(curve elliptic.Curve) string {
		return string(must(must(ecdsa.GenerateKey(curve, rand.Reader)).PublicKey.Bytes()))
	}
	for _, c := range []struct {
		name, text string
		encoding   keys.Encoding
		reason     error
	}{
		{"31 bytes", strings.Repeat("x", 31), keys.EncodingRaw, keys.ErrWeak},
		{"31 bytes of hex", hex.EncodeToString(make([]byte, 31)), keys.EncodingHex, keys.ErrWeak},
		{"empty", "", keys.EncodingRaw, keys.ErrMissing},
		{"an unknown encoding", sixtyFour, "utf-8", keys.ErrUnreadable},
		{"an encoding in another case", sixtyFour, "HEX", keys.ErrUnreadable},
		{"hex of odd length", sixtyFour + "a", keys.EncodingHex, keys.ErrUnreadable},
		{"hex with a prefix", "0x" + sixtyFour, keys.EncodingHex, keys.ErrUnreadable},
		{"hex with a line end", sixtyFour + "\n", keys.EncodingHex, keys.ErrUnreadable},
		{"base64 with a line end", base64.StdEncoding.EncodeToString(make([]byte, 33)) + "\n", keys.EncodingBase64, keys.ErrUnreadable},
		{"base64 with a space before it", " " + base64.StdEncoding.EncodeToString(make([]byte, 33)), keys.EncodingBase64, keys.ErrUnreadable},
		{"base64url as base64", strings.Repeat("-_", 24), keys.EncodingBase64, keys.ErrUnreadable},
		{"base64 as base64url", strings.Repeat("+/", 24), keys.EncodingBase64URL, keys.ErrUnreadable},
		{"half a padding", base64.StdEncoding.EncodeToString(make([]byte, 34))[:47], keys.EncodingBase64, keys.ErrUnreadable},
		{"a private key in PEM", pemFile(t, "rsa.pkcs8.pem"), keys.EncodingRaw, keys.ErrUnsupported},
		{"a public key in pem", publicPEM, keys.EncodingRaw, keys.ErrUnsupported},
		{"a public key in pem behind white space", " \n" + publicPEM, keys.EncodingRaw, keys.ErrUnsupported},
		{"a certificate", pemFile(t, "p256.crt"), keys.EncodingRaw, keys.ErrUnsupported},
		{"pem in base64", base64.StdEncoding.EncodeToString([]byte(publicPEM)), keys.EncodingBase64, keys.ErrUnsupported},
		{"a public key in der", publicDER, keys.EncodingBase64, keys.ErrUnsupported},
		{"a JWK", rsaJWK(sharedRSA()).text(t), keys.EncodingRaw, keys.ErrUnsupported},
		{"an oct JWK", octJWK(64).text(t), keys.EncodingRaw, keys.ErrUnsupported},
		{"a jwk in hex", hex.EncodeToString([]byte(octJWK(64).text(t))), keys.EncodingHex, keys.ErrUnsupported},
		{"a JWK with text behind it", octJWK(64).text(t) + " x", keys.EncodingRaw, keys.ErrUnsupported},
		{"a jwk in quotes", quoted(octJWK(64).text(t)), keys.EncodingRaw, keys.ErrUnsupported},
		{"pem in quotes", quoted(publicPEM), keys.EncodingRaw, keys.ErrUnsupported},
		{"pem with four dashes", strings.ReplaceAll(publicPEM, "-----", "----"), keys.EncodingRaw, keys.ErrUnsupported},
		{"pem in utf-16", "\xff\xfe" + strings.Join(strings.Split(publicPEM, ""), "\x00"), keys.EncodingRaw, keys.ErrUnsupported},
		{"pem in lower case", strings.ToLower(publicPEM), keys.EncodingRaw, keys.ErrUnsupported},
		{"the lines between the armour", body("rsa.public.pem"), keys.EncodingRaw, keys.ErrUnsupported},
		{"those of a private key, run together", strings.ReplaceAll(body("p256.pkcs8.pem"), "\n", ""), keys.EncodingRaw, keys.ErrUnsupported},
		{"pem in base64, taken raw", inBase64(publicPEM), keys.EncodingRaw, keys.ErrUnsupported},
		{"pem in base64 twice", inBase64(inBase64(publicPEM)), keys.EncodingBase64, keys.ErrUnsupported},
		{"a jwk in base64, taken raw", inBase64(octJWK(64).text(t)), keys.EncodingRaw, keys.ErrUnsupported},
		{"a jwk in base64url, taken raw", b64([]byte(octJWK(64).text(t))), keys.EncodingRaw, keys.ErrUnsupported},
		{"a putty key", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", keys.EncodingRaw, keys.ErrUnsupported},
		{"a jwk in an array", "[" + octJWK(64).text(t) + "]", keys.EncodingRaw, keys.ErrUnsupported},
		{"a jwk behind a name", "JWK=" + octJWK(64).text(t), keys.EncodingRaw, keys.ErrUnsupported},
		{"a public key in der, in hex", hex.EncodeToString(der.Bytes), keys.EncodingRaw, keys.ErrUnsupported},
		{"the same, as openssl prints it", colons(der.Bytes), keys.EncodingRaw, keys.ErrUnsupported},
		{"pem in hex", hex.EncodeToString([]byte(publicPEM)), keys.EncodingRaw, keys.ErrUnsupported},
		{"the point of a P-256 key", point(elliptic.P256()), keys.EncodingRaw, keys.ErrUnsupported},
		{"that of a P-384 key in base64", inBase64(point(elliptic.P384())), keys.EncodingBase64, keys.ErrUnsupported},
		{"that of a P-521 key in hex", hex.EncodeToString([]byte(point(elliptic.P521()))), keys.EncodingHex, keys.ErrUnsupported},
		{"that of a P-256 key in hex, taken raw", hex.EncodeToString([]byte(point(elliptic.P256()))), keys.EncodingRaw, keys.ErrUnsupported},
		{"that of a secp256k1 key", string(must(secp256k1.GeneratePrivateKey()).PubKey().SerializeUncompressed()), keys.EncodingRaw, keys.ErrUnsupported},
		{"a Java key store", "\xfe\xed\xfe\xed\x00\x00\x00\x02" + strings.Repeat("x", 99), keys.EncodingRaw, keys.ErrUnsupported},
		{"an expression that was not resolved", "${env.a_secret_of_32_bytes_or_more}", keys.EncodingRaw, keys.ErrUnreadable},
		{"an SSH public key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxv someone@somewhere", keys.EncodingRaw, keys.ErrUnsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), keys.Ref{Text: secret.New(c.text), Encoding: c.encoding})
			if k != nil {
				t.Error("a key was made of it")
			}
			wantReason(t, err, c.reason)
			wantNothingQuoted(t, err, c.text)
		})
	}
}

// The k of a JWK follows the same rule, for a verifier as well as for a signer
// (RFC 8725 §2.1).
func TestAnOctJWKMustNotHoldAnotherKey(t *testing.T) {
	der, _ := pem.Decode([]byte(pemFile(t, "rsa.public.pem")))
	for name, k := range map[string][]byte{
		"pem":           []byte(pemFile(t, "rsa.public.pem")),
		"der":           der.Bytes,
		"der in base64": []byte(base64.StdEncoding.EncodeToString(der.Bytes)),
		"a JWK":         []byte(ed25519JWK().without("d").text(t)),
	} {
		t.Run(name, func(t *testing.T) {
			text := object{"kty": "oct", "k": b64(k)}.text(t)
			_, err := resolve(t.Context(), text)
			wantReason(t, err, keys.ErrUnsupported)
			wantNothingQuoted(t, err, string(k))
			_, err = keys.ReadVerifier(t.Context(), keys.Ref{Text: secret.New(text)})
			wantReason(t, err, keys.ErrUnsupported)
		})
	}
}

func TestAnHMACKeyShorterThanTheHashIsWeak(t *testing.T) {
	k := mustResolve(t, octJWK(47).text(t))
	for alg, reason := range map[keys.Algorithm]error{
		keys.HS384: keys.ErrWeak, keys.HS512: keys.ErrWeak, keys.RS256: keys.ErrAlgorithmMismatch,
	} {
		wantReason(t, keys.Check(k, alg), reason)
	}
	if err := keys.Check(k, keys.HS256); err != nil {
		t.Error(err)
	}
	bound := mustResolve(t, octJWK(64).with("alg", "HS256").text(t))
	wantReason(t, keys.Check(bound, keys.HS512), keys.ErrAlgorithmMismatch)
}
