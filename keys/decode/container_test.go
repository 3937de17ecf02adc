package decode

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"conductor-jwt/internal/secret"
)

// inner opens a container with the test password.
func inner(t *testing.T, text, password string) (string, error) {
	t.Helper()
	return OpenContainer(t.Context(), text, secret.New(password))
}

// sealJWK wraps text as step does, with another library than reads it back.
func sealJWK(t *testing.T, text string, alg jose.KeyAlgorithm, key []byte, p2c int) *jose.JSONWebEncryption {
	t.Helper()
	recipient := jose.Recipient{Algorithm: alg, Key: key, PBES2Count: p2c}
	e, err := jose.NewEncrypter(jose.A256GCM, recipient, nil)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := e.Encrypt([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestAJWEGivesTheJWKInside(t *testing.T) {
	const jwk = `{"kty":"oct","k":"AAAA"}`
	for _, c := range []struct {
		alg jose.KeyAlgorithm
		key string
	}{
		{jose.PBES2_HS256_A128KW, testPassword},
		{jose.PBES2_HS384_A192KW, testPassword},
		{jose.PBES2_HS512_A256KW, testPassword},
		{jose.DIRECT, strings.Repeat("p", 32)},
		{jose.A128KW, strings.Repeat("p", 16)},
	} {
		sealed := sealJWK(t, jwk, c.alg, []byte(c.key), 1000)
		compact, err := sealed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		for form, text := range map[string]string{"compact": compact + "\n", "json": sealed.FullSerialize()} {
			got, err := inner(t, text, c.key)
			if err != nil || got != jwk {
				t.Errorf("%s, %s: %q, %v", c.alg, form, got, err)
			}
			_, err = inner(t, text, strings.Replace(c.key, "p", "q", 1))
			wantRefusal(t, err, ErrPassword)
			_, err = inner(t, text, "")
			wantRefusal(t, err, ErrEncrypted)
		}
	}
}

func TestTheKeyFilesThatStepWrote(t *testing.T) {
	got, err := inner(t, keyFile(t, "p256.jwe.json"), testPassword)
	if err != nil || !strings.HasPrefix(got, "{") {
		t.Errorf("step's own key file: %v", err)
	}
	_, err = inner(t, keyFile(t, "jwks.jwe.json"), "nope")
	wantRefusal(t, err, ErrPassword)
	_, err = inner(t, keyFile(t, "p256.jwe-p2c1500000"), testPassword)
	wantRefusal(t, err, ErrTooLarge)
}

func TestAJWEHeaderIsReadBeforeAnythingIsDerived(t *testing.T) {
	for _, c := range []struct {
		what, header string
		reason       error
	}{
		{"a thousand million iterations", `{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2s":"AAAAAAAAAAA","p2c":1000000000}`, ErrTooLarge},
		{"more than an integer holds", `{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2s":"AAAAAAAAAAA","p2c":99999999999999999999999}`, ErrTooLarge},
		{"a fraction of iterations", `{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2s":"AAAAAAAAAAA","p2c":1e3}`, ErrUnreadable},
		{"no iterations", `{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2s":"AAAAAAAAAAA"}`, ErrUnreadable},
		{"two counts", `{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":1000,"p2c":1000000000}`, ErrUnreadable},
		{"compression", `{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":1000,"zip":"DEF"}`, ErrUnsupported},
		{"an rsa algorithm", `{"alg":"RSA-OAEP","enc":"A256GCM"}`, ErrUnsupported},
		{"another encryption", `{"alg":"dir","enc":"XC20P"}`, ErrUnsupported},
		{"a header that is no object", `[]`, ErrUnreadable},
	} {
		t.Run(c.what, func(t *testing.T) {
			header := base64.RawURLEncoding.EncodeToString([]byte(c.header))
			_, err := openJWE(t.Context(), header+".AAAA.AAAA.AAAA.AAAA", secret.New(testPassword))
			wantRefusal(t, err, c.reason)
		})
	}
	sealed := sealJWK(t, "{}", jose.PBES2_HS256_A128KW, []byte(testPassword), 1000)
	var members map[string]any
	if err := json.Unmarshal([]byte(sealed.FullSerialize()), &members); err != nil {
		t.Fatal(err)
	}
	members["unprotected"] = map[string]any{"p2c": 1_000_000_000}
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	_, err = inner(t, string(text), testPassword)
	wantRefusal(t, err, ErrUnsupported)
}

func TestAPKCS12FileGivesKeyAndChain(t *testing.T) {
	for _, file := range []string{"p256.p12", "p256.legacy.p12"} {
		raw := keyFile(t, file)
		for form, text := range map[string]string{"raw": raw, "base64": base64.StdEncoding.EncodeToString([]byte(raw))} {
			pemText, err := inner(t, text, testPassword)
			if err != nil {
				t.Fatalf("%s, %s: %v", file, form, err)
			}
			private, m, err := readKey(t, pemText, "")
			if err != nil {
				t.Fatal(err)
			}
			sameKey(t, private, publicFile(t, "p256.public.pem"))
			if len(m.Chain) != 1 || m.Chain[0].Subject.CommonName != "test-leaf" {
				t.Errorf("%s: %d certificates", file, len(m.Chain))
			}
			_, err = inner(t, text, "Password")
			wantRefusal(t, err, ErrPassword)
			_, err = inner(t, text, "")
			wantRefusal(t, err, ErrEncrypted)
		}
		_, err := inner(t, raw[:len(raw)-1], testPassword)
		if err == nil {
			_, _, err = readKey(t, raw[:len(raw)-1], testPassword)
		}
		wantRefusal(t, err, ErrUnreadable)
	}
}

func TestAPKCS12FileWithTooManyIterationsIsRefused(t *testing.T) {
	many := integer(t, 1_000_000_000)
	few := integer(t, 2048)
	sealed, _ := pem.Decode([]byte(withIterations(t, big.NewInt(1_000_000_000))))
	modest, _ := pem.Decode([]byte(withIterations(t, big.NewInt(2048))))
	for what, c := range map[string]struct {
		key, macIterations []byte
		reason             error
	}{
		"in its mac":        {modest.Bytes, many, ErrTooLarge},
		"in its key":        {sealed.Bytes, few, ErrTooLarge},
		"nowhere":           {modest.Bytes, few, ErrPassword}, // then its mac is checked
		"in both, negative": {modest.Bytes, integer(t, -1_000_000_000), ErrTooLarge},
	} {
		data := oid(t, 1, 2, 840, 113549, 1, 7, 1)
		bag := tlv(0x30, oid(t, 1, 2, 840, 113549, 1, 12, 10, 1, 2), tlv(0xa0, c.key))
		content := tlv(0x30, tlv(0x30, data, tlv(0xa0, tlv(4, tlv(0x30, bag)))))
		mac := tlv(0x30, tlv(0x30, tlv(0x30, oid(t, 1, 3, 14, 3, 2, 26)), tlv(4, make([]byte, 20))), tlv(4, make([]byte, 8)), c.macIterations)
		file := tlv(0x30, integer(t, 3), tlv(0x30, data, tlv(0xa0, tlv(4, content))), mac)
		_, err := inner(t, string(file), testPassword)
		if err == nil {
			_, err = openPKCS12(t.Context(), base64.StdEncoding.EncodeToString(file), secret.New(testPassword))
		}
		t.Run(what, func(t *testing.T) { wantRefusal(t, err, c.reason) })
	}
}

// TestAPKCS12FileSaysWhatItHolds pins the texts of the library, too.
func TestAPKCS12FileSaysWhatItHolds(t *testing.T) {
	for _, c := range []struct {
		file, found string
		reason      error
	}{
		{"../../../cli/testdata/reports/two-keys.p12", "two private keys", ErrAmbiguous},
		{"trust.p12", "certificates and no private key", ErrCertificate},
		{"p256.without-certificate.p12", "without a certificate", ErrUnsupported},
		{"ed448.p12", "Ed448 is not supported", ErrUnsupported},
		{"dsa.p12", "DSA is not supported", ErrUnsupported},
	} {
		_, err := inner(t, keyFile(t, c.file), "changeit")
		t.Run(c.file, func(t *testing.T) {
			wantRefusal(t, err, c.reason)
			if !strings.Contains(err.Error(), c.found) {
				t.Errorf("%v does not speak of %q", err, c.found)
			}
		})
	}
}
