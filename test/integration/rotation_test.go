package integration_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/errgroup"

	"conductor-jwt/policy"
)

// With the real delays the test takes eight minutes:
//
//	go test ./test/integration -run KeyRotation -rotation 2000 -rotation-scale 1 -timeout 20m
var (
	rotationTasks = flag.Int("rotation", 150, "number of workflows during the rotation")
	rotationScale = flag.Int64("rotation-scale", 40, "factor by which the delays of rotation and verifier are shortened")
)

// rotation is a key with three versions, on three replicas.
type rotation struct {
	folder   string
	kids     []string    // of the versions
	froms    []time.Time // of the versions; zero for the first
	replicas []*workerProcess
	verifier *verifier
}

// A key rotates twice under load. A verifier that caches the JWK Set as long as
// it may always knows the kid, and all replicas switch in the same second.
func TestKeyRotationUnderLoad(t *testing.T) {
	const domain = "rotation"
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute+scaled(15*time.Minute))
	defer cancel()
	r := newRotation(t, domain)

	// The second version signs MinActivationDelay after its publication, the third
	// half of that later.
	wait := scaled(policy.MinActivationDelay)
	began := time.Now()
	second := began.Add(wait).Truncate(time.Second).Add(time.Second)
	third := second.Add(wait / 2).Truncate(time.Second)
	var publish sync.WaitGroup
	publish.Go(func() {
		r.publish(t, second)
		<-time.After(time.Until(began.Add(wait / 2)))
		r.publish(t, third)
	})
	tokens := r.load(ctx, t, domain, third.Add(wait/4))
	publish.Wait()
	r.check(t, tokens)
	t.Logf("%d tokens verified; %d sets fetched; versions signed %v", len(tokens), r.verifier.fetched, r.count(tokens))

	// Tokens of earlier versions verify with the present set.
	r.verifier.until = time.Time{}
	for _, token := range tokens {
		if _, err := r.verifier.verify(ctx, token.compact); err != nil {
			t.Errorf("verify after the rotations: %v", err)
		}
	}
}

func scaled(d time.Duration) time.Duration { return d / time.Duration(*rotationScale) }

// newRotation starts three replicas with the first version of a key.
func newRotation(t *testing.T, domain string) *rotation {
	t.Helper()
	r := &rotation{folder: t.TempDir(), froms: []time.Time{{}}, verifier: &verifier{maxAge: scaled(policy.MaxAge)}}
	r.newVersion(t)
	r.write(t)
	for range 3 {
		address, err := freeAddress(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r.verifier.urls = append(r.verifier.urls, "http://"+address+"/.well-known/jwks.json")
		r.replicas = append(r.replicas, shared.extraWorker(t, "CONDUCTOR_JWT_DOMAIN="+domain,
			"CONDUCTOR_JWT_POLICY="+r.policy(), "CONDUCTOR_JWT_JWKS_LISTEN="+address, "LOG_LEVEL=info"))
	}
	for _, w := range r.replicas {
		if err := w.awaitReady(t.Context()); err != nil {
			t.Fatalf("%v\n%s", err, w.log.Lines(20))
		}
	}
	return r
}

func (r *rotation) policy() string { return filepath.Join(r.folder, "policy.yaml") }

func (r *rotation) keyFile(n int) string {
	return filepath.Join(r.folder, fmt.Sprintf("key-%d.pem", n))
}

func (r *rotation) newVersion(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Error(err)
		return
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Error(err)
		return
	}
	kid, err := (&jose.JSONWebKey{Key: key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Error(err)
		return
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := os.WriteFile(r.keyFile(len(r.kids)), text, 0o600); err != nil {
		t.Error(err)
	}
	r.kids = append(r.kids, base64.RawURLEncoding.EncodeToString(kid))
}

// write replaces the policy file atomically with one of all versions.
func (r *rotation) write(t *testing.T) {
	t.Helper()
	var b strings.Builder
	b.WriteString("keys:\n  billing:\n    publish: true\n    versions:\n")
	for i, from := range r.froms {
		fmt.Fprintf(&b, "      - {source: \"file://%s\"", r.keyFile(i))
		if from.IsZero() {
			from = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		fmt.Fprintf(&b, ", from: %s}\n", from.UTC().Format(time.RFC3339))
	}
	b.WriteString("grants:\n  - {use: [billing], max_ttl: 15m}\n")
	next := r.policy() + ".next"
	if err := os.WriteFile(next, []byte(b.String()), 0o600); err != nil {
		t.Error(err)
	}
	if err := os.Rename(next, r.policy()); err != nil {
		t.Error(err)
	}
}

// publish adds a version that signs from a time on, and makes the replicas reload
// one after the other.
func (r *rotation) publish(t *testing.T, from time.Time) {
	t.Helper()
	r.newVersion(t)
	r.froms = append(r.froms, from)
	r.write(t)
	for _, w := range r.replicas {
		if err := w.Signal(syscall.SIGHUP); err != nil {
			t.Error(err)
		}
		<-time.After(time.Second / 2)
	}
}

// signed is a token and its checked properties.
type signed struct {
	compact, kid string
	issuedAt     int64
}

// load runs workflows at a steady rate until a time, and verifies each token at
// once.
func (r *rotation) load(ctx context.Context, t *testing.T, domain string, until time.Time) []signed {
	t.Helper()
	task := jwtTask("jwt", object{"keyRef": "billing", "subject": "${workflow.input.subject}", "ttlInSecond": 900})
	def := definition(t, nil, task)
	every := time.Until(until) / time.Duration(*rotationTasks)
	tick := time.NewTicker(every)
	defer tick.Stop()
	tokens := make([]signed, *rotationTasks)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for i := range tokens {
		<-tick.C
		group.Go(func() (err error) {
			q := request(t, def, object{"subject": fmt.Sprintf("number %d", i)})
			q.TaskToDomain = map[string]string{"GET_SIGNED_JWT": domain}
			tokens[i], err = r.one(ctx, q)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	return tokens
}

func (r *rotation) one(ctx context.Context, q model.StartWorkflowRequest) (signed, error) {
	w, err := shared.executeWithRetries(ctx, q)
	if err != nil {
		return signed{}, err
	}
	last, ok := w.Last("jwt")
	if w.Status != "COMPLETED" || !ok || last.RetryCount != 0 {
		return signed{}, fmt.Errorf("a workflow is %s after %d retries, want COMPLETED after none: %s", w.Status, last.RetryCount, w.Reason)
	}
	var out jwtOutput
	if err := json.Unmarshal(last.Output, &out); err != nil {
		return signed{}, err
	}
	s := signed{compact: out.Token, issuedAt: out.IssuedAt}
	s.kid, err = r.verifier.verify(ctx, out.Token)
	return s, err
}

// check checks that the active version signed each token.
func (r *rotation) check(t *testing.T, tokens []signed) {
	t.Helper()
	for _, token := range tokens {
		want := 0
		for i, from := range r.froms {
			if !from.IsZero() && token.issuedAt >= from.Unix() {
				want = i
			}
		}
		// A version that was resolved just before the switch may sign in the second
		// of the switch.
		edge := want > 0 && token.issuedAt == r.froms[want].Unix() && token.kid == r.kids[want-1]
		if token.kid != r.kids[want] && !edge {
			t.Errorf("a token issued at %d has kid %s, want version %d", token.issuedAt, token.kid, want+1)
		}
	}
	for i, n := range r.count(tokens) {
		if n == 0 {
			t.Errorf("version %d signed nothing; the test proves nothing", i+1)
		}
	}
	for _, w := range r.replicas {
		if status, err := statusOf(t.Context(), w.url+"/readyz"); err != nil || status != http.StatusOK {
			t.Errorf("/readyz of a replica is %d, %v; want 200", status, err)
		}
	}
}

// count returns the number of tokens of each version.
func (r *rotation) count(tokens []signed) []int {
	counts := make([]int, len(r.kids))
	for _, token := range tokens {
		for i, kid := range r.kids {
			if token.kid == kid {
				counts[i]++
			}
		}
	}
	return counts
}
