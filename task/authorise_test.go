package task_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
	"conductor-jwt/task"
)

// ring has the key of the tests under two names.
type ring struct{ parser *keys.Parser }

func (r ring) Resolve(ctx context.Context, ref keys.Ref) (keys.Key, error) {
	switch ref.Name {
	case "":
		return r.parser.Resolve(ctx, ref)
	case "billing", "other":
		key, err := r.parser.Resolve(ctx, keys.Ref{Text: secret.New(pemOf(edKey()))})
		return named{key}, err
	}
	return nil, &fault.Error{Reason: keys.ErrUnknown, Found: "no key of this name is configured"}
}

type named struct{ keys.Key }

func (named) ID() string { return "its-kid" }

const policyText = `
keys: {billing: {source: "env:A"}, other: {source: "env:B"}}
grants:
  - use: [billing]
    workflows: ["billing_*"]
    task_types: [GET_SIGNED_JWT]
    issuers: ["https://billing.acme.com"]
    subjects: ["svc:*"]
    audiences: ["https://api.acme.com/**"]
    scopes: ["invoice:*"]
    algorithms: [EdDSA]
    secrets: [billing]
    max_ttl: 15m
`

// under is a worker with a policy, and a delivery of the workflow that it is
// for.
func under(tb testing.TB, text string) setup {
	tb.Helper()
	p, err := policy.Read("policy.yaml", []byte(text), time.Hour)
	if err != nil {
		tb.Fatal(err)
	}
	return func(o *task.Options, d *api.Task) {
		o.Policy, o.Keys, o.MaxTTL = p, ring{keys.NewParser(keys.ParserOptions{})}, time.Hour
		d.Type, d.WorkflowType = task.TaskType, "billing_run"
	}
}

// asked is an input that the grant allows, with members in place of its own.
func asked(tb testing.TB, members string) string {
	tb.Helper()
	input := map[string]any{
		"keyRef": "billing", "issuer": "https://billing.acme.com", "subject": "svc:a", "audience": []string{"https://api.acme.com/x"},
		"scopes": "invoice:read invoice:write", "ttlInSecond": 900,
	}
	var own map[string]any
	if err := json.Unmarshal([]byte("{"+members+"}"), &own); err != nil {
		tb.Fatal(err)
	}
	maps.Copy(input, own)
	raw, err := json.Marshal(input)
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

// Each field of a grant is once the only reason for a denial, and the message
// names the grant, the field and the input.
func TestEachFieldOfAGrantDeniesAlone(t *testing.T) {
	workflow := func(name string) setup {
		return func(_ *task.Options, d *api.Task) { d.WorkflowType = name }
	}
	grant := under(t, policyText)
	if tok := completed(t, handle(t, asked(t, ""), grant)); tok.header["kid"] != "its-kid" {
		t.Errorf("header %v", tok.header)
	}
	for _, row := range []struct {
		members, field, input string
		more                  setup
	}{
		{members: `"keyRef":"other"`, input: "keyRef"},
		{field: "workflows", input: "keyRef", more: workflow("x_billing_run")},
		{field: "workflows", input: "keyRef", more: workflow("")},
		{field: "task_types", input: "keyRef", more: func(_ *task.Options, d *api.Task) { d.Type = "other" }},
		{members: `"issuer":"https://evil.example"`, field: "issuers", input: "issuer"},
		{members: `"issuer":null`, field: "issuers", input: "issuer"},
		{members: `"subject":"user:a"`, field: "subjects", input: "subject"},
		{members: `"audience":["https://api.acme.com/x","https://evil.example"]`, field: "audiences", input: "audience"},
		{members: `"audience":""`, field: "audiences", input: "audience"},
		{members: `"scopes":"invoice:read admin"`, field: "scopes", input: "scopes"},
		{members: `"scopes":"","claims":{"scope":"admin"}`, field: "scopes", input: "scopes"},
		{members: `"claims":{"scp":["admin"]}`, field: "scopes", input: "scopes"},
		{members: `"claims":{"scp":{"a":1}}`, field: "scopes", input: "scopes"},
		{members: `"scopes":"","claims":{"scope":"invoice:x\tadmin"}`, field: "scopes", input: "scopes"},
		{members: `"scopes":"","claims":{"scope":"invoice:x\u00a0admin"}`, field: "scopes", input: "scopes"},
		{members: `"scopes":["invoice:x admin"],"scopeFormat":"array"`, field: "scopes", input: "scopes"},
		{members: `"scopes":"invoice:x,admin"`, field: "scopes", input: "scopes"},
		{members: `"claims":{"scp":["invoice:x\u001cadmin"]}`, field: "scopes", input: "scopes"},
		{members: `"scopes":"invoice:x;admin"`, field: "scopes", input: "scopes"},
		{members: `"scopes":"invoice:x|admin"`, field: "scopes", input: "scopes"},
		{members: `"scopes":"invoice:x%20admin"`, field: "scopes", input: "scopes"},
		{members: `"claims":{"scp":"invoice:x\u200badmin"}`, field: "scopes", input: "scopes"},
		{members: `"claims":{"scp":["invoice:x\u180eadmin"]}`, field: "scopes", input: "scopes"},
		{members: `"subject":"svc:a\nsvc:root"`, field: "subjects", input: "subject"},
		{members: `"subject":"svc:a\u0000"`, field: "subjects", input: "subject"},
		{members: `"subject":"svc:a\u202eb"`, field: "subjects", input: "subject"},
		{members: `"audience":"https://api.acme.com/x\u2066"`, field: "audiences", input: "audience"},
		{members: `"headers":{"typ":"secevent+jwt"}`, field: "types", input: "headers"},
		{members: `"ttlInSecond":901`, input: "ttlInSecond", field: "max_ttl"},
	} {
		more := row.more
		if more == nil {
			more = func(*task.Options, *api.Task) {}
		}
		message := failed(t, handle(t, asked(t, row.members), grant, more), "policy_denied", row.input)
		if row.field != "" && !strings.Contains(message, "grant 1 does not allow") || !strings.Contains(message, row.field) {
			t.Errorf("%s: %q", row.members, message)
		}
		if strings.Contains(message, "evil") || strings.Contains(message, "acme") {
			t.Errorf("a value is quoted: %q", message)
		}
	}
	mismatch := under(t, strings.Replace(policyText, "EdDSA", "RS256", 1))
	if message := failed(t, handle(t, asked(t, ""), mismatch), "policy_denied", "algorithm"); !strings.Contains(message, "algorithms") {
		t.Error(message)
	}
	failed(t, handle(t, asked(t, `"keyRef":"nobody"`), grant), "key_unknown", "keyRef")
}

// Many a parser takes a name for another: Go's encoding/json and Jackson ignore
// case, encoding/json/v2 can ignore _ and - too, and the last member wins.
func TestNothingPassesForWhatAGrantDecidesAbout(t *testing.T) {
	grant := under(t, policyText)
	for _, row := range []struct {
		input string
		names []string
	}{
		{"claims", []string{
			"ISS", "i\u017fs", "\u0131ss", "\u0130ss", "\u0130\u017fS", "i_ss", "i-s-s", "iss ", " iss", "i\u00a0ss", "iss\u2003", "i\u200bss", "\ufeffiss", "i\u00df", "\u0130\u1e9e", "_iss_", "iss\u0000", "iss\u0000x", "ISS\u0000_y",
			"Sub", "AUD", "a_u_d", "Exp", "exp_", "NBF", "IAT", "\u0131at", "Jti", "jt\u0131", "Scope", "s_cope", "SCP", "s_cp", "scp\t", "scp\u0000",
		}},
		{"headers", []string{
			"ALG", "Kid", "\u212aid", "k\u0131d", "KID ", "JKU", "j_ku", "jk\u00adu", "X5U", "x5-u", "X5C", "X5T", "x5t#s256", "X5T#S256", "x5c_insecure", "JWK", "jw\u212a", "Crit", "cr\u0131t", "B64",
			"TYP", "t_yp", "Cty", "ISS", "\u0131ss", "Sub", "AUD",
		}},
	} {
		for _, name := range row.names {
			input := asked(t, `"`+row.input+`":{`+quote(name)+`:4102444800}`)
			message := failed(t, handle(t, input, grant), "policy_denied", row.input)
			if strings.Contains(message, "4102444800") {
				t.Errorf("a value is quoted: %q", message)
			}
		}
	}
	completed(t, handle(t, asked(t, `"claims":{"issue":1,"expo":2,"SUBJECT":3,"scopes":4},"headers":{"keyid":1,"types":2,"cty":"x"}`), grant))
	completed(t, handle(t, with(`"claims":{"Exp":4102444800},"headers":{"JKU":1}`), under(t, "inline: allow")))
	// A key in the task that needs a grant is held to the same.
	const secret = `"privateKey":"${workflow.secrets.a}"`
	for _, members := range []string{`"claims":{"i_ss":1}`, `"headers":{"JKU":1}`} {
		out := handle(t, with(members), under(t, "inline: secrets-only\ngrants: [{secrets: [a]}]"), template(`{`+secret+`,`+members+`}`), stored(task.InjectionAuto, `{`+secret+`}`))
		failed(t, out, "policy_denied", strings.SplitN(members, `"`, 3)[1])
	}
}

func TestWithoutAGrantNoConfiguredKeySigns(t *testing.T) {
	failed(t, handle(t, asked(t, ""), under(t, `keys: {billing: {source: "env:A"}}`)), "policy_denied", "keyRef")
}

// An author can name a key or a profile, and nothing else that the worker could
// read: a URI, a file or an address is a name that nobody has, or the text of a
// key that is none.
func TestATaskNamesNoURI(t *testing.T) {
	for _, name := range []string{
		"file:///etc/passwd", "/etc/passwd", "https://evil.example/k", "env:HOME", "vault-kv://s/k#f", "conductor:jwt",
		"pkcs11:object=k?pin-source=/etc/passwd", "../billing", "Billing", "billing ", "127.0.0.1:8200",
	} {
		input, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct{ members, code, field string }{
			{`"keyRef":` + string(input), "key_unknown", "keyRef"},
			{`"keyRef":null,"profile":` + string(input), "profile_unknown", "profile"},
			{`"keyRef":null,"privateKey":` + string(input), "key_unreadable", "privateKey"},
			{`"certificate":` + string(input), "input_conflict", "certificate"},
			{`"keyRef":null,"privateKey":` + quote(pemOf(edKey())) + `,"certificate":` + string(input), "certificate_invalid", "certificate"},
			{`"privateKeyId":` + string(input), "input_conflict", "privateKeyId"},
		} {
			message := failed(t, handle(t, asked(t, row.members), under(t, policyText)), row.code, row.field)
			if strings.Contains(message, name) {
				t.Errorf("the name is quoted: %q", message)
			}
		}
	}
}

func TestTheKeyIDOfAConfiguredKey(t *testing.T) {
	for _, id := range []string{`""`, `"billing"`, `"its-kid"`} {
		if tok := completed(t, handle(t, asked(t, `"privateKeyId":`+id), under(t, policyText))); tok.header["kid"] != "its-kid" {
			t.Errorf("%s: header %v", id, tok.header)
		}
	}
	failed(t, handle(t, asked(t, `"privateKeyId":"another"`), under(t, policyText)), "input_conflict", "privateKeyId")
}

func TestAGrantSetsTheTTL(t *testing.T) {
	long := under(t, `
keys: {billing: {source: "env:A"}}
grants: [{use: [billing], max_ttl: 48h}]
`)
	completed(t, handle(t, asked(t, `"ttlInSecond":172800`), long))
	failed(t, handle(t, asked(t, `"ttlInSecond":172801`), long), "policy_denied", "ttlInSecond")
	short := under(t, `
keys: {billing: {source: "env:A"}}
grants: [{use: [billing], max_ttl: 60s}]
`)
	// 1795348800 is the tests' now.
	if tok := completed(t, handle(t, asked(t, `"ttlInSecond":null`), short)); tok.claims["exp"] != json.Number("1795348860") {
		t.Errorf("claims %s", tok.payload)
	}
	failed(t, handle(t, asked(t, `"ttlInSecond":61`), short), "policy_denied", "ttlInSecond")
	failed(t, handle(t, asked(t, `"ttlInSecond":null,"notBefore":60`), short), "input_invalid", "notBefore")
	none := under(t, `
keys: {billing: {source: "env:A"}}
grants: [{use: [billing]}]
`)
	failed(t, handle(t, asked(t, `"ttlInSecond":3601`), none), "ttl_out_of_range", "ttlInSecond")
}

func TestInlineModes(t *testing.T) {
	const secretsOnly = `
inline: secrets-only
grants: [{secrets: ["billing-*"], issuers: [me]}]
`
	key := `"privateKey":` + quote(pemOf(edKey()))
	signed := `{"issuer":"me",` + key + `}`
	for _, row := range []struct {
		name, policy, template, field string
	}{
		{"allow needs nothing", "inline: allow", `{}`, ""},
		{"deny", "inline: deny", `{"privateKey":"${workflow.secrets.billing-key}","issuer":"me"}`, "privateKey"},
		{"one secret", secretsOnly, `{"privateKey":"${workflow.secrets.billing-key}","issuer":"me"}`, ""},
		{"a path into one", secretsOnly, `{"privateKey":"${workflow.secrets.billing-key.pem}","issuer":"me"}`, ""},
		{"another secret", secretsOnly, `{"privateKey":"${workflow.secrets.other}","issuer":"me"}`, "privateKey"},
		{"no template", secretsOnly, ``, "privateKey"},
		{"a workflow's input", secretsOnly, `{"privateKey":"${workflow.input.key}","issuer":"me"}`, "privateKey"},
		{"two secrets", secretsOnly, `{"privateKey":"${workflow.secrets.billing-a}${workflow.secrets.billing-b}","issuer":"me"}`, "privateKey"},
		{"text beside it", secretsOnly, `{"privateKey":" ${workflow.secrets.billing-key}","issuer":"me"}`, "privateKey"},
		{"the key itself", secretsOnly, `{` + key + `,"issuer":"me"}`, "privateKey"},
		{"another issuer", strings.Replace(secretsOnly, "me", "you", 1), `{"privateKey":"${workflow.secrets.billing-key}","issuer":"me"}`, "issuer"},
		{"no grant", "inline: secrets-only", `{"privateKey":"${workflow.secrets.billing-key}","issuer":"me"}`, "privateKey"},
	} {
		out := handle(t, signed, under(t, row.policy), template(row.template), stored(task.InjectionAuto, cmp.Or(row.template, "{}")))
		if row.field == "" {
			completed(t, out)
			continue
		}
		if out.Fault.Code != "policy_denied" || out.Fault.Field != row.field {
			t.Errorf("%s: %+v", row.name, out.Fault)
		}
		if row.name == "another secret" && !strings.Contains(out.Fault.Message, "grant 1 does not allow the secret of this key (secrets)") {
			t.Errorf("%s: the message does not name the field: %q", row.name, out.Fault.Message)
		}
	}
	// Both templates must be secrets: the server takes the second where the
	// first resolves to nothing.
	out := handle(t, signed, under(t, secretsOnly), template(`{"privateKey":"${workflow.secrets.billing-key}"}`), defaults(`{"privateKey":"${workflow.input.key}"}`))
	if out.Fault.Code != "policy_denied" {
		t.Errorf("%+v", out.Fault)
	}
	// A template that cannot be read vouches for nothing, and leaves nothing to
	// the other.
	for _, broken := range []string{`{"privateKey":"${workflow.secrets.other}","x":"\ud800"}`, `{"privateKey":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`} {
		out := handle(t, signed, under(t, secretsOnly), template(broken), defaults(`{"privateKey":"${workflow.secrets.billing-key}"}`))
		if out.Fault.Code != "policy_denied" {
			t.Errorf("%s: %+v", broken, out.Fault)
		}
	}
}

// A dynamic task has its key from the workflow's data; only the stored task
// shows that it is not the secret of the task definition.
func TestSecretsOnlyHoldsForDynamicTasks(t *testing.T) {
	secretsOnly := under(t, "inline: secrets-only\ngrants: [{secrets: [\"billing-*\"], issuers: [me]}]\n")
	signed := `{"issuer":"me","privateKey":` + quote(pemOf(edKey())) + `}`
	granted := defaults(`{"privateKey":"${workflow.secrets.billing-key}"}`)
	for _, mode := range []task.InjectionMode{task.InjectionAuto, task.InjectionStored} {
		out := handle(t, signed, secretsOnly, template(`{"issuer":"me"}`), granted, stored(mode, `{"issuer":"me","privateKey":"${workflow.secrets.other}"}`))
		failed(t, out, "secret_injected", "privateKey")
		completed(t, handle(t, signed, secretsOnly, template(`{"issuer":"me"}`), granted, stored(mode, `{"issuer":"me","privateKey":"${workflow.secrets.billing-key}"}`)))
	}
}

// The definition vouches for a key only where the stored task holds the very
// text: whoever supplies the data of a dynamic fork replaces the value.
func TestSecretsOnlyComparesTheStoredKey(t *testing.T) {
	const granted, key = `"${workflow.secrets.billing-key}"`, `"-----BEGIN PRIVATE KEY-----"`
	secretsOnly := under(t, "inline: secrets-only\ngrants: [{secrets: [\"billing-*\"], issuers: [me]}]\n")
	signed := `{"issuer":"me","privateKey":` + quote(pemOf(edKey())) + `}`
	for _, test := range []struct{ says, template, defaults, stored, code string }{
		{"the same text", granted, ``, granted, ""},
		{"the same text, escaped", granted, ``, `"\u0024{workflow.secrets.billing-key}"`, ""},
		{"the same text from the task definition", ``, granted, granted, ""},
		{"the text of the second template", `"${workflow.secrets.billing-a}"`, granted, granted, ""},
		{"another secret", granted, ``, `"${workflow.secrets.other}"`, "secret_injected"},
		{"another granted secret", granted, ``, `"${workflow.secrets.billing-other}"`, "secret_injected"},
		{"another secret in place of the task definition's", ``, granted, `"${workflow.secrets.other}"`, "secret_injected"},
		{"a literal key", granted, ``, key, "policy_denied"},
		{"a literal key in place of the task definition's", ``, granted, key, "policy_denied"},
		{"a JWK", granted, ``, `{"kty":"OKP"}`, "policy_denied"},
		{"a list around the secret", granted, ``, `[` + granted + `]`, "policy_denied"},
		{"text beside the secret", granted, ``, `" ${workflow.secrets.billing-key}"`, "policy_denied"},
		{"null", granted, ``, `null`, "policy_denied"},
		{"a nested name", `"${workflow.secrets.billing-${workflow.input.x}}"`, ``, `"${workflow.secrets.billing-${workflow.input.x}}"`, "policy_denied"},
		{"a name with a bracket", `"${workflow.secrets.billing-a[0]}"`, ``, `"${workflow.secrets.billing-a[0]}"`, "policy_denied"},
		{"a name with a brace", `"${workflow.secrets.billing-{a}}"`, ``, `"${workflow.secrets.billing-{a}}"`, "policy_denied"},
		{"no name", `"${workflow.secrets.}"`, ``, `"${workflow.secrets.}"`, "policy_denied"},
		{"a path alone", `"${workflow.secrets..billing-a}"`, ``, `"${workflow.secrets..billing-a}"`, "policy_denied"},
	} {
		for _, mode := range []task.InjectionMode{task.InjectionAuto, task.InjectionStored} {
			member := func(value string) string {
				if value == "" {
					return `{"issuer":"me"}`
				}
				return `{"issuer":"me","privateKey":` + value + `}`
			}
			out := handle(t, signed, secretsOnly, template(member(test.template)), defaults(member(test.defaults)), stored(mode, member(test.stored)))
			if test.code == "" {
				completed(t, out)
			} else if out.Fault.Code != test.code || out.Fault.Field != "privateKey" || out.Status != api.FailedWithTerminalError {
				t.Errorf("%s, %s: the task ended %s with %+v", test.says, mode, out.Status, out.Fault)
			}
		}
	}
}

// A key whose stored value cannot be read is refused.
func TestSecretsOnlyDeniesWhatItCannotCompare(t *testing.T) {
	const text = `{"privateKey":"${workflow.secrets.billing-key}","issuer":"me"}`
	secretsOnly := under(t, "inline: secrets-only\ngrants: [{secrets: [\"billing-*\"]}]\n")
	signed := `{"issuer":"me","privateKey":` + quote(pemOf(edKey())) + `}`
	for _, test := range []struct {
		says   string
		server setup
		code   string
		status api.Status
	}{
		{"mode key", stored(task.InjectionKey, text), "policy_denied", api.FailedWithTerminalError},
		{"mode off", stored(task.InjectionOff, text), "policy_denied", api.FailedWithTerminalError},
		{"no server in mode auto", func(o *task.Options, _ *api.Task) { o.Injection = task.InjectionAuto }, "policy_denied", api.FailedWithTerminalError},
		{"no server in mode stored", func(o *task.Options, _ *api.Task) { o.Injection = task.InjectionStored }, "policy_denied", api.FailedWithTerminalError},
		{"denied in mode auto", refusing(task.InjectionAuto, api.ErrReadDenied), "policy_denied", api.FailedWithTerminalError},
		{"denied in mode stored", refusing(task.InjectionStored, api.ErrReadDenied), "policy_denied", api.FailedWithTerminalError},
		{"an outage in mode auto", refusing(task.InjectionAuto, errors.New("502")), "injection_unchecked", api.InProgress},
		{"an outage in mode stored", refusing(task.InjectionStored, errors.New("502")), "injection_unchecked", api.InProgress},
	} {
		var audit []task.Decision
		out := handle(t, signed, secretsOnly, template(text), test.server, func(o *task.Options, _ *api.Task) {
			o.Audit = func(d task.Decision) { audit = append(audit, d) }
		})
		if out.Fault.Code != test.code || out.Status != test.status {
			t.Errorf("%s: the task ended %s with %+v", test.says, out.Status, out.Fault)
		}
		if test.status == api.FailedWithTerminalError && (len(audit) != 1 || audit[0].Allowed || audit[0].Rule != "inline: secrets-only" || audit[0].Issuer != "") {
			t.Errorf("%s: audit %+v", test.says, audit)
		}
	}
	// A configured key does not come from the workflow's data.
	ring := under(t, "keys: {billing: {source: \"env:A\"}}\ninline: secrets-only\ngrants: [{use: [billing]}]\n")
	completed(t, handle(t, asked(t, ""), ring, refusing(task.InjectionAuto, api.ErrReadDenied)))
}

// A pattern with a dot is compared with the path into the secret too.
func TestTheSecretsOfAGrant(t *testing.T) {
	signed := `{"privateKey":` + quote(pemOf(edKey())) + `}`
	for _, test := range []struct {
		pattern, reference string
		allowed            bool
	}{
		{"billing", "billing", true},
		{"billing", "billing.pem", true},
		{"billing.pem", "billing.pem", true},
		{"billing.*", "billing.pem", true},
		{"billing.pem", "billing", false},
		{"billing.pem", "billing.key", false},
		{"b*m", "billing.pem", false},
		{"b*", "a", false},
	} {
		text := `{"privateKey":"${workflow.secrets.` + test.reference + `}"}`
		out := handle(t, signed, under(t, "inline: secrets-only\ngrants: [{secrets: [\""+test.pattern+"\"]}]\n"), template(text), stored(task.InjectionAuto, text))
		if (out.Status == api.Completed) != test.allowed {
			t.Errorf("%s for %s: the task ended %s with %+v", test.pattern, test.reference, out.Status, out.Fault)
		}
	}
}

func TestTheAuditHasEachDecision(t *testing.T) {
	var list []task.Decision
	audited := func(o *task.Options, d *api.Task) {
		o.Audit = func(d task.Decision) { list = append(list, d) }
		d.WorkflowID, d.Retry = "w-1", 2
	}
	tok := handle(t, asked(t, ""), under(t, policyText), audited)
	completed(t, tok)
	handle(t, asked(t, `"issuer":"you"`), under(t, policyText), audited)
	handle(t, asked(t, `"ttlInSecond":"x","issuer":"you"`), under(t, policyText), audited)
	handle(t, with(`"subject":"s"`), under(t, "inline: allow"), audited)
	if len(list) != 4 {
		t.Fatalf("%d decisions", len(list))
	}
	first := list[0]
	if !bool(first.Allowed) || first.Rule != "grant 1" || first.Key != "billing" || first.KeyID != "its-kid" || len(first.Version) != 43 || first.Algorithm != "EdDSA" ||
		first.Issuer != "https://billing.acme.com" || first.Subject != "svc:a" || !slices.Equal(first.Scopes, []string{"invoice:read", "invoice:write"}) ||
		len(first.Audiences) != 1 || first.TTL != 15*60 || first.JWTID == "" || len(first.TokenSHA256) != 64 ||
		first.WorkflowType != "billing_run" || first.WorkflowID != "w-1" || first.TaskID != "task-1" || first.Retry != 2 || first.Time.IsZero() {
		t.Errorf("%+v", first)
	}
	if d := list[1]; d.Allowed || d.Code != "policy_denied" || d.Rule != "grant 1" || d.RuleField != "issuers" || d.Issuer != "you" || d.TokenSHA256 != "" {
		t.Errorf("%+v", d)
	}
	if d := list[2]; d.Allowed || d.Code != "input_invalid" || d.Issuer != "" {
		t.Errorf("%+v", d)
	}
	if d := list[3]; !d.Allowed || d.Rule != "inline: allow" || d.Key != "" || d.Subject != "s" {
		t.Errorf("%+v", d)
	}
}

// A secret that somebody injected does not reach the audit either.
func TestTheAuditHasNoInjectedSecret(t *testing.T) {
	for _, policyText := range []string{policyText, `
keys: {billing: {source: "env:A"}}
grants: [{use: [billing]}]
`} {
		var list []task.Decision
		handle(t, asked(t, `"subject":"s3cret-of-another"`), under(t, policyText),
			stored(task.InjectionAuto, `{"subject":"${workflow.secrets.other}"}`),
			template(`{"subject":"${workflow.input.who}"}`),
			func(o *task.Options, _ *api.Task) { o.Audit = func(d task.Decision) { list = append(list, d) } })
		if len(list) != 1 || list[0].Allowed || list[0].Subject != "" || list[0].TokenSHA256 != "" {
			t.Errorf("%+v", list)
		}
	}
	// Where nobody may look, nobody knows.
	var list []task.Decision
	handle(t, asked(t, `"subject":"s3cret-of-another"`), under(t, policyText),
		refusing(task.InjectionAuto, api.ErrReadDenied),
		template(`{"subject":"${workflow.input.who}"}`),
		func(o *task.Options, _ *api.Task) { o.Audit = func(d task.Decision) { list = append(list, d) } })
	if len(list) != 1 || list[0].Code != "policy_denied" || list[0].Subject != "" || list[0].Rule == "" {
		t.Errorf("%+v", list)
	}
}
