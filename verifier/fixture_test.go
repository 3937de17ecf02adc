package verifier_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/internal/outbound"
	"conductor-jwt/internal/secret"
	"conductor-jwt/policy"
	"conductor-jwt/test/josetoken"
	"conductor-jwt/verifier"
)

const issuerURL = "https://issuer.example"

// policyText names one verifier, which discovers its set.
const policyText = `verifiers: {ci: {issuer: "` + issuerURL + `", audiences: [api], algorithms: [ES256]}}`

// issuer answers as an issuer does, without a network.
type issuer struct {
	t testing.TB

	mu      sync.Mutex
	keys    []jose.JSONWebKey // private ones
	header  http.Header       // of the set
	answers map[string]outbound.Response
	failure error         // of every request
	hang    chan struct{} // if not nil, requests wait until it is closed
	asked   []string
	private []string // addresses that may be private
}

func newIssuer(tb testing.TB) *issuer {
	tb.Helper()
	i := &issuer{t: tb, header: http.Header{}, answers: map[string]outbound.Response{}}
	i.rotate("a")
	i.answer(issuerURL+"/.well-known/openid-configuration", 200, `{"issuer":"`+issuerURL+`","jwks_uri":"`+issuerURL+`/keys"}`)
	return i
}

func newKey(tb testing.TB, kid string) jose.JSONWebKey {
	tb.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return jose.JSONWebKey{Key: private, KeyID: kid, Algorithm: "ES256", Use: "sig"}
}

// rotate replaces the issuer's keys by a new one.
func (i *issuer) rotate(kid string) jose.JSONWebKey {
	key := newKey(i.t, kid)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = []jose.JSONWebKey{key}
	return key
}

func (i *issuer) answer(address string, status int, body string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answers[address] = outbound.Response{Status: status, Header: http.Header{}, Body: []byte(body)}
}

func (i *issuer) fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.failure = err
}

func (i *issuer) set() string {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range i.keys {
		set.Keys = append(set.Keys, k.Public())
	}
	raw, err := json.Marshal(set)
	if err != nil {
		i.t.Fatal(err)
	}
	return string(raw)
}

// Do implements [verifier.Fetcher].
func (i *issuer) Do(ctx context.Context, r outbound.Request) (outbound.Response, error) {
	i.mu.Lock()
	i.asked = append(i.asked, r.URL)
	if r.Private {
		i.private = append(i.private, r.URL)
	}
	hang := i.hang
	i.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return outbound.Response{}, ctx.Err()
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.failure != nil {
		return outbound.Response{}, i.failure
	}
	if answer, ok := i.answers[r.URL]; ok {
		return answer, nil
	}
	if r.URL == issuerURL+"/keys" {
		return outbound.Response{Status: 200, Header: i.header, Body: []byte(i.set())}, nil
	}
	return outbound.Response{Status: 404}, nil
}

// fetches returns how often the set itself was asked for.
func (i *issuer) fetches() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := 0
	for _, address := range i.asked {
		if address == issuerURL+"/keys" {
			n++
		}
	}
	return n
}

func (i *issuer) requests() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.asked)
}

// rig is the verifiers of a policy.
type rig struct {
	*verifier.Verifiers
	t       testing.TB
	options verifier.Options
	log     *strings.Builder
}

func newRig(tb testing.TB, client verifier.Fetcher, text string) *rig {
	tb.Helper()
	var log strings.Builder
	r := &rig{t: tb, log: &log, options: verifier.Options{
		Client: client, Waiting: bulkhead.New(100, time.Now), Metrics: verifier.NewMetrics(), Now: time.Now,
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	}}
	r.reload(text)
	return r
}

func readPolicy(tb testing.TB, text string) *policy.Policy {
	tb.Helper()
	p, err := policy.Read("policy.yaml", []byte(text), time.Hour)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func (r *rig) reload(text string) {
	r.t.Helper()
	v, err := verifier.New(context.Background(), r.options, readPolicy(r.t, text), r.Verifiers)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Verifiers = v
}

// verify verifies a token by the verifier ci.
func (r *rig) verify(token string) error {
	r.t.Helper()
	return r.verifyWith(r.t.Context(), token)
}

func (r *rig) verifyWith(ctx context.Context, token string) error {
	p, err := r.Verify(ctx, verifier.Request{Verifier: "ci", Token: secret.New(token)})
	if err == nil && !p.IsClaims {
		r.t.Error("a valid token without claims")
	}
	return err
}

// sign signs a token that verifies. Headers are further header parameters.
func sign(tb testing.TB, key jose.JSONWebKey, headers ...any) string {
	tb.Helper()
	return signClaims(tb, key, fmt.Sprintf(`{"iss":%q,"aud":"api","sub":"s","exp":%d}`, issuerURL, time.Now().Add(1000*time.Hour).Unix()), headers...)
}

func signClaims(tb testing.TB, key jose.JSONWebKey, claims string, headers ...any) string {
	tb.Helper()
	return josetoken.Sign(tb, jose.SignatureAlgorithm(key.Algorithm), key, claims, headers...)
}

// wantInvalid wants an invalid token, for a reason unless that is nil.
func wantInvalid(tb testing.TB, err, reason error) {
	tb.Helper()
	if _, ok := errors.AsType[*verifier.Invalid](err); !ok || reason != nil && !errors.Is(err, reason) {
		tb.Errorf("%v, want an invalid token: %v", err, reason)
	}
}

func wantUnavailable(tb testing.TB, err error, found string) {
	tb.Helper()
	if !errors.Is(err, verifier.ErrUnavailable) || !strings.Contains(err.Error(), found) {
		tb.Errorf("%v, want unavailable: %s", err, found)
	}
	if _, ok := errors.AsType[*verifier.Invalid](err); ok {
		tb.Errorf("%v says that the token is invalid", err)
	}
}
