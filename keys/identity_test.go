package keys_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

func TestIdentityOfCopies(t *testing.T) {
	const text = "an-hmac-secret-that-is-long-enough-for-hs256"
	parse := func(text string, encoding keys.Encoding) keys.Key {
		t.Helper()
		key, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), keys.Ref{Text: secret.New(text), Encoding: encoding})
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	identity := func(key keys.Key, pepper string) string {
		t.Helper()
		id, err := keys.Identity(key, []byte(pepper))
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	a := parse(text, keys.EncodingRaw)
	id := identity(a, "pepper")
	if copied := parse(base64.StdEncoding.EncodeToString([]byte(text)), keys.EncodingBase64); identity(copied, "pepper") != id {
		t.Error("a copy in another encoding has another identity")
	}
	if identity(parse(text+"x", keys.EncodingRaw), "pepper") == id {
		t.Error("another secret has the same identity")
	}
	if identity(a, "other") == id {
		t.Error("the pepper makes no difference")
	}
	if strings.Contains(id, text) || len(id) != 43 {
		t.Errorf("%q is no MAC", id)
	}

	ec, err := keys.Generate(keys.ES256, 0)
	if err != nil {
		t.Fatal(err)
	}
	thumbprint, err := keys.Thumbprint(ec)
	if err != nil || identity(ec, "pepper") != thumbprint {
		t.Errorf("the identity of a key with a public half is %q, not its thumbprint", identity(ec, "pepper"))
	}
}
