package policy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"conductor-jwt/policy"
)

func known() policy.Known {
	return policy.Known{
		Algorithms: []string{"RS256", "ES256", "EdDSA"},
		Profiles:   []string{"github-app", "snowflake"},
		MaxTTL:     24 * time.Hour,
	}
}

func read(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Read("policy.yaml", []byte(text), known())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The example of the specification.
const example = `
vault: {address: "https://vault:8200", login: {kubernetes: conductor-jwt}}
keys:
  billing: {source: "vault-transit://transit/billing", publish: true}
  partner:                    # files have no trustworthy time: say when each may sign
    publish: true
    versions:
      - {source: "file:///keys/partner-2027.pem", from: 2026-12-01T00:00:00Z}
      - {source: "file:///keys/partner-2026.pem", from: 2026-05-01T00:00:00Z}
  github: {source: "file:///keys/github.pem", kid: none}
profiles:
  github-acme: {extends: github-app, key: github, issuer: Iv23liAcme}
  snowflake: off
grants:
  - {use: [github-acme], workflows: ["release_*"]}
  - {use: [billing, partner], workflows: ["billing_*"], issuers: ["https://billing.acme.com"], audiences: ["https://api.acme.com/**"], max_ttl: 15m}
inline: allow                 # allow (default) | secrets-only | deny
`

func TestTheExampleIsReadWhole(t *testing.T) {
	p := read(t, example)
	if p.Vault.Address != "https://vault:8200" || p.Vault.Login.Kubernetes.Role != "conductor-jwt" {
		t.Errorf("vault: %+v", p.Vault)
	}
	billing, _ := p.Key("billing")
	if !billing.Publish || billing.ActivationDelay != 10*time.Minute || billing.KeyID != policy.KeyIDThumbprint {
		t.Errorf("billing: %+v", billing)
	}
	if want := 15*time.Minute + 3*time.Minute; billing.RetireAfter != want {
		t.Errorf("billing stays published for %s, want %s: the life of its tokens, the age of a set, the skew", billing.RetireAfter, want)
	}
	partner, _ := p.Key("partner")
	if len(partner.Versions) != 2 || partner.Versions[0].From.Year() != 2026 || partner.Versions[0].From.Month() != time.May {
		t.Errorf("partner: %+v, want the oldest first", partner.Versions)
	}
	if github, _ := p.Key("github"); github.KeyID != policy.KeyIDNone || github.Publish {
		t.Errorf("github: %+v", github)
	}
	if f := p.Profiles[0]; f.Name != "github-acme" || f.Extends != "github-app" || f.Key != "github" || f.Issuer != "Iv23liAcme" || f.Off {
		t.Errorf("profile: %+v", f)
	}
	if !p.Profiles[1].Off {
		t.Error("off is not off")
	}
	if g := p.Grants[1]; g.Number != 2 || g.MaxTTL != 15*time.Minute || len(g.Use) != 2 {
		t.Errorf("grant: %+v", g)
	}
	if p.InlineMode() != policy.InlineAllow {
		t.Errorf("inline: %s", p.Inline)
	}
}

func TestAnEmptyFileAllowsWhatNoFileAllows(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "keys:\n", "null\n"} {
		if p := read(t, text); p.InlineMode() != policy.InlineAllow || len(p.Keys)+len(p.Grants) != 0 {
			t.Errorf("%q: %+v", text, p)
		}
	}
	var none *policy.Policy
	if none.InlineMode() != policy.InlineAllow || none.Decide(policy.Request{Use: "x"}).Allowed {
		t.Error("without a policy")
	}
}

// Each mistake with its place, what it is and what to do.
func TestMistakes(t *testing.T) {
	const k = "keys:\n  a: {source: \"file:///a.pem\"}\n"
	for _, row := range []struct{ text, want string }{
		{"keyz: {}", "policy.yaml:1:1: no such field of the policy file; did you mean keys?"},
		{"what: {}", "policy.yaml:1:1: no such field of the policy file; there is aws, azure, google, grants, inline, keys, profiles, vault"},
		{"[]", "policy.yaml:1:1: a list where the policy file belongs, a mapping"},
		{"keys: 5", "policy.yaml:1:7: text where keys belongs, a mapping"},
		{"inline: alow", "policy.yaml:1:9: no such choice; did you mean allow?"},
		{"inline: allow\ninline: deny", "policy.yaml:2:1: set already in line 1; keep one"},
		{"keys: {a: &x {source: \"env:A\"}, b: *x}", "an anchor or alias"},
		{"keys: {\"a b\": {source: \"env:A\"}}", "policy.yaml:1:8: not a name for a key"},
		{"keys: {a: {}}", "policy.yaml:1:8: a key without a source"},
		{"keys: {a: {source: a.pem}}", "policy.yaml:1:20: not a uri"},
		{"keys: {a: {source: \"fille:///a.pem\"}}", "no such scheme; did you mean file?"},
		{"keys: {a: {source: \"https://a/b\"}}", "no such scheme; there is env, file"},
		{"keys: {a: {source: \"file://\"}}", "nothing behind its scheme"},
		{"keys: {a: {source: \"env:A\", versions: [{source: \"env:B\", from: 2027-01-01T00:00:00Z}]}}", "contradict"},
		{"keys: {a: {versions: [{source: \"env:B\", from: yesterday}]}}", "policy.yaml:1:47: not a time"},
		{"keys: {a: {versions: [{source: \"env:A\", from: 2027-01-01T00:00:00Z}, {source: \"env:B\"}]}}", "a version without from"},
		{"keys: {a: {versions: [{source: \"env:A\", from: 2027-01-01T00:00:00Z}, {source: \"env:B\", from: 2027-01-01T01:00:00+01:00}]}}", "begins when another version does"},
		{"keys: {a: {kid: k, versions: [{source: \"env:A\", from: 2027-01-01T00:00:00Z}, {source: \"env:B\", from: 2028-01-01T01:00:00+01:00}]}}", "one kid for several versions"},
		{"keys: {a: {source: \"conductor:A\", publish: true}}", "cannot be published"},
		{"keys: {a: {source: \"env:A\", publish: yes}}", "true or false"},
		{"keys: {a: {source: \"env:A\", activation_delay: 4m}}", "write 5m or more"},
		{"keys: {a: {source: \"env:A\", retire_after: 10m}}", "retire_after is shorter than its tokens live; write 24h3m or more"},
		{"keys: {a: {source: \"env:A\", retire_after: 17m}}\ngrants: [{use: a, max_ttl: 15m}]", "write 18m or more"},
		{"keys: {a: {source: \"env:A\", retire_after: 17m}}\nprofiles: {p: {extends: google, key: a, limits: {max_ttl: 30m}}, q: {extends: p}}\ngrants: [{use: q, max_ttl: 15m}]", "write 33m or more"},
		{"keys: {a: {source: \"env:A\", algorithms: [RS265]}}", "policy.yaml:1:42: no such algorithm; did you mean RS256?"},
		{"grants: {}", "policy.yaml:1:9: a mapping where grants belong, a list"},
		{"grants: [{workflows: [a]}]", "policy.yaml:1:11: a grant that lets use nothing"},
		{k + "grants: [{use: [b], workflow: [x]}]", "no such field of a grant; did you mean workflows?"},
		{k + "grants: [{use: [bilingg]}]", "it names a key or profile that there is not"},
		{k + "grants: [{use: [github_app]}]", "did you mean github-app?"},
		{k + "grants: [{use: [a], issuers: []}]", "an empty list"},
		{k + "grants: [{use: [a], issuers: [x, x]}]", "named twice"},
		{k + "grants: [{use: [a], max_ttl: 15}]", "not a duration"},
		{k + "grants: [{use: [a], max_ttl: 1500ms}]", "whole seconds"},
		{k + "grants: [{use: [a], algorithms: [es256]}]", "did you mean ES256?"},
		{"profiles: {x: {extends: github-ap}}", "did you mean github-app?"},
		{"profiles: {x: {issuer: me}}", "extends none"},
		{"profiles: {x: off}", "no built-in profile of this name to turn off"},
		{"profiles: {x: on}", "write a mapping, or off"},
		{"profiles: {x: {extends: y}, y: {extends: x}}", "extends itself"},
		{"profiles: {github-app: {key: nope}}", "it names a key that there is not; there is none"},
		{"vault: {login: {token_file: /t}}", "vault without an address"},
		{"vault: {address: \"https://v\", token: x}", "no such field of vault"},
		{"vault: {address: \"https://u:p@v\"}", "a url with a user name"},
		{"vault: {address: \"https://v\", login: {}}", "login names 0 ways"},
		{"vault: {address: \"https://v\", login: {token_file: /t, kubernetes: r}}", "login names 2 ways"},
		{"keys: {a: {source: \"env:A\"}}\n---\nkeys: {}", "a second document"},
		{"keys: {a: {source: \"env:A\"}", "not valid yaml"},
		{"keys:\n\t- a", "not valid yaml"},
		{"\xff", "not utf-8"},
	} {
		_, err := policy.Read("policy.yaml", []byte(row.text), known())
		e, ok := errors.AsType[*policy.Error](err)
		if !ok || !strings.Contains(e.Error(), row.want) {
			t.Errorf("%s\n got %v\nwant %s", row.text, err, row.want)
		}
	}
}

func TestAllMistakesAreReportedAtOnceWithTheirLines(t *testing.T) {
	_, err := policy.Read("policy.yaml", []byte(`keys:
  billing: {source: "file:///keys/a.pem", kind: none}
grants:
  - use: [billing]
    workflow: ["hush-hush"]   # a comment
    max_ttl: hush
`), known())
	const want = `policy.yaml:2:43: no such field of a key; did you mean kid?
     2 |   billing: {source: …, kind: …}
       |                        ^
policy.yaml:5:5: no such field of a grant; did you mean workflows?
     5 |     workflow: […]   
       |     ^
policy.yaml:6:14: not a duration; write it as 30s, 15m or 24h
     6 |     max_ttl: …
       |              ^`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// Whatever stands where it must not is not repeated.
func TestNoValueIsQuoted(t *testing.T) {
	const hush = "hvs.CAESIJ0fZ8hush/hush+hush=="
	for _, text := range []string{
		"vault: {address: \"https://v\", token: \"" + hush + "\"}",
		"vault:\n  addr: " + hush,
		hush, "- " + hush, "inline: " + hush, "keys: " + hush,
		"keys:\n  a:\n    source: |\n      -----BEGIN PRIVATE KEY-----\n      " + hush + "\n      -----END PRIVATE KEY-----\n",
		"keys: {a: {source: \"file:///a?" + hush + "\", from: " + hush + "}}",
		"keys: {a: {source: \"env:A\", kid: \"x " + hush, "x: {" + hush + "}",
		"grants: [{use: [\"" + hush + "\"]}]", "keys: {'" + hush + "': {}}",
		"keys:\n  a: !" + hush + " {}", "keys: {a: *" + hush + "}",
	} {
		_, err := policy.Read("policy.yaml", []byte(text), known())
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s:\n%v", text, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(example)
	f.Add("keys: {a: {versions: [{source: \"env:A\", from: 2027-01-01T00:00:00Z}]}}")
	f.Add("grants: [{use: [a], max_ttl: 1h}]\nprofiles: {x: {extends: y, limits: {max_ttl: 1m, no_exp: true}}}")
	f.Add("vault: {address: \"https://v\", login: {approle: {role_id: r, secret_id_file: /f}}}\n? a\n: &b *b\n<<: c")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := policy.Read("p", []byte(text), known())
		if (p == nil) == (err == nil) {
			t.Fatalf("%v, %v", p, err)
		}
		if e, ok := errors.AsType[*policy.Error](err); err != nil && (!ok || e.Error() == "" || len(e.Problems) == 0) {
			t.Fatalf("%v", err)
		}
	})
}
