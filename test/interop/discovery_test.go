package interop

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"conductor-jwt/cli"
	"conductor-jwt/test/conductortest"
)

// issuerStage is a worker with an issuer, whose pages an ingress serves with TLS.
type testIssuer struct {
	ingress *httptest.Server
	ledger  *conductortest.Ledger
	policy  string // path of the policy file
	reloads chan os.Signal
}

// issuerURL is the URL of the issuer in the policy file of a test, and of the page.
const issuerURL = "https://id.acme.com/conductor"

// startIssuer runs a worker with a policy file, in which the issuer's address is
// replaced by that of the ingress.
func startIssuer(t *testing.T, policy string) *testIssuer {
	t.Helper()
	s := &testIssuer{ledger: conductortest.NewLedger(conductortest.Options{}), policy: filepath.Join(t.TempDir(), "policy.yaml"), reloads: make(chan os.Signal)}
	worker := freeAddress(t)
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: worker})
	forward.ErrorLog = log.New(t.Output(), "ingress: ", 0)
	s.ingress = httptest.NewTLSServer(forward)
	t.Cleanup(s.ingress.Close)
	s.write(t, policy)
	env := map[string]string{
		"CONDUCTOR_SERVER_URL":        conductortest.Serve(t, s.ledger, nil).URL,
		"CONDUCTOR_JWT_POLICY":        s.policy,
		"CONDUCTOR_JWT_JWKS_LISTEN":   worker,
		"CONDUCTOR_JWT_LISTEN":        "off",
		"CONDUCTOR_JWT_POLL_TIMEOUT":  "300ms",
		"CONDUCTOR_JWT_DRAIN_TIMEOUT": "5s",
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	signals, status := make(chan os.Signal, 1), make(chan int, 1)
	go func() {
		status <- cli.Run(ctx, cli.Env{
			Args: []string{"worker"}, Stdin: strings.NewReader(""), Stdout: t.Output(), Stderr: t.Output(), Now: time.Now,
			Getenv:  func(name string) (string, bool) { v, ok := env[name]; return v, ok },
			Environ: func() []string { return nil },
			Signals: func() (<-chan os.Signal, func()) { return signals, func() {} },
			Reloads: func() (<-chan os.Signal, func()) { return s.reloads, func() {} },
		})
	}()
	t.Cleanup(func() {
		defer cancel()
		signals <- syscall.SIGTERM
		if got := <-status; got != 0 {
			t.Errorf("exit status %d, want 0", got)
		}
	})
	return s
}

func freeAddress(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	return server.Listener.Addr().String()
}

// here replaces the issuer's address in a text.
func (s *testIssuer) here(text string) string {
	return strings.ReplaceAll(text, "id.acme.com", strings.TrimPrefix(s.ingress.URL, "https://"))
}

func (s *testIssuer) write(t *testing.T, policy string) {
	t.Helper()
	if err := os.WriteFile(s.policy, []byte(s.here(policy)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// sign runs a task with an input and returns its token.
func (s *testIssuer) sign(t *testing.T, workflow, input string) string {
	t.Helper()
	last := s.run(t, workflow, input)
	var output struct{ Token string }
	if err := json.Unmarshal(last.Output, &output); err != nil || output.Token == "" {
		t.Fatalf("the task is %s: %s", last.Status, last.Reason)
	}
	return output.Token
}

// denied runs a task that must fail and returns why.
func (s *testIssuer) denied(t *testing.T, workflow, input string) string {
	t.Helper()
	return s.run(t, workflow, input).Reason
}

func (s *testIssuer) run(t *testing.T, workflow, input string) conductortest.Snapshot {
	t.Helper()
	id := s.ledger.Enqueue(conductortest.TaskSpec{
		Type: "GET_SIGNED_JWT", Name: "get_signed_jwt", WorkflowType: workflow, Template: json.RawMessage(s.here(input)),
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.ledger.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	last, _ := s.ledger.Last(id)
	return last
}

// client trusts the ingress.
func (s *testIssuer) client(t *testing.T) context.Context {
	t.Helper()
	return oidc.ClientContext(t.Context(), s.ingress.Client())
}

// discover makes a verifier from nothing but the issuer's URL. It retries until
// the worker listens.
func (s *testIssuer) discover(t *testing.T) *oidc.Provider {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		provider, err := oidc.NewProvider(s.client(t), s.here(issuerURL))
		if err == nil {
			return provider
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}

// ca is the certificate of the ingress.
func (s *testIssuer) ca() string { return encodePEM("CERTIFICATE", s.ingress.Certificate().Raw) }

// keyFile makes an RSA key and returns the path of its file.
func keyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.pem")
	conductorJWT(t, "", "key", "generate", path, "--alg", "RS256")
	return path
}

// Two clients of others discover an issuer, verify its tokens, and those of a key
// that is published after they have read the set.
func TestOthersDiscoverAnIssuer(t *testing.T) {
	python := pythonPeer(t)
	old, next, other := keyFile(t), keyFile(t), keyFile(t)
	policy := func(versions string) string {
		return `
keys:
  cloud: {publish: true, versions: [` + versions + `]}
  other: {source: "file://` + other + `", publish: true}
issuers:
  - {url: "` + issuerURL + `", keys: [cloud]}
grants:
  - {use: [cloud, other], issuers: ["` + issuerURL + `"], audiences: ["` + audience + `"]}
`
	}
	first := `{source: "file://` + old + `", from: 2020-01-01T00:00:00Z}`
	s := startIssuer(t, policy(first))
	verifier := s.discover(t).Verifier(&oidc.Config{ClientID: audience})
	input := `{"keyRef":"cloud","issuer":"` + issuerURL + `","subject":"subject","audience":"` + audience + `"}`
	verify := func(token string) (kid string, goOIDC, pyJWT error) {
		_, goOIDC = verifier.Verify(s.client(t), token)
		a, err := python.call(request{Op: "discover", Issuer: s.here(issuerURL), Audience: audience, Token: token, CA: s.ca()})
		if err != nil {
			t.Fatal(err)
		}
		if !a.OK {
			pyJWT = errors.New(a.Error)
		}
		signed := must[*jose.JSONWebSignature](t)(jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256}))
		return signed.Signatures[0].Header.KeyID, goOIDC, pyJWT
	}
	oldID, goOIDC, pyJWT := verify(s.sign(t, "test", input))
	if goOIDC != nil || pyJWT != nil {
		t.Fatalf("verify a token: go-oidc: %v, PyJWT: %v", goOIDC, pyJWT)
	}

	s.write(t, policy(first+`, {source: "file://`+next+`", from: 2021-01-01T00:00:00Z}`))
	s.reloads <- syscall.SIGHUP
	s.reloads <- syscall.SIGHUP // it is received when the first reload has ended
	newID, goOIDC, pyJWT := verify(s.sign(t, "test", input))
	if goOIDC != nil || pyJWT != nil || newID == oldID {
		t.Errorf("verify a token of the new version: go-oidc: %v, PyJWT: %v; its kid is %s, the old one %s", goOIDC, pyJWT, newID, oldID)
	}

	_, goOIDC, pyJWT = verify(s.sign(t, "test", strings.Replace(input, `"cloud"`, `"other"`, 1)))
	if goOIDC == nil || pyJWT == nil {
		t.Errorf("verify a token of an unpublished key: go-oidc: %v, PyJWT: %v; want errors", goOIDC, pyJWT)
	}
}
