package policy_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"conductor-jwt/policy"
)

// maxTTL is the worker's.
const maxTTL = 24 * time.Hour

func read(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Read("policy.yaml", []byte(text), maxTTL)
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
      - {source: "file:///keys/partner-2027.pem", from: 2099-12-01T00:00:00Z}
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

func TestTheExampleIsRead(t *testing.T) {
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
	f, base := p.Profiles()["github-acme"], p.Profiles()["github-app"]
	if f == nil || base == nil || f.Name != "github-acme" || f.DocsURL != base.DocsURL || f.Overrides.Key != "github" || f.Overrides.Issuer != "Iv23liAcme" {
		t.Errorf("profile: %+v", f)
	}
	if p.Profiles()["snowflake"] != nil {
		t.Error("off is not off")
	}
	if g := p.Grants[1]; g.Number != 2 || g.MaxTTL != 15*time.Minute || len(g.Patterns[policy.FieldUse]) != 2 {
		t.Errorf("grant: %+v", g)
	}
	if p.InlineMode() != policy.InlineAllow {
		t.Errorf("inline: %s", p.Inline)
	}
}

// A file that was cut off must not permit what no policy permits.
func TestAFileThatDefinesNothingIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "\ufeff", "# nothing\n", "---\n", "null\n", "~", "{}", "{}\n# inline: deny\n", "keys: {}\n", "keys: {}\nprofiles: {}\ngrants: []\nverifiers: {}\n", "---\n---\ninline: deny",
		// cut off before it decides about keys
		"vault: {address: \"https://v\", login: {kubernetes: r}}", "aws: {region: eu-1}\ngrants: []", "azure: {tenant_id: t}", "google: {endpoint: \"https://g\"}",
	} {
		if p, err := policy.Read("policy.yaml", []byte(text), maxTTL); err == nil {
			t.Errorf("%q: %+v", text, p)
		}
	}
	read(t, "verifiers: {v: {"+verifierFields+"}}")
	if p := read(t, "inline: allow"); p.InlineMode() != policy.InlineAllow {
		t.Errorf("inline: %s", p.InlineMode())
	}
	var none *policy.Policy
	if none.InlineMode() != policy.InlineAllow || none.Decide(policy.Request{Use: "x"}).Allowed {
		t.Error("without a policy")
	}
}

// everything has each field that a file may have.
const everything = `
vault: {address: "https://vault:8200", namespace: n, ca_file: /ca, login: {kubernetes: {role: r, mount: m, token_file: /t}}}
aws: {region: r, endpoint: "https://aws", profile: p}
azure: {tenant_id: t, client_id: c, token_file: /t}
google: {credentials_file: /c, endpoint: "https://google"}
keys:
  single: {source: "env:A", publish: true, kid: k, activation_delay: 10m, retire_after: 48h, revoke: [r], algorithms: [ES256]}
  several: {versions: [{source: "env:B", from: 2096-01-01T00:00:00Z, kid: b}, {source: "env:C", from: 2099-01-01T00:00:00Z}]}
issuers:
  - {url: "https://issuer", keys: [single]}
profiles:
  own: {extends: github-app, key: single, issuer: i, subject: s, audience: [a], off: false, limits: {max_ttl: 1m, no_exp: false, algorithms: [ES256]}}
  snowflake: off
grants:
  - {use: [single], workflows: [w], task_types: [t], issuers: [i], subjects: [s], audiences: [a], scopes: [c], algorithms: [ES256], secrets: [x], max_ttl: 1m}
exchange: {endpoints: ["https://endpoint/token"]}
verifiers:
  v: {issuer: "https://issuer", audiences: [a], algorithms: [ES256], types: [t], leeway: 30s, max_age: 10m, jwks: discover}
inline: deny
`

// Null in place of any value, however it is written, is a mistake with its line
// and column: a field that lost its lines must not count as left out.
func TestNullIsRefusedEverywhere(t *testing.T) {
	read(t, everything)
	value := regexp.MustCompile(`: ("[^"]*"|[^\s"{}\[\],]+|\[[a-zA-Z0-9]+\])|\[[a-zA-Z0-9]+\]`)
	placed := regexp.MustCompile(`policy.yaml:[0-9]+:[0-9]+: ([a-z_]+: )?(there is no value|this is no value|this is not|.*there is)`)
	places := value.FindAllStringIndex(everything, -1)
	if len(places) < 45 {
		t.Fatalf("only %d values", len(places))
	}
	for _, at := range places {
		old := everything[at[0]:at[1]]
		for _, null := range []string{"", "~", "null", "Null"} {
			text := everything[:at[0]] + ": " + null + everything[at[1]:]
			if old[0] == '[' {
				text = everything[:at[0]] + "[a, " + null + "]" + everything[at[1]:]
				if null == "" {
					continue // a comma at the end of a list
				}
			}
			if _, err := policy.Read("policy.yaml", []byte(text), maxTTL); err == nil || !placed.MatchString(err.Error()) {
				t.Errorf("%q in place of %s: %v", null, old, err)
			}
		}
	}
	for _, text := range []string{"keys:", "keys:\n  # a: {}\n", "inline:", "grants:\n#  - use: [a]", "profiles: {own: }", "keys: {a: }", "grants: [~]", "grants:\n  -\n", "~: 1", "vault: {address: \"https://v\", login: }"} {
		if _, err := policy.Read("policy.yaml", []byte(text), maxTTL); err == nil || !strings.Contains(err.Error(), "no value") || !strings.Contains(err.Error(), "policy.yaml:1:") && !strings.Contains(err.Error(), "policy.yaml:2:") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTheProblemsOfAFileAreBounded(t *testing.T) {
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "nothing%d: 1\n", i)
	}
	_, err := policy.Read("policy.yaml", []byte(text.String()), maxTTL)
	e, ok := errors.AsType[*policy.Error](err)
	if !ok || len(e.Problems) != 100 || e.Problems[99].Place.Line != 100 {
		t.Errorf("%d problems, want 100", len(e.Problems))
	}
}

// Each problem has a place, says what was found and what to do.
func TestMistakes(t *testing.T) {
	const k = "keys:\n  a: {source: \"file:///a.pem\"}\n"
	for _, row := range []struct{ text, want string }{
		{"keyz: {}", "policy.yaml:1:1: unknown field of the policy file; did you mean keys?"},
		{"what: {}", "policy.yaml:1:1: unknown field of the policy file; use one of aws, azure, exchange, google, grants, inline, issuers, keys, profiles, vault"},
		{"[]", "policy.yaml:1:1: this is a list; write the policy file as a mapping"},
		{"keys: 5", "policy.yaml:1:7: keys: this is text; write keys as a mapping"},
		{"inline: alow", "policy.yaml:1:9: inline: unknown choice; did you mean allow?"},
		{"inline: allow\ninline: deny", "policy.yaml:2:1: this is set already in line 1; keep one"},
		{"keys: {a: &x {source: \"env:A\"}, b: *x}", "an anchor or alias"},
		{"keys: {\"a b\": {source: \"env:A\"}}", "policy.yaml:1:8: keys: this is not a name for a key"},
		{"keys: {a: {}}", "policy.yaml:1:8: keys: this key has no source"},
		{"keys: {a: {source: a.pem}}", "policy.yaml:1:20: source: this is not a URI"},
		{"keys: {a: {source: \"fille:///a.pem\"}}", "unknown scheme; did you mean file?"},
		{"keys: {a: {source: \"https://a/b\"}}", "unknown scheme; use one of env, file"},
		{"keys: {a: {source: \"file://\"}}", "nothing after its scheme"},
		{"keys: {a: {source: \"env:A\", versions: [{source: \"env:B\", from: 2027-01-01T00:00:00Z}]}}", "this key has source and versions"},
		{"keys: {a: {versions: [{source: \"env:B\", from: yesterday}]}}", "policy.yaml:1:47: from: this is not a time"},
		{"keys: {a: {versions: [{source: \"env:A\", from: 2027-01-01T00:00:00Z}, {source: \"env:B\", from: 2027-01-01T01:00:00+01:00}]}}", "from: another version begins to sign at the same time"},
		{"keys: {a: {kid: k, versions: [{source: \"env:A\", from: 2027-01-01T00:00:00Z}, {source: \"env:B\", from: 2028-01-01T01:00:00+01:00}]}}", "one kid for several versions"},
		{"keys: {a: {source: \"conductor:A\", publish: true}}", "cannot be published"},
		{"keys: {a: {source: \"env:A\", publish: yes}}", "true or false"},
		{"keys: {a: {source: \"env:A\", activation_delay: 4m}}", "write 5m or more"},
		{"keys: {a: {source: \"env:A\", retire_after: 10m}}", "retire_after: this is shorter than the key's tokens are valid; write 24h3m or more"},
		{"keys: {a: {source: \"env:A\", retire_after: 17m}}\ngrants: [{use: a, max_ttl: 15m}]", "write 18m or more"},
		{"keys: {a: {source: \"env:A\", retire_after: 17m}}\nprofiles: {p: {extends: github-app, key: a, limits: {max_ttl: 30m}}, q: {extends: p}}\ngrants: [{use: q, max_ttl: 15m}]", "write 33m or more"},
		{"keys: {a: {source: \"env:A\", algorithms: [RS265]}}", "policy.yaml:1:42: algorithms: unknown algorithm; did you mean RS256?"},
		{"grants: {}", "policy.yaml:1:9: grants: this is a mapping; write a list of grants"},
		{"grants: [{workflows: [a]}]", "policy.yaml:1:11: grants: this grant permits nothing"},
		{k + "grants: [{use: [b], workflow: [x]}]", "unknown field of a grant; did you mean workflows?"},
		{k + "grants: [{use: [bilingg]}]", "unknown key or profile"},
		{k + "grants: [{use: [github_app]}]", "did you mean github-app?"},
		{k + "grants: [{use: [a], issuers: []}]", "issuers: the list is empty"},
		{k + "grants: [{use: [a], issuers: [x, x]}]", "named twice"},
		{k + "grants: [{use: [a], max_ttl: 15}]", "not a duration"},
		{k + "grants: [{use: [a], max_ttl: 1500ms}]", "whole seconds"},
		{k + "grants: [{use: [a], algorithms: [es256]}]", "did you mean ES256?"},
		{"grants: [{secrets: [\"${workflow.secrets.a}\"]}]", "policy.yaml:1:21: secrets: this is not a pattern for names of secrets; write the NAME"},
		{"grants: [{secrets: [\"a b\"]}]", "not a pattern for names of secrets"},
		{"profiles: {x: {extends: github-ap}}", "did you mean github-app?"},
		{"profiles: {x: {issuer: me}}", "extends none"},
		{"profiles: {x: off}", "off: there is no built-in profile of this name"},
		{"profiles: {x: on}", "write a profile as a mapping, or off"},
		{"profiles: {x: {extends: y}, y: {extends: x}}", "extends itself"},
		{"profiles: {x: {extends: x}}", "extends itself"},
		{"profiles: {github-app: {extends: x}, x: {extends: github-app}}", "extends itself"},
		{"profiles: {x: {extends: y}, y: {extends: y}}", "policy.yaml:1:12: extends: this profile extends itself"},
		{"profiles: {github-app: {key: nope}}", "unknown key; none is defined"},
		{"profiles:\n  x: {extends: github-app, limits: {}}", "policy.yaml:2:36: limits: there is no limit"},
		{"keys: {a: {versions: []}}", "versions: the list is empty; write at least one version"},
		{k + "profiles: {a: {extends: github-app, key: a}}", "policy.yaml:2:3: a profile has the name of this key, and a grant would permit both; rename one of them"},
		{"keys: {snowflake: {source: \"env:A\"}}\nprofiles: {snowflake: {extends: snowflake, key: snowflake}}", "policy.yaml:1:8: a profile has the name of this key"},
		{"keys: {a: {source: \"env:A\"}}\ngrants: [{use: [a], issuers: }]", "policy.yaml:2:21: issuers: there is no value; write one, or remove the field"},
		{strings.Repeat("[", 1000), "policy.yaml:1:65: this is nested more than 64 deep; nest it less"},
		{"vault: {login: {token_file: /t}}", "vault: address is missing"},
		{"vault: {address: \"https://v\", token: x}", "unknown field of vault"},
		{"vault: {address: \"https://u:p@v\"}", "address: the URL has a user name"},
		{"vault: {address: \"https://v\", login: {}}", "login: there are 0 ways to log in"},
		{"vault: {address: \"https://v\", login: {token_file: /t, kubernetes: r}}", "login: there are 2 ways to log in"},
		{"keys: {a: {source: \"env:A\"}}\n---\nkeys: {}", "a second document"},
		{"keys: {a: {source: \"env:A\"}", "not valid YAML"},
		{"keys:\n\t- a", "not valid YAML"},
		{"\xff", "not UTF-8"},
	} {
		_, err := policy.Read("policy.yaml", []byte(row.text), maxTTL)
		e, ok := errors.AsType[*policy.Error](err)
		if !ok || !strings.Contains(e.Error(), row.want) {
			t.Errorf("%s\n got %v\nwant %s", row.text, err, row.want)
		}
	}
}

// A built-in profile names no key, so a grant for its name means the key alone,
// whether the profile is off or not.
func TestAKeyMayHaveTheNameOfABuiltInProfile(t *testing.T) {
	for _, profiles := range []string{"", "profiles: {snowflake: off}\n", "profiles: {mine: {extends: snowflake, key: snowflake}}\n"} {
		p := read(t, "keys: {snowflake: {source: \"env:A\"}}\n"+profiles+"grants: [{use: [snowflake]}]")
		if v := p.Decide(policy.Request{Use: "snowflake", TTL: time.Minute, WorkerMaxTTL: time.Hour}); !v.Allowed {
			t.Errorf("%q: denied for %s", profiles, v.Field)
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
`), maxTTL)
	const want = `policy.yaml:2:43: unknown field of a key; did you mean kid?
policy.yaml:5:5: unknown field of a grant; did you mean workflows?
policy.yaml:6:14: max_ttl: this is not a duration; write one such as 30s, 15m or 24h`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// A value may be a secret in the wrong field.
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
		_, err := policy.Read("policy.yaml", []byte(text), maxTTL)
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
		p, err := policy.Read("p", []byte(text), maxTTL)
		if (p == nil) == (err == nil) {
			t.Fatalf("%v, %v", p, err)
		}
		if e, ok := errors.AsType[*policy.Error](err); err != nil && (!ok || e.Error() == "" || len(e.Problems) == 0) {
			t.Fatalf("%v", err)
		}
	})
}
