package task_test

import (
	"strings"
	"testing"

	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
)

func TestAMissingSecretIsNamed(t *testing.T) {
	for _, test := range []struct{ says, template, input, message string }{
		{"null", `"${workflow.secrets.jwt_key}"`, `null`, "${workflow.secrets.jwt_key} resolved to nothing; define it on the server as environment variable CONDUCTOR_SECRET_jwt_key;"},
		{"empty", `"${workflow.secrets.jwt_key}"`, `""`, "${workflow.secrets.jwt_key} resolved to nothing; define it"},
		{"with a dash", `"${workflow.secrets.jwt-key}"`, `null`, "a shell cannot set a name with -"},
		{"with a dot", `"${workflow.secrets.jwt.key}"`, `null`, "CONDUCTOR_SECRET_jwt; what follows the first dot (key) is a path"},
		{"with a typing error", `"${workflow.secret.jwt_key}"`, `null`, "${workflow.secret.jwt_key} resolved to nothing; write ${workflow.secrets."},
		{"with a typing error in the case", `"${workflow.Secrets.jwt_key}"`, `null`, "${workflow.Secrets.jwt_key} resolved to nothing; write ${workflow.secrets.NAME}"},
		{"with spaces", `"${ workflow.secrets.jwt_key }"`, `null`, "an expression of a secret resolved to nothing; write ${workflow.secrets.NAME}, in the plural, in lower case and without spaces"},
		{"with brackets", `"${workflow.secrets['jwt_key']}"`, `null`, "${workflow.secrets['jwt_key']} resolved to nothing; write ${workflow.secrets.NAME}"},
		{"within other text", `"${workflow.secrets.a}${workflow.secrets.b}"`, `""`, "an expression of a secret resolved to nothing; define the secret"},
	} {
		t.Run(test.says, func(t *testing.T) {
			out := handle(t, `{"privateKey":`+test.input+`}`, template(`{"privateKey":`+test.template+`}`))
			message := failed(t, out, "secret_missing", "privateKey")
			if !strings.Contains(message, test.message) {
				t.Errorf("message = %q\nwant       %q in it", message, test.message)
			}
			if len([]rune(out.Reason)) > 500 || !strings.HasPrefix(out.Reason, "secret_missing: privateKey: ") {
				t.Errorf("reason = %q", out.Reason)
			}
		})
	}
}

func TestASecretOfTheTaskDefinitionIsNamedToo(t *testing.T) {
	out := handle(t, `{"privateKey":null}`, template(`{"privateKey":"${workflow.input.key}"}`), defaults(`{"privateKey":"${workflow.secrets.k}"}`))
	if message := failed(t, out, "secret_missing", "privateKey"); !strings.HasPrefix(message, "${workflow.secrets.k} ") {
		t.Errorf("message = %q", message)
	}
}

func TestAKeyThatNoSecretIsBehindIsAMissingInput(t *testing.T) {
	for _, test := range []struct{ says, template, message string }{
		{"no template", ``, "no key was given"},
		{"the form's blank", `{"privateKey":""}`, "no key was given"},
		{"a variable of the environment", `{"privateKey":"${workflow.env.KEY}"}`, "${workflow.env.KEY} resolved to nothing"},
		{"what is only named like a secret", `{"privateKey":"${workflow.input.workflow.secret}"}`, "${workflow.input.workflow.secret} resolved to nothing"},
		{"a workflow input", `{"privateKey":"${workflow.input.key}"}`, "${workflow.input.key} resolved to nothing"},
	} {
		t.Run(test.says, func(t *testing.T) {
			out := handle(t, `{"privateKey":""}`, template(test.template))
			if message := failed(t, out, "input_missing", "privateKey"); !strings.HasPrefix(message, test.message) {
				t.Errorf("message = %q, want %q", message, test.message)
			}
		})
	}
}

func TestASecretThatTheServerDidNotResolveIsTriedAgain(t *testing.T) {
	for _, test := range []struct{ says, input, field string }{
		{"as the key", `{"privateKey":"${workflow.secrets.k}"}`, "privateKey"},
		{"in a claim", with(`"subject":"x ${workflow.secrets.k} y"`), "subject"},
		{"deep in the claims", with(`"claims":{"a":[{"b":"${workflow.secrets.k}"}]}`), "claims"},
		{"with an escape", with(`"claims":{"a":"\u0024{workflow.secrets.k}"}`), "claims"},
		{"in an input that is ignored", with(`"whatever":"${workflow.secrets.k}"`), "whatever"},
		{"before any other fault", `{"subject":true,"privateKey":"${workflow.secrets.k}"}`, "privateKey"},
	} {
		t.Run(test.says, func(t *testing.T) {
			out := handle(t, test.input)
			failed(t, out, "secret_unresolved", test.field)
			if out.Status != api.Failed {
				t.Errorf("the task ended %s", out.Status)
			}
		})
	}
}

func TestAnExternalPayloadIsNotAMissingKey(t *testing.T) {
	out := handle(t, `{}`, func(_ *task.Options, d *api.Task) { d.External = true })
	failed(t, out, "payload_external", "inputData")
}
