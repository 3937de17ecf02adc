package integration_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"conductor-jwt/test/connectproxy"
	"conductor-jwt/test/josetoken"
)

// liveIssuer publishes the key that it signs with now.
type liveIssuer struct {
	mu   sync.Mutex
	key  jose.JSONWebKey
	away bool
	sets int // requests for the set
}

const liveIssuerURL = "https://issuer.example"

// rotate replaces the key by a new one.
func (i *liveIssuer) rotate(t *testing.T, kid string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key = jose.JSONWebKey{Key: private, KeyID: kid, Algorithm: "ES256", Use: "sig"}
}

func (i *liveIssuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.away:
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/.well-known/openid-configuration":
		_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, liveIssuerURL, liveIssuerURL+"/keys")
	case r.URL.Path == "/keys":
		i.sets++
		w.Header().Set("Cache-Control", "max-age=3600")
		public, err := i.key.Public().MarshalJSON()
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = fmt.Fprintf(w, `{"keys":[%s]}`, public)
	default:
		http.NotFound(w, r)
	}
}

// verification is the output of a task.
type verification struct {
	Valid  bool
	Claims json.RawMessage
	KeyID  string
	Code   string
	Faults []struct{ Reason string }
	errorOutput
}

// A worker verifies tokens of an issuer over TLS: it discovers the keys, follows a
// rotation, and asks no address of a token.
func TestVerifyJWT(t *testing.T) {
	const domain = "verify"
	proxy := connectproxy.New(t)
	issuer := &liveIssuer{}
	issuer.rotate(t, "a")
	proxy.Lead("issuer.example", issuer)
	trapped := false
	proxy.Lead("evil.example", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { trapped = true }))
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	text := "verifiers: {partner: {issuer: \"" + liveIssuerURL + "\", audiences: [api], algorithms: [ES256], types: [JWT]}}\n"
	if err := os.WriteFile(policy, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w := shared.readyWorker(t, "CONDUCTOR_JWT_TASK_TYPES=VERIFY_JWT", "CONDUCTOR_JWT_DOMAIN="+domain, "CONDUCTOR_JWT_POLICY="+policy,
		"HTTPS_PROXY="+proxy.URL, "SSL_CERT_FILE="+proxy.CAFile)

	verify := func(t *testing.T, token, status string, more object) verification {
		t.Helper()
		inputs := object{"token": "${workflow.input.authorization}", "verifier": "partner", "requiredClaims": object{"roles": []string{"deploy"}}}
		maps.Copy(inputs, more)
		task := object{"name": "verify_jwt", "taskReferenceName": "caller", "type": "VERIFY_JWT", "inputParameters": inputs}
		r := request(t, definition(t, object{"id": "${caller.output.claims.id}"}, task), object{"authorization": token})
		r.TaskToDomain = map[string]string{"VERIFY_JWT": domain}
		return outputOf[verification](t, lastTask(t, shared.run(t, r, status), "caller"))
	}
	claims := func(more string) string {
		return fmt.Sprintf(`{"iss":%q,"aud":"api","sub":"ci","exp":%d,"roles":["build","deploy"],"id":12345678901234567890%s}`, liveIssuerURL, time.Now().Add(time.Hour).Unix(), more)
	}
	good := josetoken.Sign(t, jose.ES256, issuer.key, claims(""))

	t.Run("a valid token", func(t *testing.T) {
		out := verify(t, "Bearer "+good, "COMPLETED", nil)
		if !out.Valid || out.KeyID != "a" || !strings.Contains(string(out.Claims), `"id":12345678901234567890`) {
			t.Errorf("output %+v, claims %s", out, out.Claims)
		}
	})
	t.Run("an invalid token fails the workflow", func(t *testing.T) {
		out := verify(t, josetoken.Sign(t, jose.ES256, issuer.key, `{"iss":"x","aud":"api","exp":1}`), "FAILED", nil)
		if out.Error.Code != "token_invalid" || out.Error.Field != "token" {
			t.Errorf("error %+v", out.Error)
		}
	})
	t.Run("an invalid token is reported", func(t *testing.T) {
		out := verify(t, good, "COMPLETED", object{"onInvalid": "report", "subject": "other"})
		if out.Valid || out.Code != "token_invalid" || len(out.Faults) != 1 || out.Faults[0].Reason != "subject" || len(out.Claims) > 0 {
			t.Errorf("output %+v", out)
		}
	})
	t.Run("a token names an address", func(t *testing.T) {
		stranger := issuer.key
		issuer.rotate(t, "a")
		forged := josetoken.Sign(t, jose.ES256, issuer.key, claims(""), "jku", "https://evil.example/keys", "x5u", "https://evil.example/chain")
		issuer.mu.Lock()
		issuer.key = stranger
		issuer.mu.Unlock()
		if out := verify(t, forged, "FAILED", nil); out.Error.Code != "token_invalid" || trapped {
			t.Errorf("error %+v, asked %t", out.Error, trapped)
		}
	})
	t.Run("the issuer rotates its key", func(t *testing.T) {
		issuer.rotate(t, "b")
		next := josetoken.Sign(t, jose.ES256, issuer.key, claims(""))
		if out := verify(t, next, "COMPLETED", nil); !out.Valid || out.KeyID != "b" || issuer.sets != 2 {
			t.Errorf("output %+v after %d requests", out, issuer.sets)
		}
	})
	t.Run("the issuer is away", func(t *testing.T) {
		issuer.mu.Lock()
		issuer.away = true
		issuer.mu.Unlock()
		if out := verify(t, josetoken.Sign(t, jose.ES256, issuer.key, claims(`,"n":1`)), "COMPLETED", nil); !out.Valid {
			t.Errorf("output %+v", out)
		}
	})
	if log := w.log.String(); strings.Contains(log, "eyJ") {
		t.Error("the worker's log holds a token")
	}
}
