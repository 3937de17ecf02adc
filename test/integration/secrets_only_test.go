package integration_test

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/conductor-sdk/conductor-go/sdk/model"
)

// templatedTaskDef has the key in its input template.
const templatedTaskDef = `{"name":"get_signed_jwt_templated","retryCount":0,"responseTimeoutSeconds":30,"timeoutSeconds":0,"timeoutPolicy":"RETRY",
	"inputTemplate":{"privateKey":"` + keySecret + `"}}`

// The server puts the data of a dynamic fork into the task's inputParameters: a
// template that names a secret proves nothing about who wrote it.
func TestSecretsOnlyHoldsForDynamicForks(t *testing.T) {
	const domain = "secrets-only"
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("inline: secrets-only\ngrants: [{secrets: [jwt-privatekey]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := shared.server.RegisterTaskDef(t.Context(), json.RawMessage(templatedTaskDef)); err != nil {
		t.Fatal(err)
	}
	shared.extraWorker(t, "CONDUCTOR_JWT_DOMAIN="+domain, "CONDUCTOR_JWT_POLICY="+policy)
	dynamic := []object{dynamicFork("${workflow.input.tasks}", "${workflow.input.inputs}"), {"name": "join", "taskReferenceName": "join", "type": "JOIN"}}
	granted := jwtTask("jwt", object{"privateKey": keySecret, "subject": "alice"})
	templated := and(jwtTask("jwt", object{"subject": "alice"}), "name", "get_signed_jwt_templated")
	// The data of these workflows is stored, and another test looks for the server's
	// keys there: the key that comes as data is a secret of its own.
	for name, test := range map[string]struct {
		tasks []object
		input object
		code  string // empty: the task completes
	}{
		"the secret of the definition":      {[]object{granted}, nil, ""},
		"the secret of the input template":  {[]object{templated}, nil, ""},
		"the secret of a forked task":       {dynamic, forked(granted, object{"issuer": "me"}), ""},
		"a secret that no grant lists":      {[]object{jwtTask("jwt", object{"privateKey": accountSecret})}, nil, "policy_denied"},
		"another secret over a forked task": {dynamic, forked(granted, object{"privateKey": accountSecret}), "policy_denied"},
		"another secret over the template":  {dynamic, forked(templated, object{"privateKey": accountSecret}), "policy_denied"},
		"a key over a forked task":          {dynamic, forked(granted, object{"privateKey": rand.Text() + rand.Text(), "secretEncoding": "raw", "algorithm": "HS256"}), "policy_denied"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, definition(t, nil, test.tasks...), test.input)
			r.TaskToDomain = map[string]string{"GET_SIGNED_JWT": domain}
			runTo(t, r, test.code)
		})
	}
}

// A secret may be signed where the workflow's definition says so, and nowhere
// else.
func TestOnlyTheWorkflowsDefinitionNamesSecretsToBeSigned(t *testing.T) {
	join := object{"name": "join", "taskReferenceName": "join", "type": "JOIN"}
	dynamic := []object{dynamicFork("${workflow.input.tasks}", "${workflow.input.inputs}"), join}
	plain := jwtTask("jwt", object{"privateKey": keySecret, "subject": "alice"})
	naming := jwtTask("jwt", object{"privateKey": keySecret, "subject": controlSecret})
	for name, test := range map[string]struct {
		tasks []object
		input object
		code  string
	}{
		"in the definition":             {[]object{naming}, nil, ""},
		"in a forked task's data":       {dynamic, forked(plain, object{"subject": controlSecret}), "secret_injected"},
		"in a forked task's parameters": {dynamic, forked(naming, object{}), "secret_injected"},
		"in a fork's literal data":      {[]object{dynamicFork([]object{plain}, object{"jwt": object{"subject": controlSecret}}), join}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) { runTo(t, request(t, definition(t, nil, test.tasks...), test.input), test.code) })
	}
}

func dynamicFork(tasks, inputs any) object {
	return object{
		"name": "fork", "taskReferenceName": "fork", "type": "FORK_JOIN_DYNAMIC",
		"inputParameters":       object{"tasks": tasks, "inputs": inputs},
		"dynamicForkTasksParam": "tasks", "dynamicForkTasksInputParamName": "inputs",
	}
}

// forked is the input of a workflow that forks one task.
func forked(task, inputs object) object {
	return object{"tasks": []object{task}, "inputs": object{"jwt": inputs}}
}

// runTo runs a workflow whose task jwt ends with that code, or completes.
func runTo(t *testing.T, r model.StartWorkflowRequest, code string) {
	t.Helper()
	status := "COMPLETED"
	if code != "" {
		status = "FAILED"
	}
	w := shared.run(t, r, status)
	if out := outputOf[errorOutput](t, lastTask(t, w, "jwt")); out.Error.Code != code {
		t.Errorf("%+v, want %q", out, code)
	}
}
