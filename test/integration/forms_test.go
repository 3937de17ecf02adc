package integration_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// The editor of Conductor's user interface writes every field of its form, blank
// ones included.
func TestFormWithBlankFields(t *testing.T) {
	const name = "get_signed_jwt_task_q7x"
	task := with(jwtTask("jwt", object{
		"subject": "", "issuer": "", "privateKey": keySecret, "privateKeyId": "",
		"audience": "", "ttlInSecond": 0, "scopes": []string{}, "algorithm": "RS256",
	}), "name", name)
	before := time.Now().Unix()
	w := shared.run(t, request(t, definition(t, nil, task), nil), "COMPLETED")
	out := outputOf[jwtOutput](t, lastTask(t, w, "jwt"))
	got := shared.keys.mustVerify(t, out.Token)
	if _, there := got.header["kid"]; there || out.KeyID != "" {
		t.Errorf("kid = %v, keyId = %q; want none", got.header["kid"], out.KeyID)
	}
	checkTimes(t, got, out, 300, before)
	checkClaims(t, got, object{"jti": out.JWTID})
	// A task without a definition would hang after a crash, so the worker registers
	// a definition when it first gets such a task.
	awaitTaskDef(t, name)
}

func TestFormWithOnlyBlankFields(t *testing.T) {
	task := jwtTask("jwt", object{
		"subject": "", "issuer": "", "privateKey": "", "privateKeyId": "",
		"audience": "", "ttlInSecond": 0, "scopes": []string{}, "algorithm": "RS256",
	})
	w := shared.run(t, request(t, definition(t, nil, task), nil), "FAILED")
	checkTerminalFailure(t, lastTask(t, w, "jwt"), "input_missing", "privateKey")
}

func TestSeveralTasksInOneWorkflow(t *testing.T) {
	inputs := func(subject string) object {
		return object{"privateKey": keySecret, "subject": subject, "privateKeyId": "kid-" + subject}
	}
	join := object{"name": "join", "taskReferenceName": "join", "type": "JOIN", "joinOn": []string{"a", "b", "c"}}
	fork := object{"name": "fork", "taskReferenceName": "fork", "type": "FORK_JOIN", "forkTasks": [][]object{
		{jwtTask("a", inputs("a"))}, {jwtTask("b", inputs("b"))}, {jwtTask("c", inputs("c"))},
	}}
	for name, test := range map[string]struct {
		tasks []object
		refs  []string
	}{
		"two in sequence":   {[]object{jwtTask("a", inputs("a")), jwtTask("b", inputs("b"))}, []string{"a", "b"}},
		"three in parallel": {[]object{fork, join}, []string{"a", "b", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := shared.run(t, request(t, definition(t, nil, test.tasks...), nil), "COMPLETED")
			ids := map[any]bool{}
			for _, ref := range test.refs {
				got := token(t, w, ref)
				if got.claims["sub"] != ref || got.header["kid"] != "kid-"+ref {
					t.Errorf("task %s has the token of %v, kid %v", ref, got.claims["sub"], got.header["kid"])
				}
				ids[got.claims["jti"]] = true
			}
			if len(ids) != len(test.refs) {
				t.Errorf("%d different jti, want %d", len(ids), len(test.refs))
			}
		})
	}
}

func TestTokenReachesTheNextTask(t *testing.T) {
	next := object{"name": "next", "taskReferenceName": "next", "type": "SET_VARIABLE", "inputParameters": object{
		"authorization": "Bearer ${jwt.output.token}",
	}}
	w := shared.run(t, request(t, definition(t, object{"authorization": "${workflow.variables.authorization}"},
		jwtTask("jwt", object{"privateKey": keySecret, "subject": "s"}), next), nil), "COMPLETED")
	var out struct {
		Authorization string `json:"authorization"`
	}
	if err := json.Unmarshal(w.Output, &out); err != nil {
		t.Fatal(err)
	}
	if want := "Bearer " + outputOf[jwtOutput](t, lastTask(t, w, "jwt")).Token; out.Authorization != want {
		t.Error("the next task did not get the token in its input")
	}
}

func TestSimpleTaskOfTheSameName(t *testing.T) {
	awaitTaskDef(t, "GET_SIGNED_JWT") // a SIMPLE task needs its definition
	task := object{
		"name": "GET_SIGNED_JWT", "taskReferenceName": "jwt", "type": "SIMPLE",
		"inputParameters": object{"privateKey": keySecret, "subject": "simple"},
	}
	w := shared.run(t, request(t, definition(t, nil, task), nil), "COMPLETED")
	if got := token(t, w, "jwt"); got.claims["sub"] != "simple" {
		t.Errorf("sub = %v, want simple", got.claims["sub"])
	}
}

func TestServiceAccountAsTheSecret(t *testing.T) {
	for name, test := range map[string]struct {
		id   any
		want string
	}{
		"the key's own id":               {nil, "sa-key-1"},
		"the task's id takes precedence": {"key-9", "key-9"},
		"a blank id is ignored":          {"", "sa-key-1"},
		"a number is converted to text":  {123, "123"},
	} {
		t.Run(name, func(t *testing.T) {
			task := jwtTask("jwt", object{"privateKey": accountSecret, "privateKeyId": test.id, "audience": "https://oauth2.googleapis.com/token"})
			w := shared.run(t, request(t, definition(t, nil, task), nil), "COMPLETED")
			if got := token(t, w, "jwt"); got.header["kid"] != test.want || got.header["alg"] != "RS256" {
				t.Errorf("header = %v, want the kid %s and RS256", got.header, test.want)
			}
		})
	}
}

func TestTTLMayBeANumberOrText(t *testing.T) {
	for _, ttl := range []any{60, "60", 60.0} {
		t.Run(fmt.Sprintf("%T", ttl), func(t *testing.T) {
			task := jwtTask("jwt", object{"privateKey": keySecret, "ttlInSecond": "${workflow.input.ttl}"})
			w := shared.run(t, request(t, definition(t, nil, task), object{"ttl": ttl}), "COMPLETED")
			out := outputOf[jwtOutput](t, lastTask(t, w, "jwt"))
			got := shared.keys.mustVerify(t, out.Token)
			checkTimes(t, got, out, 60, out.IssuedAt)
		})
	}
}
