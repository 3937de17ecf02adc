package policy_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"conductor-jwt/keys"
	"conductor-jwt/policy"
	"conductor-jwt/provider"
)

func readWith(text string) (*policy.Policy, error) {
	return policy.Read("policy.yaml", []byte(text), maxTTL)
}

// mistakes returns what is wrong with a text.
func mistakes(t *testing.T, text string) []policy.Problem {
	t.Helper()
	_, err := readWith(text)
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*policy.Error](err)
	if !ok {
		t.Fatalf("%s: %v", text, err)
	}
	return e.Problems
}

// Each row has one mistake, and one problem is reported.
func TestEachMistakeIsReportedOnce(t *testing.T) {
	const k = "keys: {a: {source: \"env:A\"}}\n"
	const published = "keys: {a: {source: \"env:A\", publish: true}, b: {source: \"env:B\"}}\n"
	for _, row := range []struct{ text, want string }{
		{"aws: {region: [eu]}", "this is a list; write text"},
		{"aws: {region: {eu: 1}}", "this is a mapping; write text"},
		{"aws: {region: \"\"}", "this is empty"},
		{"aws: {region: \"a\\tb\"}", "control character"},
		{"aws: {region: \"a\\x7fb\"}", "control character"},
		{"aws: {region: " + strings.Repeat("x", 4097) + "}", "this has 4097 bytes"},
		{"aws: {endpoint: \"ftp://x\"}", "this is not a URL"},
		{"aws: {endpoint: \"https://\"}", "this is not a URL"},
		{"aws: {endpoint: \"https://user@host\"}", "the URL has a user name"},
		{"aws: {endpoint: \"https://host/?x=1\"}", "the URL has a user name, query"},
		{"google: {endpoint: \"https://host/#x\"}", "the URL has a user name, query or fragment"},
		{"google: {endpoint: \"https://user:word@host\"}", "the URL has a user name"},
		{"aws: {regoin: x}", "did you mean region?"},
		{"azure: {tenant: x}", "unknown field of azure"},
		{"google: {credentials: x}", "unknown field of google"},
		{"aws: []", "aws: this is a list; write aws as a mapping"},
		{"azure: x", "text; write azure as a mapping"},
		{"google: 5", "text; write google as a mapping"},
		{"vault: {address: \"https://v\", login: {approle: {role_id: r}}}", "approle: role_id or secret_id_file is missing"},
		{"vault: {address: \"https://v\", login: {token_env: A, approle: {role_id: r, secret_id_file: /f}}}", "login: there are 2 ways to log in"},
		{"keys: {\"\": {source: \"env:A\"}}", "not a name for a key"},
		{"profiles: {\"\": {extends: github-app}}", "not a name for a profile"},
		{"keys: {\".a\": {source: \"env:A\"}}", "not a name for a key"},
		{"keys: {\"-a\": {source: \"env:A\"}}", "not a name for a key"},
		{"keys: {" + strings.Repeat("k", 65) + ": {source: \"env:A\"}}", "not a name for a key"},
		{"keys: {a: {source: [\"env:A\"]}}", "this is a list; write text"},
		{"keys: {a: 5}", "text; write a key as a mapping"},
		{"keys: {a: {versions: [5]}}", "text; write a version as a mapping"},
		{"keys: {a: {versions: 5}}", "versions: this is text; write a list of versions"},
		{"vault: 5", "text; write vault as a mapping"},
		{"vault: {address: \"https://v\", login: 5}", "text; write login as a mapping"},
		{"vault: {address: \"ftp://v\", login: {token_env: A}}", "this is not a URL"},
		{k + "profiles: {p: {extends: github-app, limits: 5}}", "text; write limits as a mapping"},
		{"keys: {a: {source: \":A\"}}", "unknown scheme"},
		{"keys: {a: {source: \":\"}}", "source: this is not a URI"},
		{"keys: {a: {source: \"env:\"}}", "the URI has nothing after its scheme"},
		{"keys: {a: {versions: [{from: 2099-01-01T00:00:00Z}]}}", "this version has no source"},
		{"keys: {a: {versions: [{source: \"conductor:A\"}, {source: \"vault-transit://t/b\"}]}}", "a key of conductor: has one version"},
		{"keys: {a: {source: \"env:A\", activation_delay: 4m59s}}", "shorter than a verifier may take"},
		{"keys: {a: {source: \"env:A\", retire_after: 24h2m59s}}", "write 24h3m or more"},
		{k + "grants: [{use: a, max_ttl: 999ms}]", "whole seconds"},
		{k + "grants: [{use: a, max_ttl: -5s}]", "whole seconds"},
		{k + "grants: [{use: a, max_ttl: 0s}]", "whole seconds"},
		{k + "grants: [{use: a, workflows: [" + strings.Repeat("x", 1025) + "]}]", "the pattern has 1025 bytes"},
		{k + "grants: [{use: a, workflows: [[x]]}]", "this is a list; write text"},
		{k + "grants: [5]", "text; write a grant as a mapping"},
		{k + "grants: [{use: a, issuers: {x: y}}]", "this is a mapping; write text"},
		{"profiles: {github-app: {extends: nope}}", "unknown profile"},
		{k + "profiles: {p: {extends: github-app, off: 1}}", "off: this is text; write true or false"},
		{k + "profiles: {p: {extends: github-app, key: billing}}", "unknown key; use one of a"},
		{k + "profiles: {p: {extends: github-app, limits: {algorithms: [XS256]}}}", "unknown algorithm"},
		{published + "issuers: https://id.acme.com", "issuers: this is text; write a list of issuers"},
		{published + "issuers: []", "the list is empty"},
		{published + "issuers: [[x]]", "a list; write an issuer as a mapping"},
		{published + "issuers: [{keys: [a]}]", "url is missing"},
		{published + "issuers: [{url: \"https://id.acme.com\", jwks: x}]", "unknown field of an issuer"},
		{published + "issuers: [\"http://id.acme.com\"]", "not the URL of an issuer; begin with https:// and a host"},
		{published + "issuers: [id.acme.com]", "not the URL of an issuer"},
		{published + "issuers: [\"https://\"]", "not the URL of an issuer"},
		{published + "issuers: [\"https://:443\"]", "not the URL of an issuer"},
		{published + "issuers: [\"https://id.acme.com:port\"]", "not the URL of an issuer"},
		{published + "issuers: [\"https://id.acme.com?x=1\"]", "user name, query or fragment"},
		{published + "issuers: [\"https://id.acme.com/#x\"]", "user name, query or fragment"},
		{published + "issuers: [\"https://id@acme.com\"]", "user name, query or fragment"},
		{published + "issuers: [\"https://id.acme.com/%61\"]", "can be written in two ways"},
		{published + "issuers: [\"https://id.acme.com/a b\"]", "can be written in two ways"},
		{published + "issuers: [\"https://id.acme.com//\"]", "the URL is not normalized"},
		{published + "issuers: [\"https://id.acme.com/a/../b\"]", "the URL is not normalized"},
		{published + "issuers: [\"https://id.acme.com/keys/a\"]", "this is a path of the JWKS listener itself"},
		{published + "issuers: [\"https://id.acme.com/.well-known/a\"]", "this is a path of the JWKS listener itself"},
		{published + "issuers: [\"https://id.acme.com/a/.well-known\"]", "this is a path of the JWKS listener itself"},
		{published + "issuers: [\"https://id.acme.com\", \"https://id.acme.com\"]", "this issuer is in line 2 already"},
		{published + "issuers: [\"https://id.acme.com/a\", \"https://other.example/a/\"]", "the issuer in line 2 has the same path"},
		{published + "issuers: [{url: \"https://id.acme.com\", keys: []}]", "the list is empty"},
		{published + "issuers: [{url: \"https://id.acme.com\", keys: [a, a]}]", "named twice"},
		{published + "issuers: [{url: \"https://id.acme.com\", keys: [c]}]", "unknown key; use one of a, b"},
		{published + "issuers: [{url: \"https://id.acme.com\", keys: [a, b]}]", "this key is not published"},
		{k + "issuers: [\"https://id.acme.com\"]", "this issuer has no keys, because no key is published"},
		{k + "exchange: {}", "exchange: there is no endpoint"},
		{k + "exchange: [\"https://a/token\"]", "a list; write exchange as a mapping"},
		{k + "exchange: {endpoint: \"https://a/token\"}", "unknown field of exchange; did you mean endpoints?"},
		{k + "exchange: {endpoints: []}", "the list is empty"},
		{k + "exchange: {endpoints: [\"https://a/x\", \"https://a/x\"]}", "named twice"},
		{k + "exchange: {endpoints: [\"http://a/token\"]}", "not the URL of a token endpoint; begin with https:// and a host"},
		{k + "exchange: {endpoints: [\"https:///token\"]}", "not the URL of a token endpoint"},
		{k + "exchange: {endpoints: [\"*\"]}", "not the URL of a token endpoint"},
		{k + "exchange: {endpoints: [\"https://u@a/token\"]}", "user name, query or fragment"},
		{k + "exchange: {endpoints: [\"https://a/token?x=1\"]}", "user name, query or fragment"},
		{k + "exchange: {endpoints: [\"https://a/token#x\"]}", "user name, query or fragment"},
		{k + "exchange: {endpoints: [\"https://a/%2e%2e/token\"]}", "can be written in two ways"},
		{k + "exchange: {endpoints: [\"https://A/token\"]}", "can be written in two ways"},
		{k + "exchange: {endpoints: [\"https://a\"]}", "the URL has no path; write /** after the host"},
		{k + "exchange: {endpoints: [\"https://**\"]}", "the URL has no path"},
		{k + "exchange: {endpoints: [\"https://*/token\"]}", "the pattern matches hosts of other owners"},
		{k + "exchange: {endpoints: [\"https://**/token\"]}", "the pattern matches hosts of other owners"},
		{k + "exchange: {endpoints: [\"https://a.*/token\"]}", "the pattern matches hosts of other owners"},
		{k + "exchange: {endpoints: [\"https://*a.example/token\"]}", "the pattern matches hosts of other owners"},
		{k + "exchange: {endpoints: [\"https://*.a.*/token\"]}", "the pattern matches hosts of other owners"},
		{k + "exchange: {endpoints: [\"https://*.:443/token\"]}", "the pattern matches hosts of other owners"},
		{k + "exchange: {endpoints: [\"https://*.com/token\"]}", "the pattern matches hosts of other owners"},
		{k + "exchange: {endpoints: [\"https://*.com.:443/**\"]}", "the pattern matches hosts of other owners"},
		{k + "exchange: {endpoints: [\"https://*..com/**\"]}", "the pattern matches hosts of other owners"},
		{k + "exchange: {endpoints: [\"https://a/b/../token\"]}", "the URL is not normalized"},
		{k + "exchange: {endpoints: [\"https://a//token\"]}", "the URL is not normalized"},
		{"verifiers: []", "a list; write verifiers as a mapping"},
		{"verifiers: {}", "verifiers: there is no verifier"},
		{"verifiers: {-v: {" + verifierFields + "}}", "not a name for a verifier"},
		{"verifiers: {v: 5}", "text; write a verifier as a mapping"},
		{"verifiers: {v: {" + verifierFields + ", issuers: x}}", "unknown field of a verifier; did you mean issuer?"},
		{"verifiers: {v: {" + verifierFields + ", leeway: }}", "no value"},
		{"verifiers: {v: {audiences: a, algorithms: RS256}}", "verifiers: issuer is missing; write the iss of its tokens"},
		{"verifiers: {v: {issuer: \"https://i\", algorithms: RS256}}", "verifiers: audiences is missing; list what aud must name"},
		{"verifiers: {v: {issuer: \"https://i\", audiences: a}}", "verifiers: algorithms is missing; list those that the issuer signs with"},
		{"verifiers: {v: {issuer: \"https://i\", audiences: [], algorithms: RS256}}", "the list is empty"},
		{"verifiers: {v: {issuer: \"https://i\", audiences: a, algorithms: []}}", "the list is empty"},
		{"verifiers: {v: {issuer: \"https://i\", audiences: [a, a], algorithms: RS256}}", "named twice"},
		{"verifiers: {v: {issuer: \"https://i\", audiences: a, algorithms: none}}", "unknown algorithm"},
		{"verifiers: {v: {issuer: \"https://i\", audiences: a, algorithms: [ES265]}}", "unknown algorithm"},
		{"verifiers: {v: {issuer: \"https://i\", audiences: a, algorithms: HS256}}", "HS256 needs a secret, which a JWK Set from the network would publish"},
		{"verifiers: {v: {issuer: i, audiences: a, algorithms: HS256, jwks: \"https://i/jwks\"}}", "HS256 needs a secret, which a JWK Set from the network would publish"},
		{"verifiers: {v: {issuer: \"http://i\", audiences: a, algorithms: RS256}}", "not the URL of an issuer; begin with https:// and a host; or write jwks"},
		{"verifiers: {v: {issuer: \"https://i?x\", audiences: a, algorithms: RS256, jwks: discover}}", "the URL has a user name, query or fragment"},
		{"verifiers: {v: {" + verifierFields + ", jwks: \"http://i/jwks\"}}", "not the place of a JWK Set"},
		{"verifiers: {v: {" + verifierFields + ", jwks: keys.json}}", "not the place of a JWK Set"},
		{"verifiers: {v: {" + verifierFields + ", jwks: /keys.json}}", "not the place of a JWK Set"},
		{"verifiers: {v: {" + verifierFields + ", jwks: \"file://keys.json\"}}", "not the path of a file"},
		{"verifiers: {v: {" + verifierFields + ", jwks: \"file://host/keys.json\"}}", "not the path of a file"},
		{"verifiers: {v: {" + verifierFields + ", jwks: \"file:///\"}}", "not the path of a file"},
		{"verifiers: {v: {" + verifierFields + ", jwks: \"file:///a%20b\"}}", "not the path of a file"},
		{"verifiers: {v: {" + verifierFields + ", jwks: \"https://\"}}", "not the address of a JWK Set"},
		{"verifiers: {v: {" + verifierFields + ", jwks: \"https://u@i/jwks\"}}", "not the address of a JWK Set"},
		{"verifiers: {v: {" + verifierFields + ", jwks: \"https://i/jwks#x\"}}", "not the address of a JWK Set"},
		{"verifiers: {v: {" + verifierFields + ", jwks: \"https://i/a/../jwks\"}}", "jwks: the URL is not normalized"},
		{"verifiers: {v: {" + verifierFields + ", leeway: 30}}", "not a duration"},
		{"verifiers: {v: {" + verifierFields + ", leeway: 10m1s}}", "longer than clocks may differ; write at most 10m"},
		{"verifiers: {v: {" + verifierFields + ", max_age: 0s}}", "not a positive number of whole seconds"},
		{"verifiers: {v: {" + verifierFields + ", types: [[JWT]]}}", "this is a list; write text"},
	} {
		problems := mistakes(t, row.text)
		if len(problems) != 1 || !strings.Contains(problems[0].Text, row.want) {
			t.Errorf("%s\n got %+v\nwant %s", row.text, problems, row.want)
			continue
		}
		if p := problems[0]; p.Place.Line == 0 || p.Place.Column == 0 {
			t.Errorf("%s: the problem has no place: %+v", row.text, p)
		}
	}
}

// verifierFields are the required fields of a verifier.
const verifierFields = `issuer: "https://i", audiences: a, algorithms: RS256`

func TestEachFieldOfAVerifierIsRead(t *testing.T) {
	p := read(t, `
verifiers:
  github: {issuer: "https://token.actions.githubusercontent.com", audiences: [a, b], algorithms: [RS256, ES256], types: [JWT], leeway: 30s, max_age: 10m}
  address: {issuer: partner, audiences: a, algorithms: EdDSA, jwks: "https://partner.example/keys?set=1"}
  file: {issuer: hook, audiences: a, algorithms: HS256, leeway: 10m, jwks: "file:///etc/keys.json"}
`)
	for i := range p.Verifiers {
		p.Verifiers[i].Place = policy.Place{}
	}
	want := []policy.Verifier{
		{
			Name: "github", Issuer: "https://token.actions.githubusercontent.com", Audiences: []string{"a", "b"},
			Algorithms: []keys.Algorithm{keys.RS256, keys.ES256}, Types: []string{"JWT"}, Leeway: 30 * time.Second, MaxAge: 10 * time.Minute, JWKS: policy.JWKSDiscover,
		},
		{Name: "address", Issuer: "partner", Audiences: []string{"a"}, Algorithms: []keys.Algorithm{keys.EdDSA}, JWKS: "https://partner.example/keys?set=1"},
		{Name: "file", Issuer: "hook", Audiences: []string{"a"}, Algorithms: []keys.Algorithm{keys.HS256}, Leeway: 10 * time.Minute, JWKS: "file:///etc/keys.json"},
	}
	if !reflect.DeepEqual(p.Verifiers, want) {
		t.Errorf("got  %+v\nwant %+v", p.Verifiers, want)
	}
	if path, ok := p.Verifiers[2].JWKSFile(); !ok || path != "/etc/keys.json" {
		t.Errorf("the file is %q, %t", path, ok)
	}
	if got := p.VerifierNames(); !slices.Equal(got, []string{"address", "file", "github"}) {
		t.Errorf("names %v", got)
	}
	var none *policy.Policy
	if none.VerifierNames() != nil {
		t.Error("without a file there is no verifier")
	}
}

// Values on a bound are allowed.
func TestTheBoundsAreAllowed(t *testing.T) {
	const k = "keys: {a: {source: \"env:A\"}}\n"
	for _, text := range []string{
		"inline: allow\naws: {region: " + strings.Repeat("x", 4096) + "}",
		"inline: allow\naws: {endpoint: \"http://localhost:4566\"}",
		"keys: {" + strings.Repeat("k", 64) + ": {source: \"env:A\"}}",
		"keys: {_a.b-c: {source: \"env:A\"}}",
		"keys: {a: {source: \"env:A\", activation_delay: 5m}}",
		"keys: {a: {source: \"env:A\", retire_after: 24h3m}}",
		"keys: {a: {versions: [{source: \"vault-transit://t/a\"}, {source: \"vault-transit://t/b\"}]}}",
		"keys: {a: {versions: [{source: \"vault-transit://t/a\", kid: x}, {source: \"vault-transit://t/b\", kid: y}], publish: true}}",
		"keys: {a: {versions: [{source: \"env:A\"}]}}",
		"keys: {a: {kid: k, versions: [{source: \"env:A\"}]}}",
		"keys: {a: {kid: none, versions: [{source: \"vault-transit://t/a\"}, {source: \"vault-transit://t/b\"}]}}",
		"keys: {a: {source: \"conductor:A\"}}",
		k + "grants: [{use: a, max_ttl: 1s}]",
		k + "grants: [{use: a, workflows: [" + strings.Repeat("x", 1024) + "]}]",
		k + "grants: [{use: a, workflows: x}]",
		"grants: [{secrets: [x]}]",
		"profiles: {github-app: {extends: github-app}}",
		k + "profiles: {github-app: {key: a}}",
		"profiles: {github-app: {extends: github-app}, p: {extends: github-app}}",
		k + "profiles: {p: {extends: q, key: a}, q: {extends: r}, r: {extends: github-app}}",
		k + "profiles: {p: {extends: github-app, key: a}}\ngrants: [{use: p}]",
	} {
		if _, err := readWith(text); err != nil {
			t.Errorf("%.100s:\n%v", text, err)
		}
	}
}

func TestEachFieldOfTheStoresIsRead(t *testing.T) {
	p := read(t, `
vault: {address: "https://v:8200", namespace: n, ca_file: /ca, login: {kubernetes: {role: r, mount: m, token_file: /t}}}
aws: {region: eu-1, endpoint: "https://kms", profile: p}
azure: {tenant_id: t, client_id: c, token_file: /f}
google: {credentials_file: /g, endpoint: "https://g"}
inline: allow
`)
	want := policy.Policy{
		Vault:  policy.Vault{Address: "https://v:8200", Namespace: "n", CAFile: "/ca", Login: policy.VaultLogin{Kubernetes: policy.VaultKubernetes{Role: "r", Mount: "m", TokenFile: "/t"}}},
		AWS:    policy.AWS{Region: "eu-1", Endpoint: "https://kms", Profile: "p"},
		Azure:  policy.Azure{TenantID: "t", ClientID: "c", TokenFile: "/f"},
		Google: policy.Google{CredentialsFile: "/g", Endpoint: "https://g"},
	}
	if p.Vault != want.Vault || p.AWS != want.AWS || p.Azure != want.Azure || p.Google != want.Google {
		t.Errorf("%+v %+v %+v %+v", p.Vault, p.AWS, p.Azure, p.Google)
	}
	for text, login := range map[string]policy.VaultLogin{
		"token_file: /t": {TokenFile: "/t"},
		"token_env: E":   {TokenEnv: "E"},
		"kubernetes: r":  {Kubernetes: policy.VaultKubernetes{Role: "r"}},
		"approle: {role_id: r, secret_id_file: /s, mount: m}": {AppRole: policy.VaultAppRole{RoleID: "r", SecretIDFile: "/s", Mount: "m"}},
	} {
		if got := read(t, "inline: allow\nvault: {address: \"https://v\", login: {"+text+"}}").Vault.Login; got != login {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func TestEachFieldOfKeysAndProfilesIsRead(t *testing.T) {
	p := read(t, `
keys:
  a:
    source: "env:A"
    publish: true
    kid: my-kid
    activation_delay: 20m
    retire_after: 48h
    revoke: [x, y]
    algorithms: [RS256, ES256]
  v:
    versions: [{source: "vault-transit://t/a", from: 2099-01-01T00:00:00Z, kid: one}]
profiles:
  p: {extends: github-app, key: a, issuer: i, subject: s, audience: [u, w], limits: {max_ttl: 10m, no_exp: true, algorithms: [RS256]}}
  snowflake: {off: true}
`)
	a, ok := p.Key("a")
	a.Place, a.Versions[0].Place = policy.Place{}, policy.Place{}
	want := policy.Key{
		Name: "a", Versions: []policy.Version{{Source: "env:A"}}, Publish: true, KeyID: "my-kid", ActivationDelay: 20 * time.Minute,
		RetireAfter: 48 * time.Hour, Revoke: []string{"x", "y"}, Algorithms: []keys.Algorithm{keys.RS256, keys.ES256},
	}
	if !ok || !reflect.DeepEqual(a, want) {
		t.Errorf("got  %+v\nwant %+v", a, want)
	}
	v, _ := p.Key("v")
	if one := v.Versions[0]; one.KeyID != "one" || one.From.Year() != 2099 || one.Scheme() != policy.SchemeVaultTransit {
		t.Errorf("%+v", one)
	}
	f := p.Profiles()["p"]
	if o := f.Overrides; o.Key != "a" || o.Issuer != "i" || o.Subject != "s" || len(o.Audiences) != 2 || o.MaxTTL != 600 || !o.NoExpiry || len(f.Algorithms) != 1 {
		t.Errorf("%+v", f)
	}
	if p.Profiles()["snowflake"] != nil {
		t.Error("off: true does not turn a profile off")
	}
	if _, ok := p.Key("b"); ok {
		t.Error("a key that is not there")
	}
}

// The profiles of a file have what they extend, over several steps. A profile
// whose base is off does not exist.
// An issuer publishes the keys that it names; without any, all that are published.
func TestIssuersAreRead(t *testing.T) {
	const k = "keys: {a: {source: \"env:A\", publish: true}, b: {source: \"env:B\"}, c: {source: \"env:C\", publish: true}}\n"
	p := read(t, k+`issuers: ["https://id.acme.com/", "https://id.acme.com:8443/tenant/a", {url: "https://id.acme.com/b/", keys: [c]}]
profiles: {p: {extends: github-app, key: c}}`)
	var got []string
	for _, i := range p.Issuers {
		got = append(got, fmt.Sprint(i.URL, " ", i.Path, " ", i.Keys, " ", i.JWKSURI()))
	}
	want := []string{
		"https://id.acme.com/  [a c] https://id.acme.com/jwks.json",
		"https://id.acme.com:8443/tenant/a /tenant/a [a c] https://id.acme.com:8443/tenant/a/jwks.json",
		"https://id.acme.com/b/ /b [c] https://id.acme.com/b/jwks.json",
	}
	if !slices.Equal(got, want) {
		t.Errorf("issuers\n%q, want\n%q", got, want)
	}
	i, ok := p.Issuer("https://id.acme.com/b/")
	if !ok || i.Path != "/b" {
		t.Errorf("%+v", i)
	}
	for use, want := range map[string]bool{"c": true, "a": false, "p": true, "github-app": false, "": false} {
		if got := p.Publishes(i, use); got != want {
			t.Errorf("publishes %q: %t", use, got)
		}
	}
	if _, ok := p.Issuer("https://id.acme.com/b"); ok {
		t.Error("iss is compared as text (OpenID Connect Discovery 1.0 §4.3)")
	}
}

func TestProfilesAreResolved(t *testing.T) {
	p := read(t, `
keys: {github: {source: "env:A"}}
profiles:
  acme: {extends: github-app, key: github, issuer: Iv1, limits: {max_ttl: 60s}}
  acme-low: {extends: acme, limits: {max_ttl: 30s}}
  acme-late: {extends: acme-low, issuer: Iv2}
  github-app: {extends: github-app, subject: said}
  okta: {audience: "https://acme.okta.com/oauth2/v1/token", limits: {algorithms: [ES256]}}
  forever: {extends: supabase, limits: {no_exp: true}}
  box: off
  of-box: {extends: box}
`)
	profiles := p.Profiles()
	for name, want := range map[string]provider.Overrides{
		"acme":       {Key: "github", Issuer: "Iv1", Subject: "said", MaxTTL: 60},
		"acme-low":   {Key: "github", Issuer: "Iv1", Subject: "said", MaxTTL: 30},
		"acme-late":  {Key: "github", Issuer: "Iv2", Subject: "said", MaxTTL: 30},
		"github-app": {Subject: "said"},
		"okta":       {Audiences: []string{"https://acme.okta.com/oauth2/v1/token"}},
		"forever":    {NoExpiry: true},
		"supabase":   {},
	} {
		f := profiles[name]
		if f == nil || f.Name != name || !reflect.DeepEqual(f.Overrides, want) {
			t.Errorf("%s: %+v, want the overrides %+v", name, f, want)
		}
	}
	if !slices.Equal(profiles["okta"].Algorithms, []keys.Algorithm{keys.ES256}) || len(profiles["forever"].Algorithms) != 3 {
		t.Errorf("algorithms: %v, %v", profiles["okta"].Algorithms, profiles["forever"].Algorithms)
	}
	for _, name := range []string{"box", "of-box", "nobody"} {
		if profiles[name] != nil {
			t.Errorf("there is a profile %s", name)
		}
	}
	if want := len(provider.Names()) + 4 - 1; len(profiles) != want {
		t.Errorf("%d profiles, want %d", len(profiles), want)
	}
	var none *policy.Policy
	if len(none.Profiles()) != len(provider.Names()) || none.DefinesProfiles() || !p.DefinesProfiles() {
		t.Error("without a file there are the built-in profiles alone")
	}
}

// RetireAfter covers the longest ttl of the key's tokens.
func TestAKeyStaysPublishedForTheLifeOfItsTokens(t *testing.T) {
	const keys = "keys: {a: {source: \"env:A\"}, b: {source: \"env:B\"}}\n"
	for name, row := range map[string]struct {
		text string
		ttl  time.Duration
	}{
		"no grant":              {"", 24 * time.Hour},
		"a grant with a ttl":    {"grants: [{use: a, max_ttl: 15m}]", 15 * time.Minute},
		"a grant without a ttl": {"grants: [{use: a}]", 24 * time.Hour},
		"the longest of two":    {"grants: [{use: a, max_ttl: 15m}, {use: a, max_ttl: 20m}, {use: a, max_ttl: 1m}]", 20 * time.Minute},
		"a grant for another":   {"grants: [{use: b, max_ttl: 15m}]", 24 * time.Hour},
		"a grant by a pattern":  {"grants: [{use: \"*\", max_ttl: 15m}]", 15 * time.Minute},
		"the ttl of a profile":  {"profiles: {p: {extends: github-app, key: a, limits: {max_ttl: 30m}}}\ngrants: [{use: p, max_ttl: 15m}]", 30 * time.Minute},
		"a profile with another key": {
			"profiles: {p: {extends: github-app, key: b, limits: {max_ttl: 30m}}}\ngrants: [{use: p, max_ttl: 15m}, {use: a, max_ttl: 10m}]", 10 * time.Minute,
		},
		"a ttl inherited from a profile with another key": {
			"profiles: {p: {extends: github-app, key: b, limits: {max_ttl: 30m}}, q: {extends: p, key: a}}\ngrants: [{use: q, max_ttl: 15m}]", 30 * time.Minute,
		},
		"a ttl of the profile that it extends and of no other": {
			"profiles: {z: {extends: github-app, key: b, limits: {max_ttl: 50m}}, p: {extends: github-app, key: b, limits: {max_ttl: 30m}}, q: {extends: p, key: a}}\ngrants: [{use: q, max_ttl: 15m}]", 30 * time.Minute,
		},
		"a key inherited over two profiles": {
			"profiles: {p: {extends: github-app, key: a}, q: {extends: p}, r: {extends: q, limits: {max_ttl: 40m}}}\ngrants: [{use: r, max_ttl: 15m}]", 40 * time.Minute,
		},
		"the nearer ttl of two": {
			"profiles: {p: {extends: github-app, key: b, limits: {max_ttl: 30m}}, q: {extends: p, key: a, limits: {max_ttl: 20m}}}\ngrants: [{use: q, max_ttl: 15m}]", 20 * time.Minute,
		},
	} {
		k, _ := read(t, keys+row.text).Key("a")
		if want := row.ttl + policy.MaxAge + policy.Skew; k.RetireAfter != want {
			t.Errorf("%s: %s, want %s", name, k.RetireAfter, want)
		}
	}
}

func TestVersionsAreOrderedByTheirTime(t *testing.T) {
	p := read(t, `keys: {a: {versions: [{source: "env:C", from: 2099-01-01T00:00:00Z}, {source: "env:A", from: 2097-01-01T00:00:00Z}, {source: "env:B", from: 2098-01-01T00:00:00Z}]}}`)
	var order []string
	for _, v := range p.Keys[0].Versions {
		order = append(order, v.Source)
	}
	if strings.Join(order, " ") != "env:A env:B env:C" {
		t.Error(order)
	}
}

func TestAFileOverOneMiBIsRefused(t *testing.T) {
	const text = "inline: allow\n#"
	for size, want := range map[int]bool{1 << 20: true, 1<<20 + 1: false} {
		_, err := readWith(text + strings.Repeat("x", size-len(text)))
		if (err == nil) != want || err != nil && !strings.Contains(err.Error(), "1 MiB") {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestInlineModes(t *testing.T) {
	for _, mode := range []policy.Inline{policy.InlineAllow, policy.InlineSecretsOnly, policy.InlineDeny} {
		if got := read(t, "inline: "+string(mode)).InlineMode(); got != mode {
			t.Errorf("%s is read as %s", mode, got)
		}
	}
}

func TestAnUnknownAlgorithmIsReportedWithAllNames(t *testing.T) {
	_, err := readWith("keys: {a: {source: \"env:A\", algorithms: [XX999]}}")
	want := "unknown algorithm; use one of " + keys.JoinAlgorithms(keys.Algorithms())
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	if mode := (&policy.Policy{}).InlineMode(); mode != policy.InlineAllow {
		t.Errorf("a policy that says nothing of keys in tasks: %s", mode)
	}
}

func TestProblemsAreInTheOrderOfTheFile(t *testing.T) {
	problems := mistakes(t, "keys:\n  b: {source: \"env:A\", kidd: x, kod: x}\n  a: {source: \"env:A\", kidd: x}\nfoo: x\n")
	var places []string
	for _, p := range problems {
		places = append(places, fmt.Sprintf("%d:%d", p.Place.Line, p.Place.Column))
	}
	if got := strings.Join(places, " "); got != "2:24 2:33 3:24 4:1" {
		t.Errorf("%s", got)
	}
	joined := policy.Join((&policy.Policy{}).Fault(policy.Place{Line: 2}, "two"), nil, (&policy.Policy{}).Fault(policy.Place{Line: 1}, "one"))
	if joined == nil || strings.Index(joined.Error(), "one") > strings.Index(joined.Error(), "two") {
		t.Errorf("%v", joined)
	}
	if err := policy.Join(nil, nil); err != nil {
		t.Error(err)
	}
}
