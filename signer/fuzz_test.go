package signer_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"conductor-jwt/signer"
)

// FuzzParse: whatever parses is the one text of its parts, and its claims are
// what another decoder reads.
func FuzzParse(f *testing.F) {
	f.Add(compactOf(goodHeader, `{"iss":"I","exp":1}`))
	f.Add(compactOf(`{"alg":"none"}`, `{}`))
	f.Add(compactOf(`{"alg":"HS256","crit":["b64"],"b64":false}`, `{}`))
	f.Add("eyJhbGciOiJIUzI1NiJ9.e30.c2ln=")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		p, err := signer.Parse(token)
		if err != nil {
			return
		}
		parts := strings.Split(token, ".")
		for i, want := range []string{"", base64.RawURLEncoding.EncodeToString(p.Payload), base64.RawURLEncoding.EncodeToString(p.Signature)} {
			if want != "" && parts[i] != want {
				t.Errorf("part %d is not canonical", i)
			}
		}
		var claims map[string]json.RawMessage
		if err := json.Unmarshal(p.Payload, &claims); err != nil || len(claims) != p.Claims.Len() {
			t.Errorf("%d claims, another decoder reads %d (%v)", p.Claims.Len(), len(claims), err)
		}
	})
}
