package integration_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"
)

// documentedTask is the task in Conductor's documentation. Authors of workflows
// copy it, so it must work without a change.
const documentedTask = `{
     "name": "get_signed_jwt",
     "taskReferenceName": "get_signed_jwt_ref",
     "inputParameters": {
       "subject": "${workflow.input.subject}",
       "issuer": "${workflow.input.issuer}",
       "privateKey": "${workflow.secrets.jwt-privatekey}",
       "privateKeyId": "key-123",
       "audience": "${workflow.input.audience}",
       "ttlInSecond": 3600,
       "scopes": "${workflow.input.scope}",
       "algorithm": "RS256"
     },
     "type": "GET_SIGNED_JWT"
   }`

// documentedWorkflow reads the workflow that the demo registers, too.
func documentedWorkflow(t *testing.T) (name string, definition, task json.RawMessage) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(shared.root, "deploy", "conductor", "workflow.json"))
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct {
		Name  string            `json:"name"`
		Tasks []json.RawMessage `json:"tasks"`
	}
	if err := json.Unmarshal(raw, &parsed); err != nil || len(parsed.Tasks) != 1 {
		t.Fatalf("deploy/conductor/workflow.json: %d tasks, %v", len(parsed.Tasks), err)
	}
	return parsed.Name, raw, parsed.Tasks[0]
}

func TestDocumentedWorkflow(t *testing.T) {
	name, definition, task := documentedWorkflow(t)
	if string(task) != documentedTask {
		t.Errorf("the task of deploy/conductor/workflow.json differs from the documented one:\n%s", task)
	}
	if err := shared.server.RegisterWorkflow(t.Context(), definition); err != nil {
		t.Fatal(err)
	}
	for given, test := range map[string]struct{ scope, want any }{
		"scopes as text":   {"orders:read orders:write", "orders:read orders:write"},
		"scopes as a list": {[]string{"orders:read", "orders:write"}, "orders:read orders:write"},
		"no scopes":        {nil, nil},
	} {
		t.Run(given, func(t *testing.T) {
			before := time.Now().Unix()
			w := shared.run(t, model.StartWorkflowRequest{Name: name, Input: object{
				"subject": "alice", "issuer": "https://issuer.example", "audience": "https://api.example", "scope": test.scope,
			}}, "COMPLETED")
			out := outputOf[jwtOutput](t, lastTask(t, w, "get_signed_jwt_ref"))
			got := shared.keys.mustVerify(t, out.Token)
			if want := (object{"alg": "RS256", "kid": "key-123", "typ": "JWT"}); !reflect.DeepEqual(got.header, want) {
				t.Errorf("header = %v, want %v", got.header, want)
			}
			checkTimes(t, got, out, 3600, before)
			want := object{"sub": "alice", "iss": "https://issuer.example", "aud": "https://api.example", "jti": out.JWTID}
			if test.want != nil {
				want["scope"] = test.want
			}
			checkClaims(t, got, want)
		})
	}
}

// checkTimes checks the times in the output and in the token.
func checkTimes(t *testing.T, got verifiedToken, out jwtOutput, ttl, before int64) {
	t.Helper()
	now := time.Now().Unix()
	if out.IssuedAt < before || out.IssuedAt > now || out.ExpiresAt != out.IssuedAt+ttl {
		t.Errorf("issuedAt = %d, expiresAt = %d; want %d..%d and %d more", out.IssuedAt, out.ExpiresAt, before, now, ttl)
	}
	if out.ExpiresIn > ttl || out.ExpiresIn < ttl-60 {
		t.Errorf("expiresIn = %d, want about %d", out.ExpiresIn, ttl)
	}
	if got.claims["iat"] != float64(out.IssuedAt) || got.claims["exp"] != float64(out.ExpiresAt) {
		t.Errorf("iat = %v, exp = %v; the output says %d, %d", got.claims["iat"], got.claims["exp"], out.IssuedAt, out.ExpiresAt)
	}
	if out.TokenType != "JWT" || out.Algorithm != got.header["alg"] || out.JWTID == "" {
		t.Errorf("output = %s, %s, jwtId %q; want JWT, %v and a jwtId", out.TokenType, out.Algorithm, out.JWTID, got.header["alg"])
	}
}

// checkClaims checks all claims but iat and exp.
func checkClaims(t *testing.T, got verifiedToken, want object) {
	t.Helper()
	claims := object{}
	for name, value := range got.claims {
		if name != "iat" && name != "exp" {
			claims[name] = value
		}
	}
	if !reflect.DeepEqual(claims, want) {
		t.Errorf("claims = %v, want %v", claims, want)
	}
}
