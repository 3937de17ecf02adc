package task_test

import (
	"reflect"
	"testing"

	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
)

// seedTemplate is the workflow task of the page that this worker is built to,
// and seedInput what the server makes of it.
const (
	seedTemplate = `{"subject":"${workflow.input.subject}","issuer":"${workflow.input.issuer}","privateKey":"${workflow.secrets.jwt-privatekey}",
		"privateKeyId":"key-123","audience":"${workflow.input.audience}","ttlInSecond":3600,"scopes":"${workflow.input.scope}","algorithm":"EdDSA"}`
	seedInput = `{"subject":"alice","issuer":"https://issuer.example","privateKey":@key,"privateKeyId":"key-123",
		"audience":"https://api.example","ttlInSecond":3600,"scopes":"read write","algorithm":"EdDSA"}`
	uiInput = `{"subject":"","issuer":"","privateKey":@key,"privateKeyId":"","audience":"","ttlInSecond":0,"scopes":[],"algorithm":""}`
)

func TestTheSeedsTaskGivesItsToken(t *testing.T) {
	tok := completed(t, handle(t, seedInput, template(seedTemplate)))
	wantPayload := `{"iss":"https://issuer.example","sub":"alice","aud":"https://api.example","exp":1795352400,"iat":1795348800,"jti":"fresh-id","scope":"read write"}`
	if tok.payload != wantPayload {
		t.Errorf("claims = %s\nwant     %s", tok.payload, wantPayload)
	}
	if want := (map[string]any{"alg": "EdDSA", "kid": "key-123", "typ": "JWT"}); !reflect.DeepEqual(tok.header, want) {
		t.Errorf("header = %v, want %v", tok.header, want)
	}
	delete(tok.output, "token")
	want := object(t, []byte(`{"tokenType":"JWT","algorithm":"EdDSA","keyId":"key-123","issuedAt":1795348800,"expiresAt":1795352400,"expiresIn":3600,"jwtId":"fresh-id","taskId":"task-1"}`))
	if !reflect.DeepEqual(tok.output, want) {
		t.Errorf("output = %v, want %v", tok.output, want)
	}
}

func TestTheFormsBlankFieldsAreLeftOut(t *testing.T) {
	tok := completed(t, handle(t, uiInput, template(uiInput)))
	if want := `{"exp":1795349100,"iat":1795348800,"jti":"fresh-id"}`; tok.payload != want {
		t.Errorf("claims = %s, want %s", tok.payload, want)
	}
	if want := (map[string]any{"alg": "EdDSA", "typ": "JWT"}); !reflect.DeepEqual(tok.header, want) {
		t.Errorf("header = %v, want %v", tok.header, want)
	}
	if _, ok := tok.output["keyId"]; ok {
		t.Error("the output has a keyId although there is no kid")
	}
}

func TestEverySignatureHasItsOwnID(t *testing.T) {
	ids := map[any]bool{}
	for range 3 {
		out := handle(t, with(""), func(o *task.Options, _ *api.Task) { o.NewID = task.NewID })
		ids[completed(t, out).claims["jti"]] = true
	}
	if len(ids) != 3 {
		t.Errorf("3 signatures have %d ids", len(ids))
	}
}
