package integration_test

import (
	"encoding/json"
	"strings"
	"testing"

	"conductor-jwt/test/conductorjar"
)

// checkTerminalFailure checks the status, the reason and the output of a task that
// failed with a terminal error.
func checkTerminalFailure(t *testing.T, task conductorjar.Task, code, field string) {
	t.Helper()
	if task.Status != "FAILED_WITH_TERMINAL_ERROR" && task.Status != "COMPLETED_WITH_ERRORS" {
		t.Errorf("task is %s, want a terminal failure", task.Status)
	}
	if want := code + ": "; !strings.HasPrefix(task.Reason, want) {
		t.Errorf("reason = %q, want %q first", task.Reason, want)
	}
	got := outputOf[errorOutput](t, task).Error
	if got.Code != code || got.Field != field || got.Message == "" {
		t.Errorf("output.error = %+v, want the code %s, the field %s and a message", got, code, field)
	}
}

// invalidInput is an input that cannot succeed.
type invalidInput struct {
	inputs  object
	code    string
	field   string
	message []string // parts of the message
}

func invalidInputs() map[string]invalidInput {
	return map[string]invalidInput{
		"a missing secret": {
			object{"privateKey": noSuchSecret}, "secret_missing", "privateKey", []string{"no-such-key"},
		},
		"a misspelt secret expression": {
			object{"privateKey": "${workflow.secret.jwt-privatekey}"}, "secret_missing", "privateKey", []string{"workflow.secret."},
		},
		"a missing workflow input": {
			object{"privateKey": keySecret, "audience": "${workflow.input.audience}"}, "input_unresolved", "audience", nil,
		},
		"a missing workflow input within text": {
			object{"privateKey": keySecret, "issuer": "https://login/${workflow.input.tenant}/"}, "input_unresolved", "issuer", nil,
		},
		"an unknown algorithm": {
			object{"privateKey": keySecret, "algorithm": "RS265"}, "algorithm_unknown", "algorithm", []string{"RS256"},
		},
		"an algorithm for another type of key": {
			object{"privateKey": keySecret, "algorithm": "ES256"}, "algorithm_mismatch", "algorithm", []string{"RS256"},
		},
		"a ttl above the maximum": {
			object{"privateKey": keySecret, "ttlInSecond": 86401}, "ttl_out_of_range", "ttlInSecond", []string{"86400"},
		},
		"a password as the key": {
			object{"privateKey": passwordSecret}, "key_unreadable", "privateKey", nil,
		},
	}
}

func TestInvalidInputFailsWithoutRetry(t *testing.T) {
	canary := shared.keys.canary()
	for name, test := range invalidInputs() {
		t.Run(name, func(t *testing.T) {
			w := shared.run(t, request(t, definition(t, nil, jwtTask("jwt", test.inputs)), nil), "FAILED")
			if len(w.Tasks) != 1 {
				t.Errorf("%d attempts, want 1: the same input cannot succeed", len(w.Tasks))
			}
			task := lastTask(t, w, "jwt")
			checkTerminalFailure(t, task, test.code, test.field)
			for _, want := range test.message {
				if !strings.Contains(task.Reason, want) {
					t.Errorf("reason = %q, want it to contain %q", task.Reason, want)
				}
			}
			canary.Check(t, "the workflow", w.Raw)
		})
	}
}

// A workflow with an optional task can branch on the error's code.
func TestWorkflowCanBranchOnTheErrorCode(t *testing.T) {
	variable := func(ref string) object {
		return object{"name": ref, "taskReferenceName": ref, "type": "SET_VARIABLE", "inputParameters": object{
			"went": ref, "code": "${jwt.output.error.code}", "field": "${jwt.output.error.field}",
		}}
	}
	for name, test := range invalidInputs() {
		t.Run(name, func(t *testing.T) {
			branch := object{
				"name": "branch", "taskReferenceName": "branch", "type": "SWITCH", "evaluatorType": "value-param",
				"expression": "code", "inputParameters": object{"code": "${jwt.output.error.code}"},
				"decisionCases": object{test.code: []object{variable("expected")}},
				"defaultCase":   []object{variable("unexpected")},
			}
			w := shared.run(t, request(t, definition(t, object{
				"went": "${workflow.variables.went}", "code": "${workflow.variables.code}",
				"field": "${workflow.variables.field}", "direct": "${jwt.output.error.code}",
			}, with(jwtTask("jwt", test.inputs), "optional", true), branch), nil), "COMPLETED")
			var got struct{ Went, Code, Field, Direct string }
			if err := json.Unmarshal(w.Output, &got); err != nil {
				t.Fatal(err)
			}
			if got.Went != "expected" || got.Code != test.code || got.Field != test.field || got.Direct != test.code {
				t.Errorf("the workflow got %+v, want the code %s and the field %s", got, test.code, test.field)
			}
		})
	}
}
