package keyring_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/internal/fault"
	"conductor-jwt/keyring"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
	"conductor-jwt/test/keyconformance"
)

// memoryStore is a key store in memory.
type memoryStore struct {
	mu     sync.Mutex
	timed  bool
	remote bool
	held   map[string][]keys.Key
	faults map[string]error
	calls  int
	sign   func(ctx context.Context) error // before each signature of a remote key
	forge  bool
}

func newMemoryStore() *memoryStore {
	return &memoryStore{held: map[string][]keys.Key{}, faults: map[string]error{}}
}

func (s *memoryStore) put(uri string, list ...keys.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[uri] = list
}

func (s *memoryStore) fail(uri string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[uri] = err
}

// timesRead is how often the sources were read.
func (s *memoryStore) timesRead() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func (s *memoryStore) Open(uri string) (keys.Source, error) {
	if strings.HasSuffix(uri, "nonsense") {
		return nil, &fault.Error{Reason: keys.ErrUnsupported, Found: "a uri that makes no sense", Hint: "write another"}
	}
	return &memorySource{s, uri}, nil
}

type memorySource struct {
	*memoryStore
	uri string
}

func (s *memorySource) Timed() bool  { return s.timed }
func (s *memorySource) Remote() bool { return s.remote }

func (s *memorySource) Versions(ctx context.Context) ([]keys.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if err := s.faults[s.uri]; err != nil {
		if d, ok := errors.AsType[hangsForever](err); ok {
			s.mu.Unlock()
			<-d.until
			s.mu.Lock()
			return s.held[s.uri], nil
		}
		if errors.Is(err, errHangs) {
			s.mu.Unlock()
			<-ctx.Done()
			s.mu.Lock()
			return nil, ctx.Err()
		}
		return nil, err
	}
	if !s.remote {
		return s.held[s.uri], nil
	}
	var list []keys.Key
	for _, k := range s.held[s.uri] {
		list = append(list, &remoteKey{k, s.memoryStore})
	}
	return list, nil
}

var errHangs = errors.New("hangs")

// hangsForever hangs until it is closed, whatever its context does.
type hangsForever struct{ until chan struct{} }

func (hangsForever) Error() string { return "hangs on a file" }

type remoteKey struct {
	keys.Key
	memoryStore *memoryStore
}

func (k *remoteKey) Sign(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
	if k.memoryStore.sign != nil {
		if err := k.memoryStore.sign(ctx); err != nil {
			return nil, err
		}
	}
	if k.memoryStore.forge {
		input = append([]byte("x"), input...)
	}
	return k.Key.Sign(ctx, alg, input)
}

func unavailable() error {
	return &fault.Error{Reason: keys.ErrUnavailable, Found: "the store does not answer", Hint: "wait"}
}

// edKey returns a new Ed25519 key with a time of creation.
func edKey(t *testing.T, created time.Time) keys.Key {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return fromSigner(t, private, created)
}

func ecKey(t *testing.T) keys.Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return fromSigner(t, private, time.Time{})
}

func fromSigner(t *testing.T, s crypto.Signer, created time.Time) keys.Key {
	t.Helper()
	key, err := keyconformance.InStore(s, created)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func thumbprint(t *testing.T, key keys.Key) string {
	t.Helper()
	kid, err := keys.Thumbprint(key)
	if err != nil {
		t.Fatal(err)
	}
	return kid
}

type fixture struct {
	*memoryStore
	text   string
	log    lockedBuffer
	stores *bulkhead.Group
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// policy reads the text of the fixture.
func (r *fixture) policy(t *testing.T) *policy.Policy {
	t.Helper()
	p, err := policy.Read("policy.yaml", []byte(r.text), 10*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (r *fixture) options(t *testing.T) keyring.Options {
	t.Helper()
	if r.stores == nil {
		r.stores = bulkhead.NewGroup(8, time.Now)
	}
	schemes := map[string]keys.Scheme{}
	for _, name := range []string{policy.SchemeFile, policy.SchemeEnv, policy.SchemeVaultTransit, policy.SchemeGCPKMS} {
		schemes[name] = r.memoryStore
	}
	return keyring.Options{
		Policy: r.policy(t), Parser: keys.NewParser(keys.ParserOptions{}), Schemes: schemes, Stores: r.stores,
		Missing: map[string]string{policy.SchemePKCS11: "; the native edition has it"},
		Now:     time.Now,
		Logger:  slog.New(slog.NewTextHandler(&r.log, nil)),
	}
}

func (r *fixture) ring(t *testing.T, before *keyring.Ring) *keyring.Ring {
	t.Helper()
	ring, err := keyring.New(t.Context(), r.options(t), before)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// signs makes a key sign and returns the kid of its active version.
func signs(t *testing.T, ring *keyring.Ring, name string) string {
	t.Helper()
	key, err := ring.Resolve(t.Context(), keys.Ref{Name: name})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if _, err := key.Sign(t.Context(), key.Algorithms()[0], []byte("input")); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return key.ID()
}

// states writes the versions of the first key as "active:a published:b", with the
// names that kids gives them.
func states(ring *keyring.Ring, kids map[string]string) string {
	var list []string
	for _, v := range ring.Status()[0].Versions {
		list = append(list, fmt.Sprintf("%s:%s", v.State, kids[v.KeyID]))
	}
	return strings.Join(list, " ")
}
