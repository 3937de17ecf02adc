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

// addTo adds a secret for every recipe.
func (k *recipeKeys) addTo(all map[string]string, set *keySet) {
	for _, p := range provider.Profiles() {
		all[p.Recipe.Secret] = set.text
	}
	all["GOOGLE_SERVICE_ACCOUNT"] = set.account
	all["APP_STORE_CONNECT_KEY"], all["APPLE_SIGN_IN_KEY"] = k.ecText, k.ecText
	all["ENTRA_KEY"] = set.text + k.certificate
	all["BOX_KEY"], all["BOX_PASSPHRASE"], all["BOX_CLIENT_SECRET"] = k.encrypted, k.passphrase, k.shared
	all["SUPABASE_JWT_SECRET"], all["LIVEKIT_API_SECRET"], all["TABLEAU_SECRET"] = k.shared, k.shared, k.shared
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
// workflow's input with its URLs.
func providerEndpoint(t *testing.T, p *provider.Profile) (*tokenendpoint.Endpoint, object) {
	t.Helper()
	e := tokenendpoint.New(p, shared.keys.recipes.verifierFor(p, shared.keys), time.Now)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return e, object{"tokenUrl": server.URL + "/token?key=web-api-key", "apiUrl": server.URL + "/api"}
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
	w, err := shared.server.AwaitWorkflow(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if w.Status != status {
		t.Fatalf("workflow %s is %s, want %s; reason: %s", w.ID, w.Status, status, w.Reason)
	}
	return w
}

// The provider accepts the token, and its response is lost. The token cannot be
// used again, so the recipe must sign another one.
func TestRecipeSignsAnotherTokenAfterALostResponse(t *testing.T) {
	withExclusiveLoad(t)
	if err := shared.server.RegisterTaskDef(t.Context(), provider.TokenTaskDef()); err != nil {
		t.Fatal(err)
	}
	endpoints, ids := map[string]*tokenendpoint.Endpoint{}, map[string]string{}
	for _, p := range provider.Profiles() {
		registerAll(t, p.TokenWorkflow(), p.CallWorkflow())
		e, input := providerEndpoint(t, p)
		e.Lose(1)
		endpoints[p.Name], ids[p.Name] = e, startRecipe(t, p.CallWorkflowName(), input)
	}
	for _, p := range provider.Profiles() {
		t.Run(p.Name, func(t *testing.T) {
			w := awaitEnd(t, ids[p.Name], "COMPLETED")
			if seen, taken := endpoints[p.Name].Counts(); seen != 2 || taken != 2 {
				t.Errorf("%d tokens were sent and %d accepted, want 2 each", seen, taken)
			}
			if !strings.Contains(string(w.Output), `"response"`) {
				t.Errorf("output %s, want a response", w.Output)
			}
		})
	}
}

// A workflow fails while its provider is down. When it is retried, its token has
// expired.
func TestFailedRecipeCanBeRetriedAfterItsTokenHasExpired(t *testing.T) {
	withExclusiveLoad(t)
	if err := shared.server.RegisterTaskDef(t.Context(), provider.TokenTaskDef()); err != nil {
		t.Fatal(err)
	}
	const ttl = 8 * time.Second
	p, ok := provider.Find("client-assertion")
	if !ok {
		t.Fatal("there is no provider client-assertion")
	}
	definition := strings.NewReplacer("client_assertion_token", "short_lived_token", "client_assertion_call", "short_lived_call").
		Replace(string(p.TokenWorkflow()) + "\x00" + string(p.CallWorkflow()))
	definition = strings.Replace(definition, `"profile":`, `"ttlInSecond": 8, "profile":`, 1)
	definition = strings.Replace(definition, `"retryCount": 3`, `"retryCount": 1`, 1)
	token, workflow, _ := strings.Cut(definition, "\x00")
	registerAll(t, json.RawMessage(token), json.RawMessage(workflow))
	e, input := providerEndpoint(t, p)
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
