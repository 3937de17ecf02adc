package interop

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// cloud exchanges the tokens of an issuer, set up as a section of docs/keyless.md
// says.
type cloud struct {
	section   string // its heading, up to the colon
	url       string // of the exchange
	form      url.Values
	token     string // name of the member of the form with the token
	trust     trust
	checkTime func(token *oidc.IDToken) error
}

// trust is what an operator registers with a cloud.
type trust struct{ issuer, subject, audience string }

// page is docs/keyless.md.
func page(t *testing.T) string {
	t.Helper()
	return string(must[[]byte](t)(os.ReadFile(filepath.Join("..", "..", "docs", "keyless.md"))))
}

// fenced returns the blocks of a language, without their indentation.
func fenced(text, language string) []string {
	var list []string
	for _, m := range regexp.MustCompile("(?ms)^( *)```"+language+"\n(.*?)^ *```$").FindAllStringSubmatch(text, -1) {
		list = append(list, strings.ReplaceAll("\n"+m[2], "\n"+m[1], "\n"))
	}
	return list
}

// section returns the text from a heading to the next.
func section(t *testing.T, heading string) string {
	t.Helper()
	_, text, ok := strings.Cut(page(t), "\n## "+heading)
	if !ok {
		t.Fatalf("the page has no section %s", heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// flag returns the value of a flag in a shell command.
func flag(t *testing.T, shell, name string) string {
	t.Helper()
	m := regexp.MustCompile(name + `[= ](\S+)`).FindStringSubmatch(shell)
	if m == nil {
		t.Fatalf("no %s in %s", name, shell)
	}
	return m[1]
}

// pageTask is a task of a workflow of the page.
type pageTask struct {
	Type            string          `json:"type"`
	InputParameters json.RawMessage `json:"inputParameters"`
}

// tasks are the last block of a section: one that signs, and one that exchanges.
func tasks(t *testing.T, heading string) (sign string, exchange struct{ URI, Method, ContentType, Body string }) {
	t.Helper()
	blocks := fenced(section(t, heading), "json")
	var list []pageTask
	if err := json.Unmarshal([]byte(blocks[len(blocks)-1]), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].Type != "GET_SIGNED_JWT" || list[1].Type != "HTTP" {
		t.Fatalf("the tasks of %s are %+v, want a GET_SIGNED_JWT and an HTTP task", heading, list)
	}
	if err := json.Unmarshal(list[1].InputParameters, &exchange); err != nil {
		t.Fatal(err)
	}
	return string(list[0].InputParameters), exchange
}

// google is a workload identity pool. It identifies the provider by the audience of
// the exchange, and expects its name with https: as the audience of the token.
func google(t *testing.T) cloud {
	t.Helper()
	const heading, provider = "2. Google Cloud", "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/conductor/providers/conductor"
	shell := strings.Join(fenced(section(t, heading), "sh"), "")
	if mapping := flag(t, shell, "--attribute-mapping"); mapping != "google.subject=assertion.sub" {
		t.Errorf("the attribute mapping is %s", mapping)
	}
	pool, subject, _ := strings.Cut(flag(t, shell, "--member"), "/subject/")
	if pool != "principal:"+strings.TrimSuffix(provider, "/providers/conductor") {
		t.Errorf("the member is of the pool %s, which is not the provider's", pool)
	}
	return cloud{
		section: heading, url: "https://sts.googleapis.com/v1/token", token: "subject_token",
		form: url.Values{
			"grant_type":           {"urn:ietf:params:oauth:grant-type:token-exchange"},
			"requested_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
			"subject_token_type":   {"urn:ietf:params:oauth:token-type:jwt"},
			"scope":                {"https://www.googleapis.com/auth/cloud-platform"},
			"audience":             {provider},
		},
		trust: trust{issuer: flag(t, shell, "--issuer-uri"), subject: subject, audience: "https:" + provider},
		checkTime: func(token *oidc.IDToken) error {
			if token.IssuedAt.IsZero() || token.Expiry.Sub(token.IssuedAt) > 24*time.Hour {
				return fmt.Errorf("the token is valid from %s to %s, want a day at most", token.IssuedAt, token.Expiry)
			}
			return nil
		},
	}
}

// aws is an identity provider of IAM with a role, which trusts what the page's
// policy says.
func aws(t *testing.T) cloud {
	t.Helper()
	const heading = "3. AWS"
	shell := strings.Join(fenced(section(t, heading), "sh"), "")
	issuer := flag(t, shell, "--url")
	var document struct {
		Statement []struct {
			Principal struct{ Federated string }
			Action    string
			Condition map[string]map[string]string
		}
	}
	if err := json.Unmarshal([]byte(fenced(section(t, heading), "json")[0]), &document); err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(issuer, "https://")
	statement := document.Statement[0]
	equals := statement.Condition["StringEquals"]
	if statement.Principal.Federated != "arn:aws:iam::123456789012:oidc-provider/"+name || statement.Action != "sts:AssumeRoleWithWebIdentity" {
		t.Errorf("the trust policy has the statement %+v", statement)
	}
	if clients := flag(t, shell, "--client-id-list"); clients != equals[name+":aud"] {
		t.Errorf("the provider accepts the audience %s, but the role %s", clients, equals[name+":aud"])
	}
	return cloud{
		section: heading, url: "https://sts.eu-central-1.amazonaws.com/", token: "WebIdentityToken",
		form: url.Values{
			"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"},
			"RoleArn": {"arn:aws:iam::123456789012:role/" + flag(t, shell, "--role-name")}, "RoleSessionName": {"backup"},
		},
		trust: trust{issuer: issuer, subject: equals[name+":sub"], audience: equals[name+":aud"]},
	}
}

// entra is an app registration with the page's federated credential.
func entra(t *testing.T) cloud {
	t.Helper()
	const heading = "4. Azure"
	var credential struct {
		Issuer, Subject string
		Audiences       []string
	}
	if err := json.Unmarshal([]byte(fenced(section(t, heading), "json")[0]), &credential); err != nil {
		t.Fatal(err)
	}
	return cloud{
		section: heading, url: "https://login.microsoftonline.com/TENANT/oauth2/v2.0/token", token: "client_assertion",
		form: url.Values{
			"grant_type":            {"client_credentials"},
			"client_id":             {"APP"},
			"scope":                 {"https://storage.azure.com/.default"},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		},
		trust: trust{issuer: credential.Issuer, subject: credential.Subject, audience: credential.Audiences[0]},
	}
}

// exchange handles a form as the cloud does: it discovers the registered issuer,
// verifies the token and compares its claims.
func (c cloud) exchange(t *testing.T, s *testIssuer, body string) error {
	t.Helper()
	form, err := url.ParseQuery(body)
	if err != nil {
		return err
	}
	token := form.Get(c.token)
	form.Del(c.token)
	if form.Encode() != c.form.Encode() {
		return fmt.Errorf("the form is %s, want %s", form.Encode(), c.form.Encode())
	}
	provider, err := oidc.NewProvider(s.client(t), s.here(c.trust.issuer))
	if err != nil {
		return err
	}
	id, err := provider.Verifier(&oidc.Config{ClientID: c.trust.audience, SupportedSigningAlgs: []string{oidc.RS256}}).Verify(s.client(t), token)
	switch {
	case err != nil:
		return err
	case id.Subject != c.trust.subject || len(id.Audience) != 1:
		return fmt.Errorf("the subject is %s and the audience %s", id.Subject, id.Audience)
	case c.checkTime != nil:
		return c.checkTime(id)
	}
	return nil
}

// The clouds are replaced by verifiers that check what the clouds check.
func TestKeylessPageWorksWithVerifiersOfTheClouds(t *testing.T) {
	key := keyFile(t)
	policies := fenced(section(t, "1. Set up the issuer"), "yaml")
	s := startIssuer(t, strings.Replace(policies[0], "file:///keys/cloud.pem", "file://"+key, 1))
	s.discover(t)
	for _, c := range []cloud{google(t), aws(t), entra(t)} {
		input, exchange := tasks(t, c.section)
		if exchange.URI != c.url || exchange.Method != "POST" || exchange.ContentType != "application/x-www-form-urlencoded" {
			t.Errorf("%s: the exchange is %+v, want a form posted to %s", c.section, exchange, c.url)
		}
		try := func(token string) error {
			return c.exchange(t, s, strings.Replace(exchange.Body, "${jwt.output.token}", token, 1))
		}
		token := s.sign(t, "backup", input)
		if err := try(token); err != nil {
			t.Errorf("%s: a valid token is refused: %v", c.section, err)
		}
		issuer := s.here(c.trust.issuer)
		forge := func(key, issuer, subject, audience string) string {
			return conductorJWT(t, "{}", "sign", "--key", key, "--alg", "RS256", "--iss", issuer, "--sub", subject, "--aud", audience, "--ttl", "5m")
		}
		for name, forged := range map[string]string{
			"an issuer with a slash": forge(key, issuer+"/", c.trust.subject, c.trust.audience),
			"another subject":        forge(key, issuer, "other", c.trust.audience),
			"another audience":       forge(key, issuer, c.trust.subject, "other"),
			"another key":            forge(keyFile(t), issuer, c.trust.subject, c.trust.audience),
			"a changed signature":    token[:len(token)-8] + "AAAAAAAA",
		} {
			if try(forged) == nil {
				t.Errorf("%s: a token of %s is accepted", c.section, name)
			}
		}
		if err := try(forge(key, issuer, c.trust.subject, c.trust.audience)); err != nil {
			t.Errorf("%s: an unchanged token made the same way is refused, so the refusals prove nothing: %v", c.section, err)
		}
		for name, denied := range map[string]string{
			"subject":  strings.Replace(input, `"backup"`, `"admin"`, 1),
			"audience": strings.Replace(input, `"audience": "`, `"audience": "x`, 1),
			"workflow": input,
		} {
			workflow := map[bool]string{true: "backup", false: "other"}[name != "workflow"]
			if reason := s.denied(t, workflow, denied); !strings.HasPrefix(reason, "policy_denied: ") {
				t.Errorf("%s: another %s: the reason is %q, want policy_denied", c.section, name, reason)
			}
		}
	}
}
