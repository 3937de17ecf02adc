package task_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
)

// keyLine is the line of the tests' key that holds its private half.
func keyLine() string { return strings.Split(pemOf(edKey()), "\n")[1] }

func TestKeyMaterialInAClaimIsRefused(t *testing.T) {
	line := keyLine()
	jwk := `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`
	for _, test := range []struct{ says, members, field string }{
		{"the whole key as the subject", `"subject":@key`, "subject"},
		{"another private key", `"subject":"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"`, "subject"},
		{"another private key on one line", `"issuer":"-----BEGIN EC PRIVATE KEY-----MHcC-----END EC PRIVATE KEY-----"`, "issuer"},
		{"a line of the key within other text", `"issuer":"x` + line + `y"`, "issuer"},
		{"24 characters of the key", `"issuer":"` + line[30:54] + `"`, "issuer"},
		{"the key as the audience", `"audience":["a",@key]`, "audience"},
		{"the key as scopes", `"scopes":@key`, "scopes"},
		{"the key in two scopes", `"scopes":["` + line[20:40] + `","` + line[40:64] + `"]`, "scopes"},
		{"the key in an array's scopes", `"scopes":["a",@key],"scopeFormat":"array"`, "scopes"},
		{"the key as its id", `"privateKeyId":@key`, "privateKeyId"},
		{"the key as the token's id", `"jwtId":@key`, "jwtId"},
		{"the key deep in the claims", `"claims":{"a":[{"b":{"c":@key}}]}`, "claims"},
		{"the key as a claim's name", `"claims":{@key:1}`, "claims"},
		{"the key piece by piece in a claim", `"claims":{"a":["` + line[20:36] + `","` + line[36:52] + `","` + line[52:64] + `"]}`, "claims"},
		{"the key in escapes", `"claims":{"a":"\u002d\u002d\u002d\u002d\u002dBEGIN PRIVATE KEY-----"}`, "claims"},
		{"the key in a header", `"headers":{"x":@key}`, "headers"},
		{"the key as a header's name", `"headers":{@key:1}`, "headers"},
		{"the key as the type", `"headers":{"typ":@key}`, "headers"},
		{"a private jwk as a claim", `"claims":{"jwk":` + jwk + `}`, "claims"},
		{"a private jwk in a string", `"subject":` + quote(jwk), "subject"},
		{"a private jwk with an escaped name", `"claims":{"jwk":` + strings.Replace(jwk, `"d"`, `"\u0064"`, 1) + `}`, "claims"},
	} {
		t.Run(test.says, func(t *testing.T) {
			out := handle(t, with(test.members))
			failed(t, out, "secret_in_claim", test.field)
			if out.Status != api.FailedWithTerminalError {
				t.Errorf("the task ended %s", out.Status)
			}
			if strings.Contains(string(out.Output.Reveal()), line[30:40]) {
				t.Error("the output holds the key")
			}
		})
	}
}

func TestPasswordsAndHMACSecretsAreKeyMaterialToo(t *testing.T) {
	const password = "correct horse battery staple"
	failed(t, handle(t, with(`"privateKeyPassword":"`+password+`","subject":"my `+password+`"`)), "secret_in_claim", "subject")
	const short = `"privateKeyPassword":"Tr0ub4dor&3xyz"`
	for field, members := range map[string]string{
		"claims": `"claims":{"x":"Tr0ub4dor&3xyz"}`, "subject": `"subject":"user:Tr0ub4dor&3xyz"`, "headers": `"headers":{"x":["Tr0ub4dor&3xyz"]}`,
		"scopes": `"scopes":"a Tr0ub4dor&3xyz"`, "privateKeyId": `"privateKeyId":"Tr0ub4dor&3xyz"`, "jwtId": `"jwtId":"Tr0ub4dor&3xyz"`, "audience": `"audience":["a","Tr0ub4dor&3xyz"]`,
	} {
		failed(t, handle(t, with(short+`,`+members)), "secret_in_claim", field)
	}
	completed(t, handle(t, with(short+`,"subject":"xTr0ub4dor&3xyz"`)))
	completed(t, handle(t, with(`"privateKeyPassword":"seven-7","subject":"seven-7"`)))
	const secret = "0123456789abcdefghijklmnopqrstuvwxyz"
	failed(t, handle(t, `{"privateKey":"`+secret+`","secretEncoding":"raw","issuer":"`+secret+`"}`), "secret_in_claim", "issuer")
	encoded := base64.StdEncoding.EncodeToString([]byte(secret))
	failed(t, handle(t, `{"privateKey":"`+encoded+`","secretEncoding":"base64","issuer":"`+secret+`"}`), "secret_in_claim", "issuer")
	const digits = "123456789012345678901234567890123"
	failed(t, handle(t, `{"privateKey":"`+digits+`","secretEncoding":"raw","claims":{"n":`+digits+`}}`), "secret_in_claim", "claims")
}

func TestWhatAKeySaysInClearIsNoSecret(t *testing.T) {
	const account = "conductor@a-long-project-name.iam.gserviceaccount.com"
	key := `{"type":"service_account","private_key_id":"0123456789abcdef0123456789abcdef01234567","client_email":"` + account + `","private_key":@key}`
	tok := completed(t, handle(t, `{"privateKey":`+key+`,"issuer":"`+account+`","subject":"`+account+`"}`))
	if got := tok.header["kid"]; got != "0123456789abcdef0123456789abcdef01234567" {
		t.Errorf("kid = %v", got)
	}
	completed(t, handle(t, `{"privateKey":`+quote(strings.ReplaceAll(key, "@key", quote(pemOf(edKey()))))+`,"issuer":"`+account+`"}`))
}

func TestTheSearchForKeyMaterialCanBeTurnedOff(t *testing.T) {
	out := handle(t, with(`"subject":@key`), func(o *task.Options, _ *api.Task) { o.Injection = task.InjectionOff })
	completed(t, out)
}

func TestAKeyThatIsItsOwnIDIsNotSigned(t *testing.T) {
	const d = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
	out := handle(t, `{"privateKey":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"`+d+`","kid":"`+d+`"}}`)
	failed(t, out, "secret_in_claim", "privateKeyId")
}
