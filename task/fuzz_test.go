package task_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
)

// canary stands for a value that must not be quoted. No message has four of
// its letters in a row.
const canary = "QZXVKWYQJZXVVKQWZYXQKJZVWXQYVZKJXWQZ"

// quotes reports whether text holds four characters in a row of the canary.
func quotes(text string) bool {
	for i := range len(canary) - 3 {
		if strings.Contains(text, canary[i:i+4]) {
			return true
		}
	}
	return false
}

// FuzzHandle mutates inputs that hold the canary in their values: whatever the
// end of the task, no message repeats it.
func FuzzHandle(f *testing.F) {
	for _, text := range []string{
		`{"privateKey":@key,"subject":"@secret","issuer":"@secret","audience":["@secret"],"scopes":"@secret"}`,
		`{"privateKey":"@secret","algorithm":"@secret"}`,
		`{"privateKey":{"kty":"@secret","d":"@secret"}}`,
		`{"privateKey":{"kty":"RSA","n":"@secret","e":"AQAB","d":"@secret"}}`,
		`{"privateKey":"-----BEGIN @secret PRIVATE KEY-----\n@secret\n-----END @secret PRIVATE KEY-----"}`,
		`{"privateKey":"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: @secret,@secret\n\nQUJD\n-----END RSA PRIVATE KEY-----","privateKeyPassword":"@secret"}`,
		`{"privateKey":@key,"algorithm":"@secret"}`,
		`{"privateKey":@key,"ttlInSecond":"@secret"}`,
		`{"privateKey":@key,"ttlInSecond":300,"ttlInSeconds":"@secret"}`,
		`{"privateKey":@key,"claims":{"@secret":"@secret","iss":"@secret"}}`,
		`{"privateKey":@key,"claims":{"@secret":1,"@secret":2}}`,
		`{"privateKey":@key,"headers":{"typ":["@secret"],"@secret":1}}`,
		`{"privateKey":@key,"headers":{"iss":"@secret"}}`,
		`{"privateKey":@key,"scopes":["@secret @secret","@secret"]}`,
		`{"privateKey":@key,"scopeFormat":"@secret"}`,
		`{"privateKey":@key,"omitClaims":["@secret"]}`,
		`{"privateKey":@key,"certificate":"-----BEGIN CERTIFICATE-----@secret-----END CERTIFICATE-----"}`,
		`{"privateKey":@key,"certificateHeaders":["@secret"]}`,
		`{"privateKey":"@secret","secretEncoding":"hex"}`,
		`{"privateKey":"@secret","secretEncoding":"@secret"}`,
		`{"keyRef":"@secret"}`,
		`{"profile":"@secret"}`,
		`{"privateKey":@key,"whatever":"@secret"}`,
		`{"privateKey":@key,"sub":"@secret"}`,
		`{"privateKey":@key,"subject":"@secret`,
		`{"privateKey":@key,"subject":"\ud800@secret"}`,
		`{"privateKey":@key,"subject":{"a":"@secret"}}`,
		`{"privateKey":@key,"subject":"${workflow.secrets.@secret}"}`,
		`"@secret"`,
		seedInput,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ReplaceAll(text, "@secret", canary)
		out := sound(t, text, ``)
		if namesCanary(text) {
			return // an input's name may be shown
		}
		shown := append([]string{out.Reason, out.Fault.Field, out.Fault.Message, out.Fault.Code}, out.Warnings...)
		if out.Status != api.Completed {
			shown = append(shown, string(out.Output.Reveal()))
		}
		for _, s := range shown {
			if quotes(s) {
				t.Errorf("a value is quoted: %s", s)
			}
		}
	})
}

// namesCanary reports whether the canary is, or may be, part of an input's
// name; a text that is not JSON leaves that open.
func namesCanary(text string) bool {
	var top map[string]json.RawMessage
	if json.Unmarshal([]byte(input(text).Reveal()), &top) != nil {
		before, _, _ := strings.Cut(text, ":")
		return quotes(before) || strings.Contains(text, `,"`+canary[:4])
	}
	for name := range top {
		if quotes(name) {
			return true
		}
	}
	return false
}

// FuzzTaskInput returns the handler any bytes as input and template: it never
// panics, it always ends the task, and what it says is well formed.
func FuzzTaskInput(f *testing.F) {
	f.Add(seedInput, seedTemplate)
	f.Add(uiInput, uiInput)
	f.Add(`{"privateKey":null}`, `{"privateKey":"${workflow.secrets.nope}"}`)
	f.Add(`{"privateKey":@key,"issuer":"https://null/","audience":["a",null]}`, `{"issuer":"https://${workflow.input.x}/","audience":["${a}","${b}"]}`)
	f.Add(`{"privateKey":@key,"claims":{"n":1e999999999,"d":{"e":[{}]}}}`, `{"claims":"${workflow.input.c}"}`)
	f.Add(`{"privateKey":@key,"ttlInSecond":3e2,"ttlInSeconds":"300","notBefore":-1,"issuedAtOffset":-1}`, ``)
	f.Add(`{"privateKey":@key,"scopes":[["a"],"b"],"scopeClaim":"scp","scopeFormat":"comma"}`, `[`)
	f.Add("{\"privateKey\":\"\xff\"}", `{"a":1,"a":2}`)
	f.Add(strings.Repeat(`[`, 100), strings.Repeat(`{"a":`, 200))
	f.Add(``, `null`)
	f.Fuzz(func(t *testing.T, text, templateText string) {
		sound(t, text, templateText)
	})
}

// sound runs a task twice and demands that both ends are the same and well
// formed.
func sound(t *testing.T, text, templateText string) task.Outcome {
	t.Helper()
	first := handle(t, text, template(templateText))
	second := handle(t, text, template(templateText))
	if got, want := fmt.Sprint(second), fmt.Sprint(first); got != want {
		t.Fatalf("two ends of one task: %s and %s", want, got)
	}
	output := object(t, first.Output.Reveal())
	if first.Status == api.Completed {
		if token, _ := output["token"].(string); strings.Count(token, ".") != 2 {
			t.Fatalf("output = %s", first.Output.Reveal())
		}
		return first
	}
	if !utf8.ValidString(first.Reason) || utf8.RuneCountInString(first.Reason) > 500 || !strings.HasPrefix(first.Reason, first.Fault.Code+": ") {
		t.Fatalf("reason = %q", first.Reason)
	}
	if first.Status != contract()[first.Fault.Code] {
		t.Fatalf("%s ended %s", first.Fault.Code, first.Status)
	}
	e, _ := output["error"].(map[string]any)
	if len(output) != 1 || len(e) != 3 || e["code"] != first.Fault.Code || e["field"] != first.Fault.Field || e["message"] != first.Fault.Message || e["message"] == "" {
		t.Fatalf("output = %s", first.Output.Reveal())
	}
	if len(first.Fault.Field) > 64 {
		t.Fatalf("field = %q", first.Fault.Field)
	}
	if panicked := first.Fault.Code == "internal"; panicked {
		t.Fatalf("an internal fault on %q", text)
	}
	return first
}
