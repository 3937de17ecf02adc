package task_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"sync"
	"testing"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
	"conductor-jwt/task"
)

// contract is the table of codes that workflows are promised, with the end of
// each.
func contract() map[string]api.Status {
	ends := map[string]api.Status{
		"secret_unresolved": api.Failed, "key_unknown": api.Failed, "timeout": api.Failed, "internal": api.Failed,
		"injection_unchecked": api.InProgress, "key_unavailable": api.InProgress, "exchange_unavailable": api.InProgress, "issuer_unavailable": api.InProgress,
	}
	for code := range strings.FieldsSeq(`input_invalid input_missing input_conflict input_too_large input_unknown input_unresolved
		secret_missing secret_in_claim secret_injected payload_external
		key_unreadable key_public key_certificate key_encrypted key_password key_ambiguous key_weak key_too_large key_inconsistent
		key_unsupported key_use algorithm_unknown algorithm_mismatch
		ttl_out_of_range scope_invalid certificate_mismatch certificate_invalid policy_denied profile_unknown exchange_refused token_invalid verifier_unknown`) {
		ends[code] = api.FailedWithTerminalError
	}
	return ends
}

func TestTheTableOfCodesIsThePromisedOne(t *testing.T) {
	promised := contract()
	for _, code := range task.Codes() {
		end, ok := promised[code.Name]
		if !ok {
			t.Errorf("%s is in the table once too often, or was never promised", code.Name)
			continue
		}
		delete(promised, code.Name)
		if code.Status != end {
			t.Errorf("%s ends %s, want %s", code.Name, code.Status, end)
		}
		if code.FailedAfterWait != strings.HasSuffix(code.Name, "_unavailable") {
			t.Errorf("%s: FailedAfterWait = %t", code.Name, code.FailedAfterWait)
		}
		if code.FailedWithProfiles != (code.Name == "profile_unknown") {
			t.Errorf("%s: FailedWithProfiles = %t", code.Name, code.FailedWithProfiles)
		}
		if code.FailedWithVerifiers != (code.Name == "verifier_unknown") {
			t.Errorf("%s: FailedWithVerifiers = %t", code.Name, code.FailedWithVerifiers)
		}
		if code.When == "" || code.Remedy == "" {
			t.Errorf("%s does not say when it happens and what to do", code.Name)
		}
	}
	for name := range promised {
		t.Errorf("%s is not in the table", name)
	}
}

// produced are the codes with which tasks of the tests have failed as a test
// wanted them to.
var produced sync.Map

// unproduced are the codes that no test has produced, once all have run.
func unproduced() []string {
	var names []string
	for _, code := range task.Codes() {
		if _, ok := produced.Load(code.Name); !ok {
			names = append(names, code.Name)
		}
	}
	return names
}

func TestErrorsMeanTheirCodes(t *testing.T) {
	wrapped := func(reason error) error {
		return errors.Join(errors.New("outer"), &fault.Error{Reason: reason, Found: "f", Hint: "h"})
	}
	for _, test := range []struct {
		err     error
		code    string
		message string
	}{
		{wrapped(keys.ErrPublic), "key_public", "f; h"},
		{wrapped(keys.ErrVerification), "internal", ""},
		{&fault.Error{Reason: keys.ErrUnavailable, Found: "f", Cause: context.DeadlineExceeded}, "key_unavailable", "f"},
		{&fault.Error{Reason: task.ErrPolicyDenied, Field: "issuer", Found: "f", Hint: "h"}, "policy_denied", "f; h"},
		{task.ErrPolicyDenied, "policy_denied", ""},
		{context.DeadlineExceeded, "timeout", ""},
		{context.Canceled, "timeout", ""},
		{errors.New("open /etc/a-secret: no such file"), "internal", ""},
	} {
		fault, status := task.FaultOf(test.err)
		if fault.Code != test.code || status != contract()[test.code] {
			t.Errorf("%v means %s, %s; want %s", test.err, fault.Code, status, test.code)
		}
		if test.message != "" && fault.Message != test.message || fault.Message == "" || strings.Contains(fault.Message, "a-secret") {
			t.Errorf("%v says %q", test.err, fault.Message)
		}
	}
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

var ecKey = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})

func publicPEM(tb testing.TB, public crypto.PublicKey) string {
	tb.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		tb.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// encryptedPEM is a key in RFC 1423's form.
func encryptedPEM(tb testing.TB, password string) string {
	tb.Helper()
	der := x509.MarshalPKCS1PrivateKey(rsaKey())
	block, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", der, []byte(password), x509.PEMCipherAES256) //nolint:staticcheck // authors have such keys
	if err != nil {
		tb.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}

func TestEveryCodeOfAKeyIsReached(t *testing.T) {
	ec := pemOf(ecKey())
	jwk := func(members string) string {
		return `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"` + members + `}`
	}
	for _, test := range []struct{ code, field, says, input string }{
		{"key_unreadable", "privateKey", "text that is no key", `{"privateKey":"not a key at all"}`},
		{"key_unreadable", "privateKey", "an object that is no jwk", `{"privateKey":{"a":1}}`},
		{"key_public", "privateKey", "a public key", `{"privateKey":` + quote(publicPEM(t, ecKey().Public())) + `}`},
		{"key_certificate", "privateKey", "a certificate", `{"privateKey":` + quote(certificate(t, ecKey(), nil)) + `}`},
		{"key_encrypted", "privateKey", "an encrypted key", `{"privateKey":` + quote(encryptedPEM(t, "right")) + `}`},
		{"key_password", "privateKeyPassword", "an encrypted key and another password", `{"privateKey":` + quote(encryptedPEM(t, "right")) + `,"privateKeyPassword":"wrong"}`},
		{"key_ambiguous", "privateKey", "two keys", `{"privateKey":` + quote(ec+pemOf(edKey())) + `}`},
		{"key_ambiguous", "privateKey", "two keys in a set", `{"privateKey":{"keys":[` + jwk(`,"kid":"a"`) + `,` + jwk(`,"kid":"b"`) + `]}}`},
		{"key_weak", "privateKey", "a short hmac secret", `{"privateKey":"short","secretEncoding":"raw","algorithm":"HS256"}`},
		{"key_weak", "privateKey", "a short hmac secret without an algorithm", `{"privateKey":"short","secretEncoding":"raw"}`},
		{"key_inconsistent", "privateKey", "a jwk of two keys' halves", `{"privateKey":` + strings.Replace(jwk(""), "11qY", "21qY", 1) + `}`},
		{"key_unsupported", "privateKey", "a jwk for key agreement", `{"privateKey":{"kty":"OKP","crv":"X25519","x":"hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo","d":"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo"}}`},
		{"key_use", "privateKey", "a jwk for encryption", `{"privateKey":` + jwk(`,"use":"enc"`) + `}`},
		{"key_unknown", "keyRef", "a key that nobody configured", `{"keyRef":"billing"}`},
		{"algorithm_unknown", "algorithm", "a wrongly cased algorithm", `{"privateKey":` + quote(ec) + `,"algorithm":"es256"}`},
		{"algorithm_unknown", "algorithm", "no algorithm", `{"privateKey":` + quote(ec) + `,"algorithm":"none"}`},
		{"algorithm_mismatch", "algorithm", "the form's RS256 with an EC key", `{"privateKey":` + quote(ec) + `,"algorithm":"RS256"}`},
		{"algorithm_mismatch", "algorithm", "a jwk for another algorithm", `{"privateKey":` + jwk(`,"alg":"EdDSA"`) + `,"algorithm":"Ed25519"}`},
		{"certificate_mismatch", "certificate", "another key's certificate", `{"privateKey":` + quote(ec) + `,"certificate":` + quote(certificate(t, rsaKey(), nil)) + `}`},
	} {
		t.Run(test.says, func(t *testing.T) {
			out := handle(t, test.input)
			message := failed(t, out, test.code, test.field)
			if out.Status != contract()[test.code] {
				t.Errorf("the task ended %s", out.Status)
			}
			if !strings.Contains(message, "; ") {
				t.Errorf("the message does not say what to do: %q", message)
			}
		})
	}
}

func TestAnECKeyBesideTheFormsAlgorithmSaysWhichToSet(t *testing.T) {
	out := handle(t, `{"privateKey":`+quote(pemOf(ecKey()))+`,"algorithm":"RS256"}`)
	if !strings.Contains(out.Reason, "ES256") {
		t.Errorf("reason = %q", out.Reason)
	}
}

func TestAKeyThatIsTooLargeIsRefused(t *testing.T) {
	out := handle(t, with(""), func(o *task.Options, _ *api.Task) {
		o.Keys = resolverFunc(func(context.Context, keys.Ref) (keys.Key, error) {
			return nil, &fault.Error{Reason: keys.ErrTooLarge, Found: "an RSA key of 16384 bits", Hint: "use one of 2048 to 8192 bits"}
		})
	})
	if message := failed(t, out, "key_too_large", "privateKey"); message != "an RSA key of 16384 bits; use one of 2048 to 8192 bits" {
		t.Errorf("message = %q", message)
	}
}

func TestAlgorithmAndKindAreLabels(t *testing.T) {
	for _, test := range []struct{ key, members, algorithm, kind, id string }{
		{quote(pemOf(rsaKey())), ``, "RS256", "rsa", ""},
		{quote(pemOf(rsaKey())), `,"algorithm":"PS384"`, "PS384", "rsa", ""},
		{quote(pemOf(ecKey())), `,"privateKeyId":"x"`, "ES256", "ec", "x"},
		{quote(pemOf(edKey())), ``, "EdDSA", "okp", ""},
		{`{"kty":"oct","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE","kid":"own"}`, ``, "HS256", "oct", "own"},
		{`{"kty":"oct","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE","kid":"own"}`, `,"privateKeyId":"other"`, "HS256", "oct", "other"},
	} {
		out := handle(t, `{"privateKey":`+test.key+test.members+`}`)
		if out.Status != api.Completed {
			t.Errorf("%s%s: %s", test.algorithm, test.members, out.Reason)
			continue
		}
		if out.Algorithm != test.algorithm || out.KeyKind != test.kind || out.KeyID != test.id || out.JWTID != "fresh-id" {
			t.Errorf("outcome = %s %s %s %s, want %v", out.Algorithm, out.KeyKind, out.KeyID, out.JWTID, test)
		}
	}
	var output map[string]any
	out := handle(t, `{"privateKey":`+quote(pemOf(rsaKey()))+`}`)
	if err := json.Unmarshal(out.Output.Reveal(), &output); err != nil {
		t.Fatal(err)
	}
	compact, _ := output["token"].(string)
	verified(t, compact, rsaKey().Public())
}
