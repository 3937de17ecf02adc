package integration_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"

	"conductor-jwt/provider"
	"conductor-jwt/test/conductorjar"
	"conductor-jwt/test/tokenendpoint"
)

// recipeKeys are the keys of the recipes beside the shared key.
type recipeKeys struct {
	ec          *ecdsa.PrivateKey
	ecText      string
	certificate string // of the RSA key
	encrypted   string // the RSA key, encrypted with passphrase
	passphrase  string
	shared      string // a symmetric secret
}

func newRecipeKeys(key *rsa.PrivateKey) (*recipeKeys, error) {
	k := &recipeKeys{passphrase: rand.Text(), shared: rand.Text() + rand.Text()}
	var err error
	if k.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(k.ec)
	if err != nil {
		return nil, err
	}
	k.ecText = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	leaf := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	if der, err = x509.CreateCertificate(rand.Reader, leaf, leaf, key.Public(), key); err != nil {
		return nil, err
	}
	k.certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	block, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key), []byte(k.passphrase), x509.PEMCipherAES256) //nolint:staticcheck // the worker supports this format
	if err != nil {
		return nil, err
	}
	k.encrypted = string(pem.EncodeToMemory(block))
	return k, nil
}

// addTo adds a secret for every recipe, under its name and a suffix.
func (k *recipeKeys) addTo(all map[string]string, set *keySet, suffix string) {
	for _, p := range provider.Profiles() {
		all[p.Recipe.Secret+suffix] = set.text
	}
	for name, text := range map[string]string{
		"GOOGLE_SERVICE_ACCOUNT": set.account, "APP_STORE_CONNECT_KEY": k.ecText, "APPLE_SIGN_IN_KEY": k.ecText, "ENTRA_KEY": set.text + k.certificate,
		"BOX_KEY": k.encrypted, "BOX_PASSPHRASE": k.passphrase, "BOX_CLIENT_SECRET": k.shared,
		"SUPABASE_JWT_SECRET": k.shared, "LIVEKIT_API_SECRET": k.shared, "TABLEAU_SECRET": k.shared,
	} {
		all[name+suffix] = text
	}
}

// verifierFor returns the key with which a recipe's provider verifies.
func (k *recipeKeys) verifierFor(p *provider.Profile, set *keySet) any {
	switch set.secrets()[p.Recipe.Secret] {
	case k.ecText:
		return k.ec.Public()
	case k.shared:
		return []byte(k.shared)
	}
	return set.key.Public()
}

// providerEndpoint starts a fake provider for a profile, and returns the
// workflow's input with the URL of its API.
func providerEndpoint(t *testing.T, p *provider.Profile) (*tokenendpoint.Endpoint, object) {
	t.Helper()
	e := tokenendpoint.New(p, shared.keys.recipes.verifierFor(p, shared.keys), time.Now)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return e, object{"tokenUrl": server.URL + "/token", "apiUrl": server.URL + "/api"}
}

func registerAll(t *testing.T, definitions ...json.RawMessage) {
	t.Helper()
	for _, d := range definitions {
		if err := shared.server.RegisterWorkflow(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
}

// startRecipe starts the workflow of a recipe.
func startRecipe(t *testing.T, name string, input object) string {
	t.Helper()
	id, err := shared.server.StartWorkflow(t.Context(), model.StartWorkflowRequest{Name: name, Version: 1, Input: input})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func awaitEnd(t *testing.T, id, status string) conductorjar.Workflow {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	go shared.evaluateAll(ctx, []string{id})
	w, err := shared.server.AwaitWorkflow(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if w.Status != status {
		t.Fatalf("workflow %s is %s, want %s; reason: %s", w.ID, w.Status, status, w.Reason)
	}
	return w
}

// Providers that take the signed token itself.
func TestRecipesOfSignedTokens(t *testing.T) {
	withExclusiveLoad(t)
	ids := map[string]string{}
	for _, p := range provider.Profiles() {
		if p.Exchange == nil {
			registerAll(t, p.Workflow())
			_, input := providerEndpoint(t, p)
			ids[p.Name] = startRecipe(t, p.WorkflowName(), input)
		}
	}
	for name, id := range ids {
		t.Run(name, func(t *testing.T) {
			if w := awaitEnd(t, id, "COMPLETED"); !strings.Contains(string(w.Output), `"access_token"`) {
				t.Errorf("output %s, want a response", w.Output)
			}
		})
	}
}

// twoTasks returns definitions that sign and exchange in two tasks, as
// docs/access-token.md describes.
func twoTasks(t *testing.T) (taskDef, token, call json.RawMessage) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "two_tasks.json"))
	if err != nil {
		t.Fatal(err)
	}
	var definitions struct{ TaskDef, Token, Call json.RawMessage }
	if err := json.Unmarshal(raw, &definitions); err != nil {
		t.Fatal(err)
	}
	return definitions.TaskDef, definitions.Token, definitions.Call
}

func google(t *testing.T) *provider.Profile {
	t.Helper()
	p, ok := provider.Find("google-service-account")
	if !ok {
		t.Fatal("there is no provider google-service-account")
	}
	return p
}

// The provider accepts the token, and its response is lost. The token cannot be
// used again, so the sub-workflow must sign another one.
func TestTwoTasksSignAnotherTokenAfterALostResponse(t *testing.T) {
	withExclusiveLoad(t)
	taskDef, token, call := twoTasks(t)
	if err := shared.server.RegisterTaskDef(t.Context(), taskDef); err != nil {
		t.Fatal(err)
	}
	registerAll(t, token, call)
	e, input := providerEndpoint(t, google(t))
	e.Lose(1)
	w := awaitEnd(t, startRecipe(t, "google_two_tasks", input), "COMPLETED")
	if seen, taken := e.Counts(); seen != 2 || taken != 2 {
		t.Errorf("%d tokens were sent and %d accepted, want 2 each", seen, taken)
	}
	if !strings.Contains(string(w.Output), `"ok":true`) {
		t.Errorf("output %s, want a response", w.Output)
	}
}

// A workflow fails while its provider is down. When it is retried, its token has
// expired.
func TestFailedTwoTasksCanBeRetriedAfterTheTokenHasExpired(t *testing.T) {
	withExclusiveLoad(t)
	taskDef, token, call := twoTasks(t)
	if err := shared.server.RegisterTaskDef(t.Context(), taskDef); err != nil {
		t.Fatal(err)
	}
	const ttl = 8 * time.Second
	rename := strings.NewReplacer("google_two_tasks_token", "short_lived_token", "google_two_tasks", "short_lived_call",
		`"profile":`, `"ttlInSecond": 8, "profile":`, `"retryCount": 3`, `"retryCount": 1`)
	registerAll(t, json.RawMessage(rename.Replace(string(token))), json.RawMessage(rename.Replace(string(call))))
	e, input := providerEndpoint(t, google(t))
	e.Down(true)
	id := startRecipe(t, "short_lived_call", input)
	awaitEnd(t, id, "FAILED")
	failed := time.Now()
	if err := poll(t.Context(), 100*time.Millisecond, func() (bool, error) { return time.Since(failed) > ttl, nil }); err != nil {
		t.Fatal(err)
	}
	e.Down(false)
	if _, err := shared.server.Post(t.Context(), "/api/workflow/"+id+"/retry?resumeSubworkflowTasks=false", nil); err != nil {
		t.Fatal(err)
	}
	awaitCompleted(t, id)
	if _, taken := e.Counts(); taken != 1 {
		t.Errorf("%d tokens were accepted, want 1", taken)
	}
}

// awaitCompleted waits until a retried workflow completes. For a moment after the
// retry its status is still FAILED.
func awaitCompleted(t *testing.T, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var last conductorjar.Workflow
	if err := poll(ctx, 100*time.Millisecond, func() (bool, error) {
		w, err := shared.server.Workflow(ctx, id)
		last = w
		return w.Status == "COMPLETED", err
	}); err != nil {
		t.Fatalf("workflow %s is %s: %v; reason: %s", id, last.Status, err, last.Reason)
	}
}
