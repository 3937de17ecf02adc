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

	"conductor-jwt/internal/conductorjar"
	"conductor-jwt/internal/tokenendpoint"
	"conductor-jwt/provider"
)

// recipeKeys are what the recipes need beside the key of all tests.
type recipeKeys struct {
	ec          *ecdsa.PrivateKey
	ecText      string
	certificate string // of the RSA key
	encrypted   string // the RSA key, under passphrase
	passphrase  string
	shared      string // a secret that the provider has too
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
	block, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key), []byte(k.passphrase), x509.PEMCipherAES256) //nolint:staticcheck // what the worker reads, it is tested with
	if err != nil {
		return nil, err
	}
	k.encrypted = string(pem.EncodeToMemory(block))
	return k, nil
}

// addTo adds a secret for every recipe.
func (k *recipeKeys) addTo(all map[string]string, set *keySet) {
	for _, r := range provider.Recipes() {
		all[r.Secret] = set.text
	}
	all["GOOGLE_SERVICE_ACCOUNT"] = set.account
	all["APP_STORE_CONNECT_KEY"], all["APPLE_SIGN_IN_KEY"] = k.ecText, k.ecText
	all["ENTRA_KEY"] = set.text + k.certificate
	all["BOX_KEY"], all["BOX_PASSPHRASE"], all["BOX_CLIENT_SECRET"] = k.encrypted, k.passphrase, k.shared
	all["SUPABASE_JWT_SECRET"], all["LIVEKIT_API_SECRET"], all["TABLEAU_SECRET"] = k.shared, k.shared, k.shared
}

// verifierFor is the half of a recipe's key that its provider has.
func (k *recipeKeys) verifierFor(r provider.Recipe, set *keySet) any {
	switch set.secrets()[r.Secret] {
	case k.ecText:
		return k.ec.Public()
	case k.shared:
		return []byte(k.shared)
	}
	return set.key.Public()
}

// provider is a recipe's provider, for the length of a test.
func providerEndpoint(t *testing.T, r provider.Recipe) (*tokenendpoint.Endpoint, object) {
	t.Helper()
	p, ok := provider.Find(r.Profile)
	if !ok {
		t.Fatalf("there is no profile %s", r.Profile)
	}
	e := tokenendpoint.New(p, shared.keys.recipes.verifierFor(r, shared.keys), time.Now)
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

// startRecipe starts the workflow of a recipe with its provider's URLs.
func startRecipe(t *testing.T, name string, input object) string {
	t.Helper()
	id, err := shared.server.StartWorkflow(t.Context(), conductorjar.StartRequest{Name: name, Version: 1, Input: input})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func ended(t *testing.T, id, status string) conductorjar.Workflow {
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

// Each provider takes the token of its recipe, and its answer is lost: the
// token is spent, and only another one helps.
func TestARecipeSurvivesALostAnswer(t *testing.T) {
	underLoad(t)
	if err := shared.server.RegisterTaskDef(t.Context(), provider.TaskDef()); err != nil {
		t.Fatal(err)
	}
	endpoints, ids := map[string]*tokenendpoint.Endpoint{}, map[string]string{}
	for _, r := range provider.Recipes() {
		registerAll(t, r.Token(), r.Workflow())
		e, input := providerEndpoint(t, r)
		e.Lose(1)
		name, _ := r.Names()
		endpoints[r.Profile], ids[r.Profile] = e, startRecipe(t, name, input)
	}
	for _, r := range provider.Recipes() {
		t.Run(r.Profile, func(t *testing.T) {
			w := ended(t, ids[r.Profile], "COMPLETED")
			if seen, taken := endpoints[r.Profile].Counts(); seen != 2 || taken != 2 {
				t.Errorf("%d tokens were handed in and %d taken, want 2 each", seen, taken)
			}
			if !strings.Contains(string(w.Output), `"response"`) {
				t.Errorf("output %s", w.Output)
			}
		})
	}
}

// A workflow failed while its provider was away. When somebody retries it, the
// tokens of then have expired.
func TestARecipeIsRetriedAfterItsTokenHasExpired(t *testing.T) {
	underLoad(t)
	if err := shared.server.RegisterTaskDef(t.Context(), provider.TaskDef()); err != nil {
		t.Fatal(err)
	}
	const ttl = 8 * time.Second
	r, ok := provider.FindRecipe("client-assertion")
	if !ok {
		t.Fatal("there is no recipe")
	}
	definition := strings.NewReplacer("client_assertion_token", "short_lived_token", "client_assertion_call", "short_lived_call").
		Replace(string(r.Token()) + "\x00" + string(r.Workflow()))
	definition = strings.Replace(definition, `"profile":`, `"ttlInSecond": 8, "profile":`, 1)
	definition = strings.Replace(definition, `"retryCount": 3`, `"retryCount": 1`, 1)
	token, workflow, _ := strings.Cut(definition, "\x00")
	registerAll(t, json.RawMessage(token), json.RawMessage(workflow))
	e, input := providerEndpoint(t, r)
	e.Down(true)
	id := startRecipe(t, "short_lived_call", input)
	ended(t, id, "FAILED")
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
		t.Errorf("%d tokens were taken, want the fresh one", taken)
	}
}

// awaitCompleted waits for the good end of a workflow that has failed before:
// for a moment after its retry the server shows it so.
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
