package task_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/internal/outbound"
	"conductor-jwt/policy"
	"conductor-jwt/task"
	"conductor-jwt/test/josetoken"
	"conductor-jwt/verifier"
)

// offline is an issuer that does not answer.
type offline struct{}

func (offline) Do(context.Context, outbound.Request) (outbound.Response, error) {
	return outbound.Response{}, errors.New("a-secret of the network")
}

// verifying delivers a task that verifies, under a policy.
func verifying(tb testing.TB, text string) setup {
	tb.Helper()
	p, err := policy.Read("policy.yaml", []byte(text), time.Hour)
	if err != nil {
		tb.Fatal(err)
	}
	v, err := verifier.New(tb.Context(), verifier.Options{
		Client: offline{}, Waiting: bulkhead.New(9, time.Now), Metrics: verifier.NewMetrics(), Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler),
	}, p, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return func(o *task.Options, d *api.Task) {
		o.Policy, o.Verifiers, d.Type = p, v, task.VerifyType
	}
}

func inlineAllowed(o *task.Options, _ *api.Task) { o.VerifyInline = true }

// setFile writes the public JWK Set of keys and returns its URL.
func setFile(tb testing.TB, keys ...jose.JSONWebKey) string {
	tb.Helper()
	return writeSet(tb, setOf(tb, keys...))
}

func setOf(tb testing.TB, keys ...jose.JSONWebKey) string {
	tb.Helper()
	set := jose.JSONWebKeySet{Keys: keys}
	for i, k := range keys {
		if _, isSecret := k.Key.([]byte); !isSecret {
			set.Keys[i] = k.Public()
		}
	}
	raw, err := json.Marshal(set)
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

func writeSet(tb testing.TB, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "keys.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return "file://" + path
}

// partnerPolicy is that of a partner who signs with edKey or ecKey.
func partnerPolicy(tb testing.TB) string {
	tb.Helper()
	return `verifiers: {partner: {issuer: partner, audiences: [api, other], algorithms: [EdDSA, ES256], leeway: 10s, jwks: "` +
		setFile(tb, jose.JSONWebKey{Key: edKey(), KeyID: "ed"}, jose.JSONWebKey{Key: ecKey(), KeyID: "ec", Algorithm: "ES256"}) + `"}}`
}

const partnerClaims = `{"iss":"partner","aud":"api","sub":"alice","exp":1795348860,"n":12345678901234567890,"one":1.0,"roles":["a","b"]}`

// jwsOf signs claims with go-jose.
func jwsOf(tb testing.TB, key any, kid string, alg jose.SignatureAlgorithm, claims string) string {
	tb.Helper()
	if kid == "" {
		return josetoken.Sign(tb, alg, key, claims)
	}
	return josetoken.Sign(tb, alg, key, claims, "kid", kid)
}

func partnerToken(tb testing.TB, claims string) string {
	tb.Helper()
	return jwsOf(tb, edKey(), "ed", jose.EdDSA, claims)
}

func ask(token, members string) string {
	return `{"verifier":"partner","token":` + quote(token) + members + `}`
}

// valid demands that a token is valid.
func valid(tb testing.TB, out task.Outcome) {
	tb.Helper()
	if out.Status != api.Completed || out.Reason != "" || out.Fault != (task.Fault{}) {
		tb.Fatalf("the task did not complete: %s %s", out.Status, out.Reason)
	}
	if object(tb, out.Output.Reveal())["valid"] != true {
		tb.Fatalf("the token is not valid: %s", out.Output.Reveal())
	}
}

func TestAValidTokenGivesItsClaims(t *testing.T) {
	out := handle(t, ask(partnerToken(t, partnerClaims), ""), verifying(t, partnerPolicy(t)))
	valid(t, out)
	want := `{"valid":true,"claims":` + partnerClaims + `,"header":{"alg":"EdDSA","kid":"ed","typ":"JWT"},"issuer":"partner","subject":"alice",` +
		`"expiresAt":1795348860,"expiresIn":60,"keyId":"ed"}`
	if got := string(out.Output.Reveal()); got != want {
		t.Errorf("output\n%s, want\n%s", got, want)
	}
	if out.Algorithm != "" || out.KeyKind != "" {
		t.Errorf("labels %q, %q of a token that nobody signed", out.Algorithm, out.KeyKind)
	}
}

func TestTheSchemeOfAHeaderIsRemoved(t *testing.T) {
	s, token := verifying(t, partnerPolicy(t)), partnerToken(t, partnerClaims)
	for _, text := range []string{token, "Bearer " + token, "bearer " + token, "BEARER   " + token} {
		valid(t, handle(t, ask(text, ""), s))
	}
	for _, text := range []string{" " + token, token + " ", "Bearer" + token, "Bearer\t" + token, "Basic " + token, "Bearer Bearer " + token, "Bearer ", token + "\n"} {
		failed(t, handle(t, ask(text, ""), s), "token_invalid", "token")
	}
}

// faultsOf returns the reasons of the faults in the output.
func faultsOf(tb testing.TB, o map[string]any) []string {
	tb.Helper()
	list, _ := o["faults"].([]any)
	var words []string
	for _, each := range list {
		f, _ := each.(map[string]any)
		word, _ := f["reason"].(string)
		message, _ := f["message"].(string)
		if !slices.Contains(task.FaultReasons(), word) || message == "" || f["field"] == "" || len(f) != 3 {
			tb.Errorf("a fault is %v", f)
		}
		words = append(words, word)
	}
	return words
}

func TestAnInvalidTokenFailsTheTaskOrIsReported(t *testing.T) {
	s := verifying(t, partnerPolicy(t))
	good := partnerToken(t, partnerClaims)
	for name, row := range map[string]struct {
		token  string // JSON
		faults string
	}{
		"every claim wrong":    {quote(partnerToken(t, `{"iss":"CANARY","aud":["CANARY"],"nbf":1895348860,"exp":1}`)), "issuer audience not_yet_valid expired"},
		"no claims":            {quote(partnerToken(t, `{}`)), "issuer audience no_expiry"},
		"claims of no type":    {quote(partnerToken(t, `{"iss":1,"aud":{},"exp":"x"}`)), "claim claim claim"},
		"another key":          {quote(jwsOf(t, ecKey(), "ed", jose.ES256, partnerClaims)), "algorithm"},
		"an unknown key":       {quote(jwsOf(t, edKey(), "CANARY", jose.EdDSA, partnerClaims)), "key"},
		"a changed payload":    {quote(strings.Replace(good, ".", ".x", 1)), "malformed"},
		"a cut signature":      {quote(good[:len(good)-4]), "malformed"},
		"a signature of zeros": {quote(good[:strings.LastIndex(good, ".")+1] + strings.Repeat("A", 86)), "signature"},
		"no token":             {`null`, "malformed"},
		"an empty token":       {`""`, "malformed"},
		"a number":             {`5`, "malformed"},
		"an object":            {`{"jwt":"CANARY"}`, "malformed"},
		"a list":               {`["` + good + `"]`, "malformed"},
		"a boolean":            {`true`, "malformed"},
		"a long text":          {quote(strings.Repeat("CANARY", 1<<15)), "too_large"},
		"an encrypted one":     {`"a.b.c.d.e"`, "encrypted"},
		"an unsigned one":      {`"eyJhbGciOiJub25lIn0.e30."`, "unsigned"},
	} {
		t.Run(name, func(t *testing.T) {
			text := `{"verifier":"partner","token":` + row.token
			out := handle(t, text+`}`, s)
			message := failed(t, out, "token_invalid", "token")
			if out.Status != api.FailedWithTerminalError || strings.HasPrefix(message, "token: ") { // the field is there already
				t.Errorf("the task ended %s: %s", out.Status, message)
			}
			e, _ := object(t, out.Output.Reveal())["error"].(map[string]any)
			if got := strings.Join(faultsOf(t, e), " "); got != row.faults {
				t.Errorf("faults %s, want %s: %s", got, row.faults, message)
			}
			reported := handle(t, text+`,"onInvalid":"report"}`, s)
			o := object(t, reported.Output.Reveal())
			if reported.Status != api.Completed || o["valid"] != false || o["code"] != "token_invalid" || len(o) != 3 {
				t.Errorf("reported as %s: %s", reported.Status, reported.Output.Reveal())
			}
			if got := strings.Join(faultsOf(t, o), " "); got != row.faults {
				t.Errorf("reported faults %s, want %s", got, row.faults)
			}
			for _, shown := range []string{out.Reason, string(out.Output.Reveal()), string(reported.Output.Reveal())} {
				if strings.Contains(shown, "CANARY") || strings.Contains(shown, "eyJ") {
					t.Errorf("it quotes the token: %s", shown)
				}
			}
		})
	}
}

// An expectation that is not checked would fail open.
func TestSubjectAndRequiredClaimsMustHold(t *testing.T) {
	s, token := verifying(t, partnerPolicy(t)), partnerToken(t, partnerClaims)
	for members, ok := range map[string]bool{
		`"subject":"alice"`:                                               true,
		`"subject":"Alice"`:                                               false,
		`"subject":"alice "`:                                              false,
		`"requiredClaims":{"sub":"alice","roles":"a"}`:                    true,
		`"requiredClaims":{"sub":["bob","alice"],"roles":["c","b"]}`:      true,
		`"requiredClaims":{"sub":"alice","roles":"c"}`:                    false,
		`"requiredClaims":{"role":"a"}`:                                   false,
		`"requiredClaims":{"n":12345678901234567890}`:                     true,
		`"requiredClaims":{"n":12345678901234567891}`:                     false,
		`"requiredClaims":{"n":"12345678901234567890"}`:                   false,
		`"requiredClaims":{}`:                                             true,
		`"subject":"alice","requiredClaims":{"iss":"partner"}`:            true,
		`"subject":"bob","requiredClaims":{"iss":"partner"}`:              false,
		`"subject":"alice","requiredClaims":{"iss":["other","partner "]}`: false,
	} {
		out := handle(t, ask(token, ","+members), s, template(ask(token, ","+members)))
		if ok {
			valid(t, out)
		} else {
			failed(t, out, "token_invalid", "token")
		}
	}
}

func TestABlankExpectationIsRefused(t *testing.T) {
	s, token := verifying(t, partnerPolicy(t)), partnerToken(t, partnerClaims)
	for _, row := range []struct{ members, code, field string }{
		{`"requiredClaims":{"a":null}`, "input_invalid", "requiredClaims"},
		{`"requiredClaims":{"a":""}`, "input_invalid", "requiredClaims"},
		{`"requiredClaims":{"a":[]}`, "input_invalid", "requiredClaims"},
		{`"requiredClaims":{"a":[null]}`, "input_invalid", "requiredClaims"},
		{`"requiredClaims":{"a":["x",""]}`, "input_invalid", "requiredClaims"},
		{`"requiredClaims":{"a":{"b":1}}`, "input_invalid", "requiredClaims"},
		{`"requiredClaims":{"a":[["x"]]}`, "input_invalid", "requiredClaims"},
		{`"requiredClaims":["a"]`, "input_invalid", "requiredClaims"},
		{`"requiredClaims":{"a":1,"a":2}`, "input_invalid", "requiredClaims"},
		{`"requiredClaims":null`, "input_unresolved", "requiredClaims"},
		{`"requiredClaims":{}`, "input_unresolved", "requiredClaims"},
		{`"subject":""`, "input_unresolved", "subject"},
		{`"subject":null`, "input_unresolved", "subject"},
		{`"onInvalid":"ignore"`, "input_invalid", "onInvalid"},
		{`"requiredClaims":{"a":[` + strings.Repeat("1,", 64) + `1]}`, "input_too_large", "requiredClaims"},
	} {
		written := template(ask(token, ","+row.members))
		if row.code == "input_unresolved" {
			written = template(`{"` + row.field + `":"${workflow.input.x}"}`)
		}
		failed(t, handle(t, ask(token, ","+row.members), s, written), row.code, row.field)
	}
	valid(t, handle(t, ask(token, `,"subject":"","onInvalid":""`), s, template(`{"subject":"","onInvalid":""}`)))
	valid(t, handle(t, ask(token, `,"requiredClaims":{}`), s, template(`{"requiredClaims":{}}`)))
	failed(t, handle(t, ask(token, `,"requiredClaims":{"sub":null}`), s, template(`{"requiredClaims":{"sub":"${workflow.input.s}"}}`)), "input_unresolved", "requiredClaims")
}

// The name of a required claim is shown where the definition has it, and otherwise it
// may be anything.
func TestTheNameOfARequiredClaimIsShownIfItIsNoData(t *testing.T) {
	s, token := verifying(t, partnerPolicy(t)), partnerToken(t, partnerClaims)
	text := ask(token, `,"requiredClaims":{"repository":"x"}`)
	if m := failed(t, handle(t, text, s, template(text)), "token_invalid", "token"); !strings.Contains(m, "repository: the token has no such claim") {
		t.Error(m)
	}
	if m := failed(t, handle(t, text, s, template(`{"requiredClaims":"${workflow.input.r}"}`)), "token_invalid", "token"); strings.Contains(m, "repository") {
		t.Error(m)
	}
}

func TestTheVerifierIsTheOperators(t *testing.T) {
	text := partnerPolicy(t)
	s, token := verifying(t, text), partnerToken(t, partnerClaims)
	for _, row := range []struct {
		input, code, field, says string
	}{
		{`{"token":"x","verifier":"partnr"}`, "verifier_unknown", "verifier", "did you mean partner?"},
		{`{"token":"x","verifier":"CANARY"}`, "verifier_unknown", "verifier", "write one of partner"},
		{`{"token":"x"}`, "input_missing", "verifier", "no verifier was given"},
		{ask(token, `,"audience":"x"`), "input_conflict", "audience", "the verifier says"},
		{ask(token, `,"publicKey":"x"`), "input_conflict", "publicKey", "the verifier says"},
		{ask(token, `,"algorithms":["none"]`), "input_conflict", "algorithms", "the verifier says"},
		{ask(token, `,"jwks":"x"`), "input_unknown", "jwks", "write publicKey"},
		{ask(token, `,"Token":"x"`), "input_unknown", "Token", "write token"},
		{ask(token, `,"maxAge":"x"`), "input_unknown", "maxAge", "the verifier of the policy file"},
		{`{"verifier":"partner","jwt":"x"}`, "input_unknown", "jwt", "write token"},
	} {
		out := handle(t, row.input, s)
		if m := failed(t, out, row.code, row.field); !strings.Contains(m, row.says) || strings.Contains(m, "CANARY") {
			t.Errorf("%s: %s", row.input, m)
		}
	}
	if out := handle(t, `{"token":"x","verifier":"nope"}`, s); out.Status != api.Failed {
		t.Errorf("where the policy has verifiers, another replica may know more; ended %s", out.Status)
	}
	if out := handle(t, `{"token":"x","verifier":"nope"}`, verifying(t, "inline: allow")); out.Status != api.FailedWithTerminalError {
		t.Errorf("without verifiers, ended %s", out.Status)
	}
	none := func(o *task.Options, d *api.Task) { d.Type = task.VerifyType }
	failed(t, handle(t, ask(token, ""), none), "verifier_unknown", "verifier")
	failed(t, handle(t, inlineInput(t, token, ""), none), "policy_denied", "publicKey")
	valid(t, handle(t, ask(token, ""), s, func(_ *task.Options, d *api.Task) { d.Type = "verify_jwt" }))
	if out := handle(t, ask(token, `,"whatever":1`), s); len(out.Warnings) != 1 || !strings.Contains(string(out.Output.Reveal()), "whatever") {
		t.Errorf("warnings %q", out.Warnings)
	}
}

// inlineInput brings along the key of edKey.
func inlineInput(tb testing.TB, token, members string) string {
	tb.Helper()
	return `{"token":` + quote(token) + `,"publicKey":` + quote(publicPEM(tb, edKey().Public())) + `,"algorithms":["EdDSA"],"issuer":"partner","audience":"api"` + members + `}`
}

func TestAKeyInTheTaskNeedsTheOperatorsConsent(t *testing.T) {
	s, token := verifying(t, partnerPolicy(t)), partnerToken(t, partnerClaims)
	if m := failed(t, handle(t, inlineInput(t, token, ""), s), "policy_denied", "publicKey"); !strings.Contains(m, "verify_inline: deny") {
		t.Error(m)
	}
	valid(t, handle(t, inlineInput(t, token, ""), s, inlineAllowed))
	failed(t, handle(t, inlineInput(t, token, `,"subject":"bob"`), s, inlineAllowed), "token_invalid", "token")
	failed(t, handle(t, inlineInput(t, partnerToken(t, `{"iss":"x","aud":"api","exp":1795348860}`), ""), s, inlineAllowed), "token_invalid", "token")
}

func TestAllOfAVerifierInTheTaskIsRequired(t *testing.T) {
	s, token := verifying(t, "inline: allow"), partnerToken(t, partnerClaims)
	all := object(t, []byte(inlineInput(t, token, "")))
	for _, name := range []string{"publicKey", "algorithms", "issuer", "audience"} {
		for _, blank := range []any{nil, "", []any{}} {
			some := maps.Clone(all)
			if some[name] = blank; blank == nil {
				delete(some, name)
			}
			raw, err := json.Marshal(some)
			if err != nil {
				t.Fatal(err)
			}
			failed(t, handle(t, string(raw), s, inlineAllowed), "input_missing", name)
		}
	}
	for _, row := range []struct {
		name  string
		value any
		code  string
		says  string
	}{
		{"algorithms", []any{"HS256"}, "input_invalid", "the key of HS256 is a secret"},
		{"algorithms", "none", "algorithm_unknown", "use "},
		{"algorithms", []any{"EdDSA", "eddsa"}, "algorithm_unknown", "EdDSA"},
		{"algorithms", []any{5}, "input_invalid", "list exact names"},
		{"publicKey", pemOf(edKey()), "key_unsupported", "a private key, not a public one"},
		{"publicKey", encryptedPEM(t, "x"), "key_unsupported", "a private key, not a public one"},
		{"publicKey", `{"kty":"oct","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"}`, "key_unsupported", "an HMAC secret"},
		{"publicKey", "not a key", "key_unreadable", "public key or certificate"},
		{"publicKey", strings.Repeat("x", 70_000), "input_too_large", "at most 65536 bytes"},
		{"publicKey", setOf(t, jose.JSONWebKey{Key: ecKey(), KeyID: "other"}), "token_invalid", "no key of the issuer has the id"},
	} {
		some := maps.Clone(all)
		some[row.name] = row.value
		raw, err := json.Marshal(some)
		if err != nil {
			t.Fatal(err)
		}
		field := row.name
		if row.code == "token_invalid" {
			field = "token"
		}
		if m := failed(t, handle(t, string(raw), s, inlineAllowed), row.code, field); !strings.Contains(m, row.says) {
			t.Errorf("%s: %s, want %s", row.name, m, row.says)
		}
	}
	for _, key := range []string{setOf(t, jose.JSONWebKey{Key: ecKey(), KeyID: "ec"}, jose.JSONWebKey{Key: edKey(), KeyID: "ed"}), setOf(t, jose.JSONWebKey{Key: edKey()})} {
		some := maps.Clone(all)
		some["publicKey"], some["algorithms"], some["audience"] = key, "EdDSA", []any{"x", "api"}
		raw, err := json.Marshal(some)
		if err != nil {
			t.Fatal(err)
		}
		valid(t, handle(t, string(raw), s, inlineAllowed))
	}
}

func TestAnIssuerThatIsAwayIsWaitedFor(t *testing.T) {
	text := `verifiers: {partner: {issuer: "https://partner.example", audiences: api, algorithms: EdDSA}}`
	for age, want := range map[time.Duration]api.Status{0: api.InProgress, time.Minute: api.InProgress, 10 * time.Minute: api.Failed} {
		out := handle(t, ask(partnerToken(t, partnerClaims), ""), verifying(t, text), func(_ *task.Options, d *api.Task) { d.Scheduled = noon.Add(-age) })
		m := failed(t, out, "issuer_unavailable", "verifier")
		if out.Status != want || out.Status == api.InProgress && out.After < time.Second || strings.Contains(m, "a-secret") {
			t.Errorf("at the age of %s: %s after %s: %s", age, out.Status, out.After, m)
		}
	}
	// It cannot be reported as invalid, which it may not be.
	out := handle(t, ask(partnerToken(t, partnerClaims), `,"onInvalid":"report"`), verifying(t, text))
	failed(t, out, "issuer_unavailable", "verifier")
}

// The claims of a secret must not be shown, unless the definition names the secret.
func TestASecretInjectedAsATokenIsRefused(t *testing.T) {
	token := partnerToken(t, partnerClaims)
	injected := func(stored, workflow string) setup {
		return func(o *task.Options, _ *api.Task) {
			o.Injection = task.InjectionAuto
			o.Stored = storedTask{stored, workflow}
		}
	}
	reference := `{"verifier":"partner","token":"${workflow.secrets.TOKEN}"}`
	const data = `{"verifier":"partner","token":"${workflow.input.token}"}`
	s := verifying(t, partnerPolicy(t))
	failed(t, handle(t, ask(token, ""), s, template(data), injected(reference, "{}")), "secret_injected", "token")
	failed(t, handle(t, ask("x.y.z", ""), s, template(data), injected(reference, "{}")), "secret_injected", "token")
	failed(t, handle(t, ask("x.y.z", `,"onInvalid":"report"`), s, template(data), injected(reference, "{}")), "secret_injected", "token")
	failed(t, handle(t, ask(token, `,"subject":"alice"`), s, template(data), injected(`{"subject":"${workflow.secrets.S}"}`, "{}")), "secret_injected", "subject")
	valid(t, handle(t, ask(token, ""), s, template(data), injected(ask(token, ""), "{}")))
	definition := `{"workflowDefinition":{"tasks":[{"name":"v","type":"VERIFY_JWT","inputParameters":` + reference + `}]}}`
	valid(t, handle(t, ask(token, ""), s, template(reference), injected(reference, definition)))
	failed(t, handle(t, ask(token, ""), s, template(reference), injected(reference, `{"workflowDefinition":{"tasks":[]}}`)), "secret_injected", "token")
}

// storedTask is what the server keeps of a task and its workflow.
type storedTask struct{ input, workflow string }

func (s storedTask) StoredTask(context.Context, string) (api.Task, error) {
	return api.Task{Input: input(s.input)}, nil
}

func (s storedTask) StoredWorkflow(context.Context, string) (json.RawMessage, error) {
	return json.RawMessage(s.workflow), nil
}

func TestVerificationsAreAudited(t *testing.T) {
	token := partnerToken(t, partnerClaims)
	var audit []task.Decision
	var log bytes.Buffer
	s := verifying(t, partnerPolicy(t))
	watch := func(o *task.Options, _ *api.Task) {
		o.Audit = func(d task.Decision) { audit = append(audit, d) }
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	}
	handle(t, ask(token, ""), s, watch)
	handle(t, ask(partnerToken(t, `{"iss":"CANARY"}`), `,"onInvalid":"report"`), s, watch)
	handle(t, ask(partnerToken(t, `{"iss":"CANARY"}`), ""), s, watch)
	if len(audit) != 3 {
		t.Fatalf("%d decisions", len(audit))
	}
	sum := sha256.Sum256([]byte(token))
	ok := audit[0]
	if !ok.Allowed || ok.Verifier != "partner" || ok.Issuer != "partner" || ok.Subject != "alice" || ok.KeyID != "ed" || ok.Algorithm != "EdDSA" || ok.TokenSHA256 != fmt.Sprintf("%x", sum) {
		t.Errorf("the audit of a valid token is %+v", ok)
	}
	for _, d := range audit[1:] {
		if bool(d.Allowed) || d.Code != "token_invalid" || d.Verifier != "partner" || d.Issuer != "" || d.TokenSHA256 != "" {
			t.Errorf("the audit of an invalid token is %+v", d)
		}
	}
	if strings.Contains(log.String(), "eyJ") || strings.Contains(log.String(), "CANARY") {
		t.Errorf("the log holds\n%s", log.String())
	}
}

func TestADeadlineOfAVerificationIsATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		cancel()
		o, d := options(), api.Task{Scheduled: noon, Input: input(ask(partnerToken(t, partnerClaims), ""))}
		verifying(t, partnerPolicy(t))(&o, &d)
		failed(t, task.NewHandler(o).Handle(ctx, d), "timeout", "")
	})
}

// hostile are tokens that a careless verifier accepts.
func hostile(t *testing.T) map[string]string {
	t.Helper()
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	good := partnerToken(t, partnerClaims)
	parts := strings.Split(good, ".")
	mac := func(header, key string) string {
		h := hmac.New(sha256.New, []byte(key))
		h.Write([]byte(part(header) + "." + part(partnerClaims)))
		return part(header) + "." + part(partnerClaims) + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
	}
	public := publicPEM(t, edKey().Public())
	jwk := setOf(t, jose.JSONWebKey{Key: edKey(), KeyID: "ed"})
	evil := func(headers ...any) string {
		return josetoken.Sign(t, jose.ES256, strangerKey(), partnerClaims, headers...)
	}
	publicEvil := strangerKey().Public()
	tokens := map[string]string{
		"hmac with the public key in pem":      mac(`{"alg":"HS256","kid":"ed"}`, public),
		"hmac with the public key, trimmed":    mac(`{"alg":"HS256","kid":"ed"}`, strings.TrimSpace(public)),
		"hmac with the public jwks":            mac(`{"alg":"HS256","kid":"ed"}`, jwk),
		"hmac with an empty key":               mac(`{"alg":"HS256"}`, ""),
		"a key in the header":                  evil("jwk", jose.JSONWebKey{Key: publicEvil}),
		"a key in the header, with a kid":      evil("jwk", jose.JSONWebKey{Key: publicEvil, KeyID: "ec"}, "kid", "ec"),
		"a set named by the header":            evil("jku", "https://evil.example/keys", "kid", "ec"),
		"a certificate named by the header":    evil("x5u", "https://evil.example/cert", "kid", "ec"),
		"a path as kid":                        evil("kid", "../../../../dev/null"),
		"a query as kid":                       evil("kid", "ec' OR '1'='1"),
		"another key":                          evil("kid", "ec"),
		"no kid":                               evil(),
		"a signature of zeros":                 part(`{"alg":"ES256","kid":"ec"}`) + "." + part(partnerClaims) + "." + part(strings.Repeat("\x00", 64)),
		"no signature":                         parts[0] + "." + parts[1] + ".",
		"half of a signature":                  parts[0] + "." + parts[1] + "." + parts[2][:43],
		"another payload":                      parts[0] + "." + part(strings.Replace(partnerClaims, "alice", "root!", 1)) + "." + parts[2],
		"another header":                       part(`{"alg":"EdDSA","kid":"ed","x":1}`) + "." + parts[1] + "." + parts[2],
		"another alg of the same signature":    part(`{"alg":"Ed25519","kid":"ed","typ":"JWT"}`) + "." + parts[1] + "." + parts[2],
		"the ec algorithm with the ed key":     part(`{"alg":"ES256","kid":"ed"}`) + "." + parts[1] + "." + parts[2],
		"crit":                                 part(`{"alg":"EdDSA","kid":"ed","crit":["exp"]}`) + "." + parts[1] + "." + parts[2],
		"a second alg":                         part(`{"alg":"none","alg":"EdDSA","kid":"ed"}`) + "." + parts[1] + "." + parts[2],
		"padding":                              parts[0] + "." + parts[1] + "." + parts[2] + "==",
		"a line break":                         parts[0] + "." + parts[1] + "." + parts[2][:20] + "\n" + parts[2][20:],
		"more after it":                        good + ".x",
		"two":                                  good + "," + good,
		"json serialisation":                   `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`,
		"deep json":                            part(`{"alg":"EdDSA"}`) + "." + part(strings.Repeat("[", 10_000)) + ".c2ln",
		"dots":                                 strings.Repeat(".", 60<<10),
		"10 MB would be external, 3 MB is not": strings.Repeat("a", 3<<20),
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", " none", "none ", "", "null", "HS256", "es256", "ES256\x00"} {
		tokens["alg "+alg] = part(`{"alg":`+quote(alg)+`}`) + "." + part(partnerClaims) + "."
		tokens["alg "+alg+" with a signature"] = part(`{"alg":`+quote(alg)+`}`) + "." + part(partnerClaims) + ".AAAA"
	}
	return tokens
}

// strangerKey is a key that nobody trusts.
var strangerKey = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})

func TestHostileTokensFailClosed(t *testing.T) {
	named, inline := verifying(t, partnerPolicy(t)), inlineAllowed
	for name, token := range hostile(t) {
		for _, text := range []string{ask(token, ""), inlineInput(t, token, "")} {
			began := time.Now()
			out := handle(t, text, named, inline)
			if m := failed(t, out, "token_invalid", "token"); strings.Contains(m, "eyJ") {
				t.Errorf("%s: %s", name, m)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("%s took %s", name, took)
			}
		}
	}
}
