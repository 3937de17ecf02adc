package keys_test

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

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

func TestAnHMACSecretIsRefused(t *testing.T) {
	sixtyFour := strings.Repeat("ab", 32)
	publicPEM := pemFile(t, "rsa.public.pem")
	publicDER := publicPEM[strings.Index(publicPEM, "\n")+1 : strings.LastIndex(publicPEM, "-----END")]
	publicDER = strings.ReplaceAll(publicDER, "\n", "")
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
		{"a private key in pem", pemFile(t, "rsa.pkcs8.pem"), keys.EncodingRaw, keys.ErrUnsupported},
		{"a public key in pem", publicPEM, keys.EncodingRaw, keys.ErrUnsupported},
		{"a public key in pem behind white space", " \n" + publicPEM, keys.EncodingRaw, keys.ErrUnsupported},
		{"a certificate", pemFile(t, "p256.crt"), keys.EncodingRaw, keys.ErrUnsupported},
		{"pem in base64", base64.StdEncoding.EncodeToString([]byte(publicPEM)), keys.EncodingBase64, keys.ErrUnsupported},
		{"a public key in der", publicDER, keys.EncodingBase64, keys.ErrUnsupported},
		{"a jwk", rsaJWK(sharedRSA()).text(t), keys.EncodingRaw, keys.ErrUnsupported},
		{"an oct jwk", octJWK(64).text(t), keys.EncodingRaw, keys.ErrUnsupported},
		{"a jwk in hex", hex.EncodeToString([]byte(octJWK(64).text(t))), keys.EncodingHex, keys.ErrUnsupported},
		{"an ssh public key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxv someone@somewhere", keys.EncodingRaw, keys.ErrUnsupported},
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
