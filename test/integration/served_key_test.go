package integration_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// deliveringTaskDef makes the server deliver the key with each task.
const deliveringTaskDef = `{"name":"get_signed_jwt_served","retryCount":0,"responseTimeoutSeconds":30,"timeoutSeconds":0,"timeoutPolicy":"RETRY",
	"runtimeMetadata":["jwt-privatekey"]}`

// A key with a conductor: source is in no workflow, input or file: the task's
// definition lists the secret in runtimeMetadata, and the server delivers it with
// the task.
func TestKeyFromRuntimeMetadata(t *testing.T) {
	const domain = "served"
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	text := "keys: {signing: {source: \"conductor:jwt-privatekey\", kid: key-of-the-server}}\ngrants: [{use: [signing], max_ttl: 5m}]\ninline: deny\n"
	if err := os.WriteFile(policy, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := shared.server.RegisterTaskDef(t.Context(), json.RawMessage(deliveringTaskDef)); err != nil {
		t.Fatal(err)
	}
	shared.extraWorker(t, "CONDUCTOR_JWT_DOMAIN="+domain, "CONDUCTOR_JWT_POLICY="+policy)
	execute := func(name string, inputs object, status string) errorOutput {
		def := definition(t, nil, with(jwtTask("jwt", inputs), "name", name))
		r := request(t, def, nil)
		r.TaskToDomain = map[string]string{"GET_SIGNED_JWT": domain}
		w := shared.run(t, r, status)
		if status == "COMPLETED" {
			if got := token(t, w, "jwt"); got.header["kid"] != "key-of-the-server" || got.claims["sub"] != "alice" {
				t.Errorf("header %v, claims %v; want the policy's kid and the sub alice", got.header, got.claims)
			}
			return errorOutput{}
		}
		return outputOf[errorOutput](t, lastTask(t, w, "jwt"))
	}
	execute("get_signed_jwt_served", object{"keyRef": "signing", "subject": "alice"}, "COMPLETED")
	out := execute("get_signed_jwt", object{"keyRef": "signing", "subject": "alice"}, "FAILED")
	if out.Error.Code != "key_unknown" || out.Error.Field != "keyRef" {
		t.Errorf("a definition that does not list the secret: got %+v, want key_unknown for keyRef", out)
	}
	out = execute("get_signed_jwt_served", object{"privateKey": keySecret, "subject": "alice"}, "FAILED")
	if out.Error.Code != "policy_denied" || out.Error.Field != "privateKey" {
		t.Errorf("a key in the task: got %+v, want policy_denied for privateKey", out)
	}
}
