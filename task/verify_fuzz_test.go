package task_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"conductor-jwt/conductor/api"
)

// FuzzVerify verifies any text, with any further inputs: a token is valid only if
// golang-jwt agrees, nothing of any other is shown, and the task always ends.
func FuzzVerify(f *testing.F) {
	s := verifying(f, partnerPolicy(f))
	good := partnerToken(f, partnerClaims)
	f.Add(good, ``)
	f.Add("Bearer "+good, `,"onInvalid":"report"`)
	f.Add(good, `,"subject":"alice","requiredClaims":{"roles":["a",1,true]}`)
	f.Add(good, `,"requiredClaims":{"a":{}}`)
	f.Add(partnerToken(f, `{"iss":"`+canary+`","aud":["`+canary+`"],"exp":1}`), `,"onInvalid":"report"`)
	f.Add(jwsOf(f, edKey(), canary, "EdDSA", partnerClaims), ``)
	f.Add(jwsOf(f, ecKey(), "ec", "ES256", partnerClaims), ``)
	f.Add(canary, `,"subject":"`+canary+`"`)
	f.Add(strings.Repeat(".", 100), `,"requiredClaims":{"`+canary+`":"`+canary+`"}`)
	f.Add("eyJhbGciOiJub25lIn0.e30.", `,"publicKey":"`+canary+`"`)
	f.Add("\xff", `,"token":5`)
	f.Fuzz(func(t *testing.T, token, members string) {
		text := ask(token, members)
		out := handle(t, text, s)
		if again := handle(t, text, s); fmt.Sprint(again) != fmt.Sprint(out) || string(again.Output.Reveal()) != string(out.Output.Reveal()) {
			t.Fatalf("two ends of one task: %v and %v", out, again)
		}
		output := object(t, out.Output.Reveal())
		switch {
		case out.Fault.Code == "internal":
			t.Fatalf("an internal fault on %q", text)
		case output["valid"] == true:
			mustAgree(t, token)
			return
		case out.Status == api.Completed && output["valid"] != false:
			t.Fatalf("output %s", out.Output.Reveal())
		case out.Status != api.Completed && (!utf8.ValidString(out.Reason) || out.Status != contract()[out.Fault.Code]):
			t.Fatalf("%s ended %s: %q", out.Fault.Code, out.Status, out.Reason)
		}
		if namesCanary(text) {
			return // an input's name may be shown
		}
		for _, shown := range append([]string{out.Reason, string(out.Output.Reveal())}, out.Warnings...) {
			if quotes(shown) {
				t.Errorf("a value is quoted: %s", shown)
			}
		}
	})
}

// mustAgree demands that golang-jwt accepts a token of the partner, too.
func mustAgree(t *testing.T, token string) {
	t.Helper()
	if len(token) > 7 && strings.EqualFold(token[:7], "Bearer ") {
		token = strings.TrimLeft(token[7:], " ")
	}
	_, err := jwt.Parse(token, func(tok *jwt.Token) (any, error) {
		if tok.Method.Alg() == "ES256" {
			return ecKey().Public(), nil
		}
		return edKey().Public(), nil
	}, jwt.WithValidMethods([]string{"EdDSA", "ES256"}), jwt.WithoutClaimsValidation())
	if err != nil {
		t.Errorf("golang-jwt refuses a token that is valid here: %v", err)
	}
}
