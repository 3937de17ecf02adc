package policy_test

import (
	"testing"
	"time"

	"conductor-jwt/policy"
)

const grant = `
keys: {billing: {source: "env:A"}, other: {source: "env:B"}}
inline: secrets-only
grants:
  - use: [billing]
    workflows: ["billing_*"]
    task_types: [GET_SIGNED_JWT]
    issuers: ["https://billing.acme.com"]
    subjects: ["svc:*"]
    audiences: ["https://api.acme.com/**", "https://b.acme.com"]
    scopes: ["invoice:*"]
    algorithms: [ES256]
    secrets: ["billing-*"]
    max_ttl: 15m
`

func good() policy.Request {
	return policy.Request{
		Use: "billing", Workflow: "billing_run", TaskType: "GET_SIGNED_JWT", Issuer: "https://billing.acme.com", Subject: "svc:a",
		Audiences: []string{"https://api.acme.com/x", "https://b.acme.com"}, Scopes: []string{"invoice:read", "invoice:write"},
		Algorithm: "ES256", TTL: 15 * time.Minute, WorkerMaxTTL: 24 * time.Hour,
	}
}

func inline() policy.Request {
	r := good()
	r.Use, r.Secrets = "", []string{"billing-key"}
	return r
}

// Each field of a grant is the only reason for a denial in at least one row.
func TestEachFieldDeniesAlone(t *testing.T) {
	p := read(t, grant)
	for _, r := range []policy.Request{good(), inline()} {
		if v := p.Decide(r); !v.Allowed || v.Grant != 1 || v.TTL != 15*time.Minute {
			t.Fatalf("%+v: %+v", r, v)
		}
	}
	denied := map[policy.Field]bool{}
	for _, row := range []struct {
		field  policy.Field
		name   string
		change func(*policy.Request)
	}{
		{policy.FieldUse, "another key", func(r *policy.Request) { r.Use = "other" }},
		{policy.FieldWorkflows, "another workflow", func(r *policy.Request) { r.Workflow = "x_billing_run" }},
		{policy.FieldWorkflows, "no workflow", func(r *policy.Request) { r.Workflow = "" }},
		{policy.FieldTaskTypes, "another task type", func(r *policy.Request) { r.TaskType = "get_signed_jwt" }},
		{policy.FieldIssuers, "another issuer", func(r *policy.Request) { r.Issuer = "https://billing.acme.com/" }},
		{policy.FieldIssuers, "no issuer", func(r *policy.Request) { r.Issuer = "" }},
		{policy.FieldSubjects, "another subject", func(r *policy.Request) { r.Subject = "user:a" }},
		{policy.FieldSubjects, "no subject", func(r *policy.Request) { r.Subject = "" }},
		{policy.FieldAudiences, "one audience of two", func(r *policy.Request) { r.Audiences[1] = "https://c.acme.com" }},
		{policy.FieldAudiences, "no audience", func(r *policy.Request) { r.Audiences = nil }},
		{policy.FieldScopes, "one scope of two", func(r *policy.Request) { r.Scopes[1] = "admin" }},
		{policy.FieldScopes, "no scope", func(r *policy.Request) { r.Scopes = nil }},
		{policy.FieldAlgorithms, "another algorithm", func(r *policy.Request) { r.Algorithm = "RS256" }},
		{policy.FieldTypes, "another typ", func(r *policy.Request) { r.Type = "at+jwt" }},
		{policy.FieldTypes, "another typ than the profile's", func(r *policy.Request) { r.Type, r.ProfileType = "secevent+jwt", "client-authentication+jwt" }},
		{policy.FieldMaxTTL, "a second too long", func(r *policy.Request) { r.TTL += time.Second }},
	} {
		r := good()
		row.change(&r)
		if v := p.Decide(r); v.Allowed || v.Field != row.field {
			t.Errorf("%s: %+v, want a denial by %s", row.name, v, row.field)
		}
		denied[row.field] = true
	}
	r := inline()
	r.Secrets = []string{"other-key"}
	if v := p.Decide(r); v.Allowed || v.Field != policy.FieldSecrets {
		t.Errorf("another secret: %+v", v)
	}
	denied[policy.FieldSecrets] = true
	r.Issuer = "https://evil.example" // the first field that does not hold is reported
	if v := p.Decide(r); v.Allowed || v.Field != policy.FieldIssuers {
		t.Errorf("another issuer and another secret: %+v", v)
	}
	for _, f := range policy.Fields() {
		if !denied[f] {
			t.Errorf("%s has no test in which it alone denies", f)
		}
	}
}

func TestTheTypesOfAGrant(t *testing.T) {
	for _, row := range []struct {
		types, typ, own string
		want            bool
	}{
		{"", "", "", true},
		{"", "JWT", "", true},
		{"", "jwt", "", true},
		{"", "application/jwt", "", true},
		{"", "at+jwt", "", false},
		{"", "JWT2", "", false},
		{"", "client-authentication+jwt", "client-authentication+jwt", true},
		{"", "JWT", "client-authentication+jwt", true},
		{"types: [at+jwt]", "at+jwt", "", true},
		{"types: [application/AT+JWT]", "at+jwt", "", true},
		{"types: [at+jwt]", "application/at+JWT", "", true},
		{"types: [at+jwt]", "JWT", "", false},
		{"types: [at+jwt]", "client-authentication+jwt", "client-authentication+jwt", false},
		{"types: [at+jwt]", "", "", false},
		{"types: [\"*+jwt\"]", "logout+jwt", "", true},
	} {
		p := read(t, "keys: {a: {source: \"env:A\"}}\ngrants:\n  - use: [a]\n    "+row.types+"\n")
		if v := p.Decide(policy.Request{Use: "a", Type: row.typ, ProfileType: row.own, TTL: time.Second, WorkerMaxTTL: time.Hour}); v.Allowed != row.want {
			t.Errorf("%s: typ %q with a profile's %q: %+v", row.types, row.typ, row.own, v)
		}
	}
}

// A text with white space or a comma is several scopes to a reader of lists. An
// operator who means one text writes that text as the pattern.
func TestNoStarMatchesASecondScope(t *testing.T) {
	p := read(t, "keys: {a: {source: \"env:A\"}}\ngrants: [{use: [a], scopes: [\"invoice:*\", \"all of it\", \"weird;scope\"]}]\n")
	for scope, want := range map[string]bool{
		"invoice:read": true, "invoice:read invoice:write": true, "all of it": true,
		"invoice:read admin": false, "invoice:read\tadmin": false, "invoice:read\u2003admin": false, "invoice:read\x1fadmin": false,
		"invoice:read,admin": false, "all of": false, " ": false, "": false,
		"invoice:read;admin": false, "invoice:read|admin": false, "invoice:read;invoice:write": false, "invoice:read\u200badmin": false, "invoice:read\u180eadmin": false,
		"invoice:read\u2028admin": false, "invoice:read\x00admin": false, "invoice:read\u202eadmin": false, "invoice:read\"admin": false, "invoice:read\\nadmin": false,
		"invoice:read%20admin": false, "invoice:read%09admin": false, "invoice:read%0Aadmin": false, "invoice:read%0aadmin": false, "invoice:read%2Cadmin": false,
		"invoice:read%3badmin": false, "invoice:read%7Cadmin": false, "invoice:read%2520admin": false, "invoice:read%E2%80%8Badmin": false, "invoice:read%00": false, "invoice:read%20": false,
		"invoice:read%": true, "invoice:read%2": true, "invoice:read%zz": true, "invoice:read%41": true, "invoice:read+write": true, "weird;scope": true, "weird;other": false,
	} {
		r := policy.Request{Use: "a", Scopes: []string{"invoice:x", scope}, TTL: time.Hour, WorkerMaxTTL: time.Hour}
		if v := p.Decide(r); v.Allowed != want {
			t.Errorf("%q: %+v", scope, v)
		}
	}
}

func TestAnAbsentFieldMatchesEverything(t *testing.T) {
	p := read(t, "keys: {a: {source: \"env:A\"}}\ngrants: [{use: [a]}]\n")
	r := policy.Request{Use: "a", TTL: time.Hour, WorkerMaxTTL: time.Hour}
	if v := p.Decide(r); !v.Allowed {
		t.Errorf("%+v", v)
	}
	r.TTL += time.Second
	if v := p.Decide(r); v.Allowed || v.Field != policy.FieldMaxTTL || !v.WorkerLimit {
		t.Errorf("over the worker's most: %+v", v)
	}
	both := read(t, "keys: {a: {source: \"env:A\"}}\ngrants: [{use: [a], secrets: [x]}]\n")
	for says, row := range map[string]struct {
		r       policy.Request
		allowed bool
	}{
		"a configured key, whose grant names secrets too": {policy.Request{Use: "a"}, true},
		"a secret of that grant":                          {policy.Request{Secrets: []string{"x"}}, true},
		"another secret":                                  {policy.Request{Secrets: []string{"y"}}, false},
		"a key without a secret's name":                   {policy.Request{}, false},
	} {
		if v := both.Decide(row.r); v.Allowed != row.allowed {
			t.Errorf("%s: %+v", says, v)
		}
	}
	if v := p.Decide(policy.Request{Secrets: []string{"a"}, TTL: 1, WorkerMaxTTL: 2}); v.Allowed || v.Field != policy.FieldUse {
		t.Errorf("a key in the task, without a grant that names secrets: %+v", v)
	}
}

func TestOnlyTheDefaultTTLIsShortened(t *testing.T) {
	p := read(t, "keys: {a: {source: \"env:A\"}}\ngrants: [{use: [a], max_ttl: 60s}, {use: [a], max_ttl: 48h, workflows: [long]}]\n")
	r := policy.Request{Use: "a", TTL: 300 * time.Second, DefaultTTL: true, WorkerMaxTTL: time.Hour}
	if v := p.Decide(r); !v.Allowed || v.TTL != time.Minute {
		t.Errorf("%+v", v)
	}
	r.DefaultTTL = false
	if v := p.Decide(r); v.Allowed {
		t.Errorf("%+v", v)
	}
}

func TestTheNearestGrantExplainsADenial(t *testing.T) {
	p := read(t, `
keys: {a: {source: "env:A"}, b: {source: "env:B"}}
grants:
  - {use: [b], workflows: ["*"]}
  - {use: [a], workflows: [one]}
  - {use: [a], workflows: ["t*"], issuers: [me]}
`)
	r := policy.Request{Use: "a", Workflow: "two", Issuer: "you", TTL: 1, WorkerMaxTTL: 2}
	if v := p.Decide(r); v.Grant != 3 || v.Field != policy.FieldIssuers {
		t.Errorf("%+v", v)
	}
	var fields []policy.Field
	for _, v := range p.Explain(r) {
		fields = append(fields, v.Field)
	}
	if len(fields) != 3 || fields[0] != policy.FieldUse || fields[1] != policy.FieldWorkflows {
		t.Errorf("%v", fields)
	}
	r.Use = "b" // whose grant names no issuers
	if v := p.Decide(r); v.Grant != 1 || !v.Allowed {
		t.Errorf("%+v", v)
	}
	r.Use = "c" // of several that are as near, the first
	if v := p.Decide(r); v.Grant != 1 || v.Field != policy.FieldUse {
		t.Errorf("%+v", v)
	}
	if v := read(t, "inline: allow").Decide(r); v.Grant != 0 || v.Allowed {
		t.Errorf("without a grant: %+v", v)
	}
}

func TestUseMayBeAPattern(t *testing.T) {
	p := read(t, "keys: {team-a: {source: \"env:A\"}, team-b: {source: \"env:B\"}}\ngrants: [{use: [\"team-*\"]}]\n")
	for _, name := range []string{"team-a", "team-b"} {
		if !p.Decide(policy.Request{Use: name, TTL: 1, WorkerMaxTTL: 1}).Allowed {
			t.Error(name)
		}
	}
}
