package task_test

import (
	"strings"
	"testing"

	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
)

func TestANameThatLooksLikeAnInputIsRefused(t *testing.T) {
	for _, test := range []struct{ name, hint string }{
		// another case, - and _
		{"Subject", "write subject"},
		{"privatekey", "write privateKey"},
		{"private_key", "write privateKey"},
		{"private-key", "write privateKey"},
		{"private_key_id", "write privateKeyId"},
		{"ttl_in_seconds", "write ttlInSeconds"},
		{"key_ref", "write keyRef"},
		{"ſubject", "write subject"}, // one letter
		// at most two letters
		{"subjct", "write subject"},
		{"sujbect", "write subject"},
		{"audiense", "write audience"},
		{"scope", "write scopes"},
		{"ttlInSec", "write ttlInSecond"},
		{"algoritmo", "write algorithm"},
		{"claim", "write claims"},
		{"header", "write headers"},
		{"certificates", "write certificate"},
		{"profiles", "write profile"},
		{"jwtid", "write jwtId"},
		// registered claims and header members
		{"iss", "write issuer"},
		{"sub", "write subject"},
		{"aud", "write audience"},
		{"exp", "write ttlInSecond"},
		{"nbf", "write notBefore"},
		{"iat", "issuedAtOffset moves it"},
		{"jti", "write jwtId"},
		{"alg", "write algorithm"},
		{"kid", "write privateKeyId"},
		{"typ", "put it into headers"},
		{"cty", "put it into headers"},
		{"crit", "not written"},
		{"b64", "not written"},
		{"jwk", "write privateKey"},
		{"jku", "not written"},
		{"x5u", "not written"},
		{"x5c", "write certificate"},
		{"x5t#S256", "write certificate"},
		{"scp", "write scopes"},
		// common short forms
		{"ttl", "write ttlInSecond"},
		{"expiresIn", "write ttlInSecond"},
		{"key", "write privateKey"},
		{"pem", "write privateKey"},
		{"secret", "write privateKey"},
		{"passphrase", "write privateKeyPassword"},
		{"keyId", "write privateKeyId"},
		{"nonce", "put it into claims"},
		// what else is registered
		{"email", "put it into claims"},
		{"givenName", "put it into claims"},
		{"roles", "put it into claims"},
		{"authorization_details", "put it into claims"},
		{"sip_callid", "put it into claims"},
		{"enc", "not written"},
		{"p2c", "not written"},
		{"trust_chain", "put it into headers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			message := failed(t, handle(t, with(quote(test.name)+`:"x"`)), "input_unknown", shownName(test.name))
			if !strings.Contains(message, test.hint) {
				t.Errorf("the message is %q; it does not say %q", message, test.hint)
			}
		})
	}
}

func shownName(name string) string { return strings.ReplaceAll(name, "ſ", `\u017f`) }

func TestAnyOtherNameIsIgnoredAndNamed(t *testing.T) {
	out := handle(t, with(`"whatever":1,"another thing\n":{"a":1}`))
	tok := completed(t, out)
	want := `unknown and ignored: "whatever", "another thing\n"`
	if len(out.Warnings) != 1 || out.Warnings[0] != want {
		t.Errorf("warnings = %q, want %q", out.Warnings, want)
	}
	if got, _ := tok.output["warnings"].([]any); len(got) != 1 || got[0] != want {
		t.Errorf("outputData.warnings = %q, want %q", got, want)
	}
	if strings.Contains(tok.payload, "whatever") {
		t.Error("an ignored input is in the token")
	}
}

func TestManyIgnoredNamesAreCounted(t *testing.T) {
	out := handle(t, with(list(12, `"whatever%d":1`)))
	if want := "and 4 more"; len(out.Warnings) != 1 || !strings.HasSuffix(out.Warnings[0], want) {
		t.Errorf("warnings = %q, want %q at the end", out.Warnings, want)
	}
}

func TestAnUnknownNameThatIsBlankSaysNothing(t *testing.T) {
	out := handle(t, with(`"aud":"","whatever":null,"Subject":[ ]`))
	if completed(t, out); len(out.Warnings) != 0 {
		t.Errorf("warnings = %q", out.Warnings)
	}
}

func TestASettingRefusesEveryUnknownName(t *testing.T) {
	out := handle(t, with(`"whatever":1`), func(o *task.Options, _ *api.Task) { o.Unknown = task.UnknownError })
	if message := failed(t, out, "input_unknown", "whatever"); !strings.Contains(message, "subject, issuer") {
		t.Errorf("the message does not list the inputs: %q", message)
	}
}

// A name is shown in printable ASCII and in 64 characters, no escape cut.
func TestAnUnknownNameAsItIsShown(t *testing.T) {
	for name, want := range map[string]string{
		strings.Repeat("né", 200):       strings.Repeat(`n\u00e9`, 9) + "n",
		strings.Repeat("z", 64):         strings.Repeat("z", 64),
		strings.Repeat("z", 65):         strings.Repeat("z", 64),
		strings.Repeat("z", 58) + "é":   strings.Repeat("z", 58) + `\u00e9`,
		strings.Repeat("z", 59) + "é":   strings.Repeat("z", 59),
		strings.Repeat("z", 63) + `"zz`: strings.Repeat("z", 63),
		`a "quoted" \ name ~`:           `a \"quoted\" \\ name ~`,
		"\x1b\x7f\u00a0\U0001f600":      `\x1b\x7f\u00a0\U0001f600`,
	} {
		out := handle(t, with(quote(name)+`:1`), func(o *task.Options, _ *api.Task) { o.Unknown = task.UnknownError })
		if out.Fault.Code != "input_unknown" || out.Fault.Field != want {
			t.Errorf("%q is shown as %q, want %q", name, out.Fault.Field, want)
		}
	}
}

func TestThreeLettersOffIsAnotherName(t *testing.T) {
	for _, name := range []string{"subxyzject", "keynote", "appId"} {
		if out := handle(t, with(quote(name)+`:1`)); out.Status != api.Completed || len(out.Warnings) != 1 {
			t.Errorf("%s: %s", name, out.Reason)
		}
	}
}
