package integration_test

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/conductor-sdk/conductor-go/sdk/model"
)

// templatedTaskDef has the key in its inputTemplate.
const templatedTaskDef = `{"name":"get_signed_jwt_templated","retryCount":0,"responseTimeoutSeconds":30,"timeoutSeconds":0,"timeoutPolicy":"RETRY",
	"inputTemplate":{"privateKey":"` + keySecret + `"}}`

// The server writes the data of a dynamic fork into the task's inputParameters, so
// a template that names a secret is not necessarily the definition's.
func TestSecretsOnlyAppliesToDynamicForks(t *testing.T) {
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
	templated := with(jwtTask("jwt", object{"subject": "alice"}), "name", "get_signed_jwt_templated")
	// The server stores the data of these workflows, and another test searches them
	// for the shared key, so the inline key here is another one.
	for name, test := range map[string]struct {
		tasks []object
		input object
		code  string // "" if the task completes
	}{
		"a secret in the definition":                      {[]object{granted}, nil, ""},
		"a secret in the input template":                  {[]object{templated}, nil, ""},
		"a secret in a forked task":                       {dynamic, forked(granted, object{"issuer": "me"}), ""},
		"a secret that no grant lists":                    {[]object{jwtTask("jwt", object{"privateKey": accountSecret})}, nil, "policy_denied"},
		"forked data that replaces the secret":            {dynamic, forked(granted, object{"privateKey": accountSecret}), "policy_denied"},
		"forked data that replaces the template's secret": {dynamic, forked(templated, object{"privateKey": accountSecret}), "policy_denied"},
		"forked data that replaces the secret by a key":   {dynamic, forked(granted, object{"privateKey": rand.Text() + rand.Text(), "secretEncoding": "raw", "algorithm": "HS256"}), "policy_denied"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, definition(t, nil, test.tasks...), test.input)
			r.TaskToDomain = map[string]string{"GET_SIGNED_JWT": domain}
			runToCode(t, r, test.code)
		})
	}
}

// A secret in a claim must come from the workflow's definition.
func TestSecretsInClaimsMustComeFromTheDefinition(t *testing.T) {
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
		t.Run(name, func(t *testing.T) { runToCode(t, request(t, definition(t, nil, test.tasks...), test.input), test.code) })
	}
}

func dynamicFork(tasks, inputs any) object {
	return object{
		"name": "fork", "taskReferenceName": "fork", "type": "FORK_JOIN_DYNAMIC",
		"inputParameters":       object{"tasks": tasks, "inputs": inputs},
		"dynamicForkTasksParam": "tasks", "dynamicForkTasksInputParamName": "inputs",
	}
}

// forked returns the input of a workflow that forks one task.
func forked(task, inputs object) object {
	return object{"tasks": []object{task}, "inputs": object{"jwt": inputs}}
}

// runToCode runs a workflow and checks the error code of its task jwt; "" is none.
func runToCode(t *testing.T, r model.StartWorkflowRequest, code string) {
	t.Helper()
	status := "COMPLETED"
	if code != "" {
		status = "FAILED"
	}
	w := shared.run(t, r, status)
	if out := outputOf[errorOutput](t, lastTask(t, w, "jwt")); out.Error.Code != code {
		t.Errorf("error %+v, want the code %q", out, code)
	}
}
