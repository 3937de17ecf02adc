package task_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/exchange"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
	"conductor-jwt/provider"
	"conductor-jwt/task"
)

// providers is an exchange that issues the same token to everybody, and keeps what
// it was asked.
type providers struct {
	requests []exchange.Request
	posted   []string // assertions
	cached   bool
	response []string // names and texts
	err      error
}

func (p *providers) Token(ctx context.Context, r exchange.Request) (provider.Token, bool, error) {
	p.requests = append(p.requests, r)
	if !p.cached {
		assertion, err := r.Sign(ctx)
		if err != nil {
			return provider.Token{}, false, err
		}
		p.posted = append(p.posted, assertion.Reveal())
	}
	token := provider.Token{
		AccessToken: secret.New("ya29.access"), TokenType: "Bearer", IssuedAt: noon.Add(-time.Minute), Expires: noon.Add(time.Hour),
	}
	for pair := range slices.Chunk(p.response, 2) {
		token.Response.String(pair[0], pair[1])
	}
	return token, p.cached, p.err
}

// exchanging delivers a task of the type that asks for an access token.
func exchanging(p *providers) setup {
	return func(o *task.Options, d *api.Task) { o.Exchange, d.Type = p, task.AccessTokenType }
}

// keycloakInput is a task for a server of the operator, which listed lists.
const (
	keycloakInput = `"profile":"keycloak","issuer":"client","privateKeyId":"kid","audience":"https://keycloak.corp.example/realms/main"`
	listed        = "inline: allow\nexchange: {endpoints: [\"https://keycloak.corp.example/**\"]}\n"
)

// exchanged demands an access token, and returns the output.
func exchanged(tb testing.TB, out task.Outcome) map[string]any {
	tb.Helper()
	if out.Status != api.Completed {
		tb.Fatalf("the task did not complete: %s", out.Reason)
	}
	return object(tb, out.Output.Reveal())
}

func TestAnAssertionIsExchanged(t *testing.T) {
	p := new(providers)
	out := handle(t, with(keycloakInput), under(t, listed), exchanging(p))
	output := exchanged(t, out)
	want := map[string]any{
		"accessToken": "ya29.access", "tokenType": "Bearer", "issuedAt": "1795348740", "expiresAt": "1795352400", "expiresIn": "3600",
		"cached": false, "provider": "keycloak", "taskId": "task-1",
	}
	for name, value := range want {
		if got := fmt.Sprint(output[name]); got != fmt.Sprint(value) {
			t.Errorf("%s is %s, want %v", name, got, value)
		}
	}
	if len(output) != len(want) {
		t.Errorf("the output is %v", output)
	}
	if len(p.posted) != 1 || strings.Contains(string(out.Output.Reveal()), p.posted[0]) {
		t.Errorf("%d assertions were signed, or one is in the output", len(p.posted))
	}
	header, claims := verified(t, p.posted[0], edKey().Public())
	if header["alg"] != "EdDSA" || !strings.Contains(claims, `"iss":"client","sub":"client","aud":"https://keycloak.corp.example/realms/main"`) {
		t.Errorf("the assertion has the header %v and the claims %s", header, claims)
	}
	if r := p.requests[0]; r.KeyID != "kid" {
		t.Errorf("asked for the token of the key id %q", r.KeyID)
	}
	if out.Provider != "keycloak" || out.Cached || out.Algorithm != "EdDSA" {
		t.Errorf("the outcome is %+v", out)
	}
}

// A box task's clientSecret is a secret.
const boxInput = `"profile":"box","jwtId":"0123456789abcdef","issuer":"client","subject":"7","privateKeyId":"kid","claims":{"box_sub_type":"enterprise"}`

const githubInput = `"profile":"github-app","issuer":"app"`

func rsaWith(members string) string {
	return strings.ReplaceAll(with(members), "@key", quote(pemOf(rsaKey())))
}

func TestTheInputsOfAnExchange(t *testing.T) {
	for _, test := range []struct {
		says, members string
		want          string // parameters, endpoint, minimum lifetime, fresh
	}{
		{"the defaults", githubInput + `,"parameters":{"installationId":1}`, `{"installationId":1} https://api.github.com/app/installations/1/access_tokens 1m0s false`},
		{"a number as digits", githubInput + `,"parameters":{"installationId":"1"}`, `{"installationId":"1"} https://api.github.com/app/installations/1/access_tokens 1m0s false`},
		{"a list", githubInput + `,"parameters":{"installationId":1,"repositories":["a","b"]}`, `{"installationId":1,"repositories":["a","b"]} https://api.github.com/app/installations/1/access_tokens 1m0s false`},
		{"a minimum lifetime", githubInput + `,"parameters":{"installationId":1},"minLifetimeInSecond":"3600"`, `{"installationId":1} https://api.github.com/app/installations/1/access_tokens 1h0m0s false`},
		{"no minimum lifetime", githubInput + `,"parameters":{"installationId":1},"minLifetimeInSecond":0`, `{"installationId":1} https://api.github.com/app/installations/1/access_tokens 0s false`},
		{"a blank minimum lifetime", githubInput + `,"parameters":{"installationId":1},"minLifetimeInSecond":""`, `{"installationId":1} https://api.github.com/app/installations/1/access_tokens 1m0s false`},
		{"fresh", githubInput + `,"parameters":{"installationId":1},"fresh":true`, `{"installationId":1} https://api.github.com/app/installations/1/access_tokens 1m0s true`},
		{"fresh as text", githubInput + `,"parameters":{"installationId":1},"fresh":"true"`, `{"installationId":1} https://api.github.com/app/installations/1/access_tokens 1m0s true`},
		{"not fresh", githubInput + `,"parameters":{"installationId":1},"fresh":"false"`, `{"installationId":1} https://api.github.com/app/installations/1/access_tokens 1m0s false`},
		{
			"an endpoint of the provider", githubInput + `,"tokenUrl":"https://api.acme.ghe.com/app/installations/7/access_tokens"`,
			`{} https://api.acme.ghe.com/app/installations/7/access_tokens 1m0s false`,
		},
		{"a secret of the provider", boxInput + `,"parameters":{"clientSecret":"hunter2"}`, `{"clientSecret":"hunter2"} https://api.box.com/oauth2/token 1m0s false`},
	} {
		t.Run(test.says, func(t *testing.T) {
			p := new(providers)
			exchanged(t, handle(t, rsaWith(test.members), exchanging(p)))
			r := p.requests[0]
			got := fmt.Sprintf("%s %s %s %t", r.Input.Parameters.AppendJSON(nil), r.Input.URL, r.MinLifetime, r.Fresh)
			if got != test.want || r.Listed {
				t.Errorf("asked for %s, listed %t\nwant      %s", got, r.Listed, test.want)
			}
		})
	}
}

func TestATaskThatCannotBeExchanged(t *testing.T) {
	for _, test := range []struct{ says, members, code, field, message string }{
		{"no profile", `"issuer":"a"`, "input_missing", "profile", "github-app"},
		{"a profile that takes the signed token", `"profile":"snowflake","issuer":"a"`, "input_invalid", "profile", "GET_SIGNED_JWT"},
		{"a profile that is not known", `"profile":"githubapp"`, "profile_unknown", "profile", "github-app"},
		{"parameters that are no object", githubInput + `,"parameters":[1]`, "input_invalid", "parameters", "object"},
		{"a parameter that is not known", githubInput + `,"parameters":{"installation_id":1}`, "input_invalid", "parameters", "installationId"},
		{"a parameter of another type", githubInput + `,"parameters":{"installationId":"a/../b"}`, "input_invalid", "parameters", "whole number"},
		{"a parameter that is missing", githubInput, "input_invalid", "parameters", "installationId"},
		{"parameters beyond the limit", githubInput + `,"parameters":{"repositories":[` + list(9000, `"r%d"`) + `]}`, "input_too_large", "parameters", ""},
		{"a parameter that the worker sets", boxInput + `,"parameters":{"clientSecret":"s","grant_type":"password"}`, "input_invalid", "parameters", ""},
		{"an assertion as a parameter", boxInput + `,"parameters":{"clientSecret":"s","assertion":"a.b.c"}`, "input_invalid", "parameters", ""},
		{"a scope as a parameter", boxInput + `,"parameters":{"clientSecret":"s","scope":"all"}`, "input_invalid", "parameters", ""},
		{"a client id as a parameter", boxInput + `,"parameters":{"clientSecret":"s","client_id":"other"}`, "input_invalid", "parameters", ""},
		{"an endpoint of somebody else", githubInput + `,"tokenUrl":"https://evil.example/app/installations/1/access_tokens"`, "policy_denied", "tokenUrl", "exchange.endpoints"},
		{"an endpoint that looks like the provider's", githubInput + `,"tokenUrl":"https://api.acme.ghe.com.evil.example/app/installations/1/access_tokens"`, "policy_denied", "tokenUrl", ""},
		{"an endpoint behind a user name", githubInput + `,"tokenUrl":"https://api.acme.ghe.com@evil.example/app/installations/1/access_tokens"`, "input_invalid", "tokenUrl", ""},
		{"an endpoint in clear", githubInput + `,"tokenUrl":"http://api.acme.ghe.com/app/installations/1/access_tokens"`, "input_invalid", "tokenUrl", "https"},
		{"an endpoint with a query", githubInput + `,"tokenUrl":"https://api.acme.ghe.com/app/installations/1/access_tokens?a=b"`, "input_invalid", "tokenUrl", ""},
		{"an endpoint with a fragment", githubInput + `,"tokenUrl":"https://api.acme.ghe.com/app/installations/1/access_tokens#a"`, "input_invalid", "tokenUrl", ""},
		{"an endpoint with dots", githubInput + `,"tokenUrl":"https://api.acme.ghe.com/app/installations/../installations/1/access_tokens"`, "input_invalid", "tokenUrl", ""},
		{"an endpoint where there is one alone", boxInput + `,"parameters":{"clientSecret":"s"},"tokenUrl":"https://api.box.example/oauth2/token"`, "input_invalid", "tokenUrl", "leave it out"},
		{"no endpoint", `"profile":"client-assertion","issuer":"a","audience":"https://as.example"`, "input_invalid", "tokenUrl", ""},
		{"an endpoint that is no string", githubInput + `,"tokenUrl":["https://a"]`, "input_invalid", "tokenUrl", ""},
		{"a minimum lifetime below zero", githubInput + `,"parameters":{"installationId":1},"minLifetimeInSecond":-1`, "input_invalid", "minLifetimeInSecond", "0 to 3600"},
		{"a minimum lifetime of more than an hour", githubInput + `,"parameters":{"installationId":1},"minLifetimeInSecond":3601`, "input_invalid", "minLifetimeInSecond", "0 to 3600"},
		{"a minimum lifetime with a unit", githubInput + `,"parameters":{"installationId":1},"minLifetimeInSecond":"1m"`, "input_invalid", "minLifetimeInSecond", ""},
		{"fresh that is neither", githubInput + `,"parameters":{"installationId":1},"fresh":"yes"`, "input_invalid", "fresh", "true or false"},
		{"a name that is nearly an input", githubInput + `,"parameters":{"installationId":1},"tokenURL":"https://a"`, "input_unknown", "tokenURL", "tokenUrl"},
		{"the key in a parameter", githubInput + `,"parameters":{"installationId":1,"repositories":[@key]}`, "secret_in_claim", "parameters", ""},
		{"the key in the endpoint", githubInput + `,"parameters":{"installationId":1},"tokenUrl":@key`, "secret_in_claim", "tokenUrl", ""},
		{"the client's secret in a claim", strings.Replace(boxInput, `"enterprise"`, `"enterprise","x":"correct horse battery"`, 1) + `,"parameters":{"clientSecret":"correct horse battery"}`, "secret_in_claim", "claims", ""},
	} {
		t.Run(test.says, func(t *testing.T) {
			p := new(providers)
			out := handle(t, rsaWith(test.members), exchanging(p))
			if message := failed(t, out, test.code, test.field); !strings.Contains(message, test.message) {
				t.Errorf("the message is %q, want %q in it", message, test.message)
			}
			if out.Status != api.FailedWithTerminalError || len(p.requests) > 0 {
				t.Errorf("the task ended %s, after %d requests", out.Status, len(p.requests))
			}
		})
	}
}

func TestAParameterThatResolvedToNothing(t *testing.T) {
	for _, test := range []struct{ says, template, members, code, field string }{
		{"a list of repositories, without which the token is for all", `"parameters":{"installationId":1,"repositories":"${workflow.input.r}"}`, `"parameters":{"installationId":1,"repositories":null}`, "input_unresolved", "parameters"},
		{"all parameters", `"parameters":"${workflow.input.p}"`, `"parameters":null`, "input_unresolved", "parameters"},
		{"a part of the endpoint", `"parameters":{"installationId":1},"tokenUrl":"https://api.${workflow.input.t}.ghe.com/app/installations/1/access_tokens"`, `"tokenUrl":"https://api.null.ghe.com/app/installations/1/access_tokens"`, "input_unresolved", "tokenUrl"},
		{"the profile", `"profile":"${workflow.input.p}"`, `"profile":null`, "input_unresolved", "profile"},
	} {
		t.Run(test.says, func(t *testing.T) {
			members := test.members
			if !strings.Contains(members, "profile") {
				members = githubInput + "," + members
			}
			p := new(providers)
			failed(t, handle(t, rsaWith(members), template(`{`+test.template+`}`), exchanging(p)), test.code, test.field)
		})
	}
	p := new(providers)
	out := handle(t, rsaWith(boxInput+`,"parameters":{"clientSecret":null}`), template(`{"parameters":{"clientSecret":"${workflow.secrets.BOX}"}}`), exchanging(p))
	if message := failed(t, out, "secret_missing", "parameters"); !strings.Contains(message, "CONDUCTOR_SECRET_BOX") {
		t.Errorf("the message is %q", message)
	}
}

func TestAnEndpointOfTheOperator(t *testing.T) {
	p := new(providers)
	failed(t, handle(t, with(keycloakInput), exchanging(p)), "policy_denied", "audience")
	failed(t, handle(t, with(keycloakInput), under(t, "inline: allow\nexchange: {endpoints: [\"https://keycloak.corp.example/realms/other/**\"]}\n"), exchanging(p)), "policy_denied", "audience")
	exchanged(t, handle(t, with(keycloakInput), under(t, listed), exchanging(p)))
	if len(p.requests) != 1 || !p.requests[0].Listed || p.requests[0].Input.URL != "https://keycloak.corp.example/realms/main/protocol/openid-connect/token" {
		t.Errorf("asked for %d tokens", len(p.requests))
	}
}

// An injected secret would be sent to the provider.
func TestAnInjectedSecretIsNeverSent(t *testing.T) {
	for _, test := range []struct{ says, template, delivered, stored, field string }{
		{
			"in a parameter", `"parameters":{"installationId":1,"repositories":["${workflow.input.r}"]}`,
			`"parameters":{"installationId":1,"repositories":["hunter2"]}`, `"parameters":{"installationId":1,"repositories":["${workflow.secrets.db}"]}`, "parameters",
		},
		{
			"in parameters that were passed whole", `"parameters":"${workflow.input.p}"`,
			`"parameters":{"installationId":1,"repositories":["hunter2"]}`, `"parameters":{"installationId":1,"repositories":["${workflow.secrets.db}"]}`, "parameters",
		},
		{
			"in the endpoint", `"tokenUrl":"https://api.${workflow.input.t}.ghe.com/app/installations/1/access_tokens"`,
			`"tokenUrl":"https://api.hunter2.ghe.com/app/installations/1/access_tokens"`, `"tokenUrl":"https://api.${workflow.secrets.db}.ghe.com/app/installations/1/access_tokens"`, "tokenUrl",
		},
	} {
		for _, cached := range []bool{false, true} {
			t.Run(fmt.Sprint(test.says, ", cached ", cached), func(t *testing.T) {
				p := &providers{cached: cached}
				out := handle(t, rsaWith(githubInput+","+test.delivered), template(`{"privateKey":"${workflow.secrets.k}",`+test.template+`}`),
					stored(task.InjectionAuto, `{`+test.stored+`}`), exchanging(p))
				failed(t, out, "secret_injected", test.field)
				if len(p.requests) > 0 || strings.Contains(string(out.Output.Reveal()), "hunter2") {
					t.Errorf("%d tokens were asked for; the output is %s", len(p.requests), out.Output.Reveal())
				}
			})
		}
	}
}

// Nothing is posted, and no kept token is looked up, before the stored task was
// compared, and where the comparison does not succeed.
func TestAKeptTokenIsNotReturnedBeforeTheComparison(t *testing.T) {
	for says, s := range map[string]setup{
		"the read is denied":          refusing(task.InjectionStored, api.ErrReadDenied),
		"the read fails":              refusing(task.InjectionAuto, errors.New("away")),
		"the stored task is unusable": stored(task.InjectionStored, `7`),
	} {
		p := &providers{cached: true}
		out := handle(t, rsaWith(githubInput+`,"parameters":{"installationId":1}`), template(`{"parameters":{"installationId":"${workflow.input.i}"}}`), s, exchanging(p))
		failed(t, out, "injection_unchecked", "")
		if len(p.requests) > 0 {
			t.Errorf("%s: a token was asked for", says)
		}
	}
}

// A secret that the provider shares with the client is meant to come from a secret,
// as the key is, and costs no read of the stored task.
func TestAParameterThatIsASecret(t *testing.T) {
	reads := 0
	reading := func(o *task.Options, _ *api.Task) {
		o.Injection = task.InjectionStored
		o.Stored = storedFunc(func(context.Context, string) (api.Task, error) {
			reads++
			return api.Task{Input: secret.NewJSON([]byte(`{` + boxInput + `,"parameters":{"clientSecret":"${workflow.secrets.BOX}"}}`))}, nil
		})
	}
	members := boxInput + `,"parameters":{"clientSecret":"hunter2"}`
	written := `{"privateKey":"${workflow.secrets.k}",` + boxInput + `,"parameters":{"clientSecret":"${workflow.secrets.BOX}"}}`
	p := new(providers)
	exchanged(t, handle(t, rsaWith(members), template(written), reading, exchanging(p)))
	if reads != 0 {
		t.Errorf("the stored task was read %d times", reads)
	}
	exchanged(t, handle(t, rsaWith(members), defaults(written), reading, exchanging(p)))
	if reads != 0 {
		t.Errorf("the stored task was read %d times for the template of a task definition", reads)
	}
	exchanged(t, handle(t, rsaWith(members), template(strings.Replace(written, `"7"`, `"${workflow.input.s}"`, 1)), reading, exchanging(p)))
	if reads != 1 {
		t.Errorf("the stored task was read %d times, want 1", reads)
	}
	for _, r := range p.requests {
		if text := string(r.Input.Parameters.AppendJSON(nil)); text != `{"clientSecret":"hunter2"}` {
			t.Errorf("the parameters are %s", text)
		}
	}
}

func TestAGrantDecidesBeforeTheCache(t *testing.T) {
	policy := `
keys: {billing: {source: "env:A"}}
exchange: {endpoints: ["https://keycloak.corp.example/**"]}
grants: [{use: [billing], task_types: [GET_ACCESS_TOKEN], issuers: [client], scopes: [read], max_ttl: 5m}]
`
	input := strings.Replace(keycloakInput, `,"privateKeyId":"kid"`, "", 1) + `,"keyRef":"billing","scopes":"read"`
	for _, test := range []struct{ says, members, policy, field string }{
		{"allowed", input, policy, ""},
		{"another issuer", strings.Replace(input, `"client"`, `"other"`, 1), policy, "issuer"},
		{"another scope", strings.Replace(input, `"read"`, `"write"`, 1), policy, "scopes"},
		{"a grant for another type of task", input, strings.Replace(policy, "GET_ACCESS_TOKEN", "GET_SIGNED_JWT", 1), "keyRef"},
		{"a grant that was taken away", input, strings.Replace(policy, "use: [billing]", "use: [gone]", 1), "keyRef"},
		{"an endpoint that is no longer listed", input, strings.Replace(policy, "corp.example/**", "corp.example/x", 1), "audience"},
	} {
		t.Run(test.says, func(t *testing.T) {
			p := &providers{cached: true}
			if strings.Contains(test.policy, "gone") {
				test.policy = strings.Replace(test.policy, "keys: {", `keys: {gone: {source: "env:B"}, `, 1)
			}
			out := handle(t, `{`+test.members+`}`, under(t, test.policy), exchanging(p))
			if test.field == "" {
				if output := exchanged(t, out); output["cached"] != true || output["scope"] != "read" || !out.Cached || p.requests[0].KeyName != "billing" {
					t.Errorf("the output is %v", output)
				}
				return
			}
			failed(t, out, "policy_denied", test.field)
			if len(p.requests) > 0 {
				t.Error("a kept token was looked up")
			}
		})
	}
}

func TestWhereTheAccessTokenStands(t *testing.T) {
	for mode, want := range map[task.OutputMode][]string{
		task.OutputToken: {"accessToken"}, task.OutputSecrets: {"_secrets"}, task.OutputBoth: {"_secrets", "accessToken"},
	} {
		output := exchanged(t, handle(t, rsaWith(githubInput+`,"parameters":{"installationId":1}`), exchanging(new(providers)), func(o *task.Options, _ *api.Task) { o.Output = mode }))
		var got []string
		for _, name := range []string{"_secrets", "accessToken", "token"} {
			if _, ok := output[name]; ok {
				got = append(got, name)
			}
		}
		hidden, _ := output["_secrets"].(map[string]any)
		if !slices.Equal(got, want) || mode != task.OutputToken && hidden["accessToken"] != "ya29.access" {
			t.Errorf("%s: the output is %v", mode, output)
		}
	}
}

func TestTheRegisteredOutputOfAnExchange(t *testing.T) {
	for _, name := range []string{"accessToken", "tokenType", "scope", "issuedAt", "expiresAt", "expiresIn", "cached", "provider", "taskId", "response", "warnings", "error"} {
		if !slices.Contains(task.DefinitionOf(task.AccessTokenType).OutputKeys, name) {
			t.Errorf("%s is not registered", name)
		}
	}
	for _, name := range []string{"profile", "parameters", "tokenUrl", "minLifetimeInSecond", "fresh", "keyRef"} {
		if !slices.Contains(task.DefinitionOf("get_access_token").InputKeys, name) {
			t.Errorf("%s is not registered", name)
		}
	}
}

func TestAProviderThatRefuses(t *testing.T) {
	refused := &provider.Refused{Code: "invalid_grant", Description: "Invalid JWT Signature.", Status: 400}
	p := &providers{err: &fault.Error{Reason: exchange.ErrRefused, Found: "the provider refused the assertion", Hint: "look it up", Cause: refused}}
	out := handle(t, rsaWith(githubInput+`,"parameters":{"installationId":1}`), exchanging(p))
	failed(t, out, "exchange_refused", "profile")
	e, _ := object(t, out.Output.Reveal())["error"].(map[string]any)
	if got := fmt.Sprint(e["provider"]); got != "map[description:Invalid JWT Signature. error:invalid_grant status:400]" || out.Status != api.FailedWithTerminalError || out.Provider != "github-app" {
		t.Errorf("the task ended %s, and the provider's error is %s", out.Status, got)
	}
}

func TestAProviderThatIsAway(t *testing.T) {
	for _, test := range []struct {
		says  string
		age   time.Duration
		err   error
		code  string
		end   api.Status
		after time.Duration
	}{
		{"at first", 0, &fault.Error{Reason: exchange.ErrUnavailable, Found: "no answer"}, "exchange_unavailable", api.InProgress, time.Second},
		{"after a while", 7 * time.Second, &fault.Error{Reason: exchange.ErrUnavailable, Found: "no answer"}, "exchange_unavailable", api.InProgress, 8 * time.Second},
		{"too long", 10 * time.Minute, &fault.Error{Reason: exchange.ErrUnavailable, Found: "no answer"}, "exchange_unavailable", api.Failed, 0},
		{"an address that is private", 0, &fault.Error{Reason: exchange.ErrEndpoint, Found: "a private address"}, "policy_denied", api.FailedWithTerminalError, 0},
		{"an error of no kind", 0, errors.New("hunter2"), "internal", api.Failed, 0},
	} {
		t.Run(test.says, func(t *testing.T) {
			field := "profile"
			switch test.code {
			case "policy_denied":
				field = "tokenUrl"
			case "internal":
				field = ""
			}
			out := handle(t, rsaWith(githubInput+`,"parameters":{"installationId":1}`), exchanging(&providers{err: test.err}),
				func(_ *task.Options, d *api.Task) { d.Scheduled = noon.Add(-test.age) })
			failed(t, out, test.code, field)
			if out.Status != test.end || out.After != test.after || strings.Contains(out.Reason, "hunter2") {
				t.Errorf("the task ended %s after %s: %s", out.Status, out.After, out.Reason)
			}
		})
	}
}

func TestTheAuditOfAnExchange(t *testing.T) {
	for _, test := range []struct {
		says             string
		p                *providers
		cached, asserted bool
	}{
		{"a new token", new(providers), false, true},
		{"a kept token", &providers{cached: true}, true, false},
	} {
		t.Run(test.says, func(t *testing.T) {
			var decisions []task.Decision
			handle(t, rsaWith(githubInput+`,"parameters":{"installationId":1}`), exchanging(test.p),
				func(o *task.Options, _ *api.Task) {
					o.Audit = func(d task.Decision) { decisions = append(decisions, d) }
				})
			d := decisions[0]
			if !d.Allowed || d.Provider != "github-app" || d.Cached == nil || *d.Cached != test.cached || d.ExpiresAt != noon.Add(time.Hour).Unix() || d.TokenSHA256 != "" {
				t.Errorf("the decision is %+v", d)
			}
			if (d.AssertionSHA256 != "") != test.asserted || test.asserted && d.AssertionSHA256 != sha256Of(test.p.posted[0]) {
				t.Errorf("the hash of the assertion is %q", d.AssertionSHA256)
			}
		})
	}
}

// A task that signs takes no input of an exchange.
func TestTheQueueChoosesTheContract(t *testing.T) {
	tok := completed(t, handle(t, with(`"subject":"a","parameters":{"x":1},"fresh":true`)))
	if got := fmt.Sprint(tok.output["warnings"]); got != `[unknown and ignored: "parameters", "fresh"]` {
		t.Errorf("warnings: %s", got)
	}
	for queue, want := range map[string]string{
		task.AccessTokenType: "accessToken", "get_access_token": "accessToken", task.TaskType: "token", "get_signed_jwt": "token", "billing_jwt": "token",
	} {
		p := new(providers)
		out := handle(t, rsaWith(githubInput+`,"parameters":{"installationId":1}`), exchanging(p), func(_ *task.Options, d *api.Task) { d.Type = queue })
		if _, ok := exchanged(t, out)[want]; !ok {
			t.Errorf("%s: the output is %s", queue, out.Output.Reveal())
		}
	}
}

func sha256Of(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Some providers return more tokens than the one that was asked for.
func TestWhereOtherTokensStand(t *testing.T) {
	for mode, want := range map[task.OutputMode]string{
		task.OutputToken:   `"accessToken":"a","response":{"instance_url":"https://i","refresh_token":"r"}`,
		task.OutputSecrets: `"_secrets":{"accessToken":"a","response":{"refresh_token":"r"}},"response":{"instance_url":"https://i"}`,
		task.OutputBoth:    `"_secrets":{"accessToken":"a","response":{"refresh_token":"r"}},"accessToken":"a","response":{"instance_url":"https://i","refresh_token":"r"}`,
	} {
		p := &providers{response: []string{"instance_url", "https://i", "refresh_token", "r"}}
		output := exchanged(t, handle(t, rsaWith(githubInput+`,"parameters":{"installationId":1}`), exchanging(p), func(o *task.Options, _ *api.Task) { o.Output = mode }))
		got := map[string]any{}
		for _, name := range []string{"_secrets", "accessToken", "response"} {
			if value, ok := output[name]; ok {
				got[name] = value
			}
		}
		if text, err := json.Marshal(got); err != nil || string(text) != "{"+strings.ReplaceAll(want, `"a"`, `"ya29.access"`)+"}" {
			t.Errorf("%s: %s, %v", mode, text, err)
		}
	}
}

// A name that belongs in parameters, or is nearly an input, is refused with what is
// meant.
func TestHintsForTheInputsOfAnExchange(t *testing.T) {
	for name, want := range map[string]string{
		"token_endpoint": "write tokenUrl", "tokenURI": "write tokenUrl", "params": "write parameters", "minLifetime": "write minLifetimeInSecond",
		"installationId": "put it into parameters", "repositories": "put it into parameters", "client_secret": "put it into parameters",
	} {
		message := failed(t, handle(t, rsaWith(githubInput+`,`+quote(name)+`:"x"`), exchanging(new(providers))), "input_unknown", name)
		if !strings.Contains(message, want) {
			t.Errorf("%s: the message is %q, want %q in it", name, message, want)
		}
	}
	for _, name := range []string{"token_endpoint", "installationId"} { // nothing of it is an input of a task that signs
		completed(t, handle(t, with(quote(name)+`:"x"`)))
	}
}

func TestAnExchangeIsExplained(t *testing.T) {
	explain := func(input string) (task.Explanation, error) {
		o, d := options(), api.Task{Type: task.AccessTokenType, Input: secret.NewJSON([]byte(input))}
		return task.NewHandler(o).Explain(t.Context(), d)
	}
	e, err := explain(`{"privateKey":"${workflow.secrets.k}",` + boxInput + `,"parameters":{"clientSecret":"${workflow.secrets.BOX}"}}`)
	if err != nil || !e.Allowed || e.Endpoint != "https://api.box.com/oauth2/token" {
		t.Errorf("%+v, %v", e, err)
	}
	for input, want := range map[string]string{
		`{"privateKey":"k",` + keycloakInput + `}`:                                                        "policy_denied: audience: ",
		`{"privateKey":"k",` + boxInput + `}`:                                                             "input_invalid: parameters: ",
		`{"privateKey":"k",` + githubInput + `,"parameters":{"installationId":"${workflow.secrets.id}"}}`: "secret_unresolved: parameters: ",
	} {
		if _, err := explain(input); err == nil || !strings.HasPrefix(task.ReasonOf(err), want) {
			t.Errorf("%s: %v, want %s", input, err, want)
		}
	}
}

// A secret that the workflow's definition names in another parameter is meant.
func TestASecretBesideAParameterThatIsASecret(t *testing.T) {
	const parameters = `"parameters":{"refreshToken":"${workflow.secrets.R}","redirectUri":"${workflow.secrets.U}"}`
	members := `"profile":"apple-sign-in","privateKeyId":"k","issuer":"team","subject":"client"`
	input := strings.ReplaceAll(with(members+`,"parameters":{"refreshToken":"hunter2","redirectUri":"https://a.example/"}`), "@key", quote(pemOf(ecKey())))
	written := `{"privateKey":"${workflow.secrets.k}",` + members + "," + parameters + "}"
	workflow := `{"workflowDefinition":{"tasks":[{"type":"GET_ACCESS_TOKEN","name":"get_access_token","inputParameters":` + written + `}]}}`
	p := new(providers)
	out := handle(t, input, template(written), stored(task.InjectionStored, written), running(workflow, nil), exchanging(p))
	exchanged(t, out)
	changed := strings.Replace(workflow, "secrets.U}", "input.u}", 1)
	failed(t, handle(t, input, template(written), stored(task.InjectionStored, written), running(changed, nil), exchanging(p)), "secret_injected", "parameters")
}

func TestTheAuditOfARefusal(t *testing.T) {
	var decisions []task.Decision
	p := &providers{err: &fault.Error{Reason: exchange.ErrRefused, Found: "refused"}}
	handle(t, rsaWith(githubInput+`,"parameters":{"installationId":1}`), exchanging(p),
		func(o *task.Options, _ *api.Task) {
			o.Audit = func(d task.Decision) { decisions = append(decisions, d) }
		})
	d := decisions[0]
	if d.Allowed || d.Code != "exchange_refused" || d.Issuer != "app" || d.AssertionSHA256 != sha256Of(p.posted[0]) || d.Cached != nil || d.ExpiresAt != 0 {
		t.Errorf("the decision is %+v", d)
	}
}
