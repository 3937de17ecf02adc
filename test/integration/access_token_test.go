package integration_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"
	"golang.org/x/sync/errgroup"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/provider"
	"conductor-jwt/test/conductorjar"
	"conductor-jwt/test/connectproxy"
	"conductor-jwt/test/tokenendpoint"
)

// exchanger is a worker that exchanges tokens, and the proxy that leads it to fake
// providers. The worker has no other setting for them.
type exchanger struct {
	domain string
	policy string // file
	proxy  *connectproxy.Proxy
	worker *workerProcess
}

// listedEndpoints are those of the recipes that no provider owns.
const listedEndpoints = `exchange:
  endpoints:
    - "https://keycloak.example.com/realms/*/protocol/openid-connect/token"
    - "https://ehr.example.com/token"
    - "https://as.example.com/token"
`

func newExchanger(t *testing.T, domain, policy string) *exchanger {
	t.Helper()
	x := &exchanger{domain: domain, policy: filepath.Join(t.TempDir(), "policy.yaml"), proxy: connectproxy.New(t)}
	if err := os.WriteFile(x.policy, []byte(listedEndpoints+policy), 0o600); err != nil {
		t.Fatal(err)
	}
	x.worker = shared.readyWorker(t, append(x.proxy.Env(), "CONDUCTOR_JWT_TASK_TYPES=GET_ACCESS_TOKEN", "CONDUCTOR_JWT_DOMAIN="+domain, "CONDUCTOR_JWT_POLICY="+x.policy)...)
	return x
}

// fakeProvider is a provider behind the proxy, and its API.
type fakeProvider struct {
	*tokenendpoint.Endpoint

	x       *exchanger
	profile *provider.Profile
	host    string
	input   object
}

// lead starts the provider of a recipe at its token endpoint.
func (x *exchanger) lead(t *testing.T, p *provider.Profile, input object) *fakeProvider {
	t.Helper()
	f := &fakeProvider{Endpoint: tokenendpoint.New(p, shared.keys.recipes.verifierFor(p, shared.keys), time.Now), x: x, profile: p}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.input = object{"apiUrl": server.URL + "/api"}
	maps.Copy(f.input, input)
	u, err := url.Parse(tokenURL(t, p, f.input))
	if err != nil {
		t.Fatal(err)
	}
	f.host = u.Host
	f.At(u.Path)
	x.proxy.Lead(f.host, f)
	return f
}

// tokenURL returns the token endpoint of a recipe with an input.
func tokenURL(t *testing.T, p *provider.Profile, input object) string {
	t.Helper()
	var recipe struct{ InputTemplate object }
	if err := json.Unmarshal(p.Workflow(), &recipe); err != nil {
		t.Fatal(err)
	}
	maps.Copy(recipe.InputTemplate, input)
	var claims, parameters jsonobj.Object
	if audience, ok := recipe.InputTemplate["audience"].(string); ok {
		claims.String("aud", audience)
	}
	if id, ok := recipe.InputTemplate["installationId"].(float64); ok {
		parameters.Int("installationId", int64(id))
	}
	given, _ := recipe.InputTemplate["tokenUrl"].(string)
	e, err := p.Endpoint(given, &claims, &parameters)
	if err != nil {
		t.Fatal(err)
	}
	return e.URL
}

// start starts the recipe's workflow, whose name may have a suffix.
func (f *fakeProvider) start(t *testing.T, suffix string, more object) string {
	t.Helper()
	input := maps.Clone(f.input)
	maps.Copy(input, more)
	id, err := shared.server.StartWorkflow(t.Context(), model.StartWorkflowRequest{
		Name: f.profile.WorkflowName() + suffix, Version: 1, Input: input, TaskToDomain: map[string]string{"GET_ACCESS_TOKEN": f.x.domain},
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// run runs the recipe's workflow.
func (f *fakeProvider) run(t *testing.T, status string, more object) conductorjar.Workflow {
	t.Helper()
	return awaitEnd(t, f.start(t, "", more), status)
}

func (f *fakeProvider) wantAccepted(t *testing.T, says string, want int) {
	t.Helper()
	if _, accepted := f.Counts(); accepted != want {
		t.Errorf("%s: the provider has accepted %d tokens, want %d", says, accepted, want)
	}
}

type accessTokenOutput struct {
	AccessToken, TokenType, Provider string
	Cached                           bool
	ExpiresIn                        int64
	Response                         object
	Error                            struct {
		Code     string
		Provider object
	}
}

// Each provider with an exchange is run as one task and a call, through what may
// happen to an exchange.
func TestAccessTokenOfEachProvider(t *testing.T) {
	withExclusiveLoad(t)
	x := newExchanger(t, "providers", "")
	for _, p := range provider.Profiles() {
		if p.Exchange == nil {
			continue
		}
		registerAll(t, onceOnly(t, p), withNextSecrets(t, p))
		f := x.lead(t, p, nil)
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			f.walk(t)
		})
	}
}

// onceOnly returns a recipe's workflow whose call is not repeated, because a call
// with a revoked token fails each time.
func onceOnly(t *testing.T, p *provider.Profile) json.RawMessage {
	t.Helper()
	before, after, ok := strings.Cut(string(p.Workflow()), `"type": "HTTP",`)
	if !ok {
		t.Fatalf("the recipe of %s has no call", p.Name)
	}
	return json.RawMessage(before + `"type": "HTTP", "retryCount": 0,` + after)
}

// withNextSecrets returns a recipe's workflow of another name, with the secrets that
// follow a rotation.
func withNextSecrets(t *testing.T, p *provider.Profile) json.RawMessage {
	t.Helper()
	definition := strings.Replace(string(onceOnly(t, p)), p.WorkflowName(), p.WorkflowName()+nextSuffix, 1)
	return json.RawMessage(regexp.MustCompile(`(workflow\.secrets\.\w+)`).ReplaceAllString(definition, "${1}"+nextSuffix))
}

// newGrant is the input of a run that does not use the cache. A code of Apple is
// valid once.
func newGrant() object { return object{"fresh": true, "code": rand.Text()} }

func (f *fakeProvider) walk(t *testing.T) {
	t.Helper()
	first := outputOf[accessTokenOutput](t, lastTask(t, f.run(t, "COMPLETED", nil), "token"))
	if first.Cached || first.AccessToken == "" || first.Provider != f.profile.Name || first.ExpiresIn < 600 {
		t.Errorf("the first token is %+v", first)
	}
	for _, path := range f.profile.Exchange.Response {
		if _, ok := first.Response[path[strings.LastIndex(path, ".")+1:]]; !ok {
			t.Errorf("the response %v has no %s", first.Response, path)
		}
	}
	f.wantAccepted(t, "the first token", 1)

	second := outputOf[accessTokenOutput](t, lastTask(t, f.run(t, "COMPLETED", nil), "token"))
	if !second.Cached || second.AccessToken != first.AccessToken {
		t.Errorf("the second token is %+v, want the first from the cache", second)
	}
	f.wantAccepted(t, "the token of the cache", 1)

	f.Revoke()
	f.run(t, "FAILED", nil)
	f.wantAccepted(t, "a revoked token of the cache", 1)
	f.run(t, "COMPLETED", newGrant())
	f.wantAccepted(t, "a fresh token", 2)

	f.Limit(1, "1")
	began := time.Now()
	f.run(t, "COMPLETED", newGrant())
	if waited := time.Since(began); waited < time.Second {
		t.Errorf("the request was repeated after %s, before Retry-After", waited)
	}
	f.wantAccepted(t, "a rate limit", 3)

	f.lose(t)
	f.outage(t)
	f.rotate(t)
}

// lose loses an answer: the provider has accepted the token, which cannot be sent
// again. Apple's code is spent then.
func (f *fakeProvider) lose(t *testing.T) {
	t.Helper()
	f.Lose(1)
	if f.profile.Name == "apple-sign-in" {
		f.wantRefused(t, f.run(t, "FAILED", newGrant()))
		f.wantAccepted(t, "a lost answer", 4)
		f.run(t, "COMPLETED", newGrant())
	} else {
		f.run(t, "COMPLETED", newGrant())
	}
	f.wantAccepted(t, "a lost answer", 5)
}

// outage makes the provider unreachable until the worker has tried it.
func (f *fakeProvider) outage(t *testing.T) {
	t.Helper()
	before := f.x.proxy.Connections(f.host)
	f.x.proxy.Lead(f.host, nil)
	id := f.start(t, "", newGrant())
	if err := poll(t.Context(), 20*time.Millisecond, func() (bool, error) { return f.x.proxy.Connections(f.host) > before, nil }); err != nil {
		t.Fatal(err)
	}
	f.Fail(1) // it comes back slowly
	f.x.proxy.Lead(f.host, f)
	awaitEnd(t, id, "COMPLETED")
	f.wantAccepted(t, "an outage", 6)
}

// rotate gives the provider another key. It refuses the old one, and a task with the
// new one does not get a token of the old one from the cache.
func (f *fakeProvider) rotate(t *testing.T) {
	t.Helper()
	next := shared.keys.next
	f.SetKeys(next.recipes.verifierFor(f.profile, next))
	f.wantRefused(t, f.run(t, "FAILED", newGrant()))
	f.wantAccepted(t, "a refusal", 6)
	w := awaitEnd(t, f.start(t, nextSuffix, object{"code": rand.Text()}), "COMPLETED")
	if out := outputOf[accessTokenOutput](t, lastTask(t, w, "token")); out.Cached {
		t.Errorf("after the rotation, the token is that of the old key: %+v", out)
	}
	f.wantAccepted(t, "a rotation", 7)
	if f.profile.Name == "google-service-account" {
		f.wantIDToken(t)
	}
}

// wantIDToken wants an ID token of Google, which has no access token beside it and
// tells its end itself.
func (f *fakeProvider) wantIDToken(t *testing.T) {
	t.Helper()
	r := request(t, definition(t, nil, object{
		"name": "get_access_token", "taskReferenceName": "token", "type": "GET_ACCESS_TOKEN", "inputParameters": object{
			"profile": f.profile.Name, "privateKey": "${workflow.secrets.GOOGLE_SERVICE_ACCOUNT" + nextSuffix + "}",
			"claims": object{"target_audience": "https://service.example"},
		},
	}), nil)
	r.TaskToDomain = map[string]string{"GET_ACCESS_TOKEN": f.x.domain}
	out := outputOf[accessTokenOutput](t, lastTask(t, shared.run(t, r, "COMPLETED"), "token"))
	if strings.Count(out.AccessToken, ".") != 2 || out.ExpiresIn < 3000 || out.TokenType != "Bearer" {
		t.Errorf("the ID token is %+v", out)
	}
}

func (f *fakeProvider) wantRefused(t *testing.T, w conductorjar.Workflow) {
	t.Helper()
	task := lastTask(t, w, "token")
	out := outputOf[accessTokenOutput](t, task)
	if out.Error.Code != "exchange_refused" || len(out.Error.Provider) == 0 || task.RetryCount != 0 || task.Status != "FAILED_WITH_TERMINAL_ERROR" {
		t.Errorf("the task is %s after %d retries with %s, want exchange_refused", task.Status, task.RetryCount, task.Output)
	}
}

// Many workflows want the same token at once.
func TestAHundredWorkflowsCauseOneExchange(t *testing.T) {
	withExclusiveLoad(t)
	x := newExchanger(t, "hundred", "")
	p, ok := provider.Find("salesforce")
	if !ok {
		t.Fatal("there is no provider salesforce")
	}
	registerAll(t, p.Workflow())
	f := x.lead(t, p, object{"audience": "https://hundred.my.salesforce.com"})
	var group errgroup.Group
	group.SetLimit(16)
	ids := make([]string, 100)
	for i := range ids {
		group.Go(func() error {
			ids[i] = f.start(t, "", nil)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	tokens := map[string]int{}
	for _, id := range ids {
		tokens[outputOf[accessTokenOutput](t, lastTask(t, awaitEnd(t, id, "COMPLETED"), "token")).AccessToken]++
	}
	if len(tokens) != 1 {
		t.Errorf("100 workflows have %d tokens, want 1", len(tokens))
	}
	f.wantAccepted(t, "100 workflows", 1)
}

// A key of the policy file rotates: the tokens that the old version obtained are
// dropped, and the new version signs.
func TestAccessTokensFollowARotation(t *testing.T) {
	withExclusiveLoad(t)
	folder := t.TempDir()
	old, next := filepath.Join(folder, "old.pem"), filepath.Join(folder, "new.pem")
	keys := make([]*rsa.PrivateKey, 2)
	for i, file := range []string{old, next} {
		var err error
		if keys[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(keys[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	signWith := func(file string) string {
		return fmt.Sprintf("keys:\n  client: {source: \"file://%s\"}\ngrants:\n  - {use: [client], max_ttl: 15m}\n", file)
	}
	x := newExchanger(t, "rotated", signWith(old))
	p, ok := provider.Find("client-assertion")
	if !ok {
		t.Fatal("there is no provider client-assertion")
	}
	f := x.lead(t, p, nil)
	f.SetKeys(keys[0].Public(), keys[1].Public())
	r := request(t, definition(t, nil, object{
		"name": "get_access_token", "taskReferenceName": "token", "type": "GET_ACCESS_TOKEN", "inputParameters": object{
			"profile": "client-assertion", "keyRef": "client", "issuer": "client-id", "audience": "https://as.example.com", "tokenUrl": "https://as.example.com/token",
		},
	}), nil)
	r.TaskToDomain = map[string]string{"GET_ACCESS_TOKEN": x.domain}
	run := func() accessTokenOutput {
		return outputOf[accessTokenOutput](t, lastTask(t, shared.run(t, r, "COMPLETED"), "token"))
	}
	first := run()
	if again := run(); !again.Cached || again.AccessToken != first.AccessToken {
		t.Errorf("before the rotation: %+v, want the first token from the cache", again)
	}
	f.SetKeys(keys[1].Public())
	if err := os.WriteFile(x.policy, []byte(listedEndpoints+signWith(next)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := poll(t.Context(), 20*time.Millisecond, func() (bool, error) {
		return x.worker.metric(t.Context(), t, "conductor_jwt_policy_reloads_total", `result="taken"`) > 0, nil
	}); err != nil {
		t.Fatal(err)
	}
	if after := run(); after.Cached || after.AccessToken == first.AccessToken {
		t.Errorf("after the rotation: %+v, want another token", after)
	}
	f.wantAccepted(t, "a rotation", 2)
}
