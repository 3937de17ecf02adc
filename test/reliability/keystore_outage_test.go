package reliability

import (
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/fault"
	"conductor-jwt/keyring"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
	"conductor-jwt/task"
	"conductor-jwt/test/conductortest"
	"conductor-jwt/test/keyconformance"
	"conductor-jwt/test/vaulttest"
)

// With a minute, the percentiles are held to the promise too:
//
//	go test ./reliability -run Killed -outage 60s
var outage = flag.Duration("outage", 3*time.Second, "how long the key store is away")

// store is a key store that may hang: each call waits until its caller gives
// up.
type store struct {
	keys.Key

	mu   sync.Mutex
	away bool
}

func (s *store) Open(string) (keys.Source, error)                 { return s, nil }
func (s *store) Timed() bool                                      { return true }
func (s *store) Remote() bool                                     { return true }
func (s *store) Versions(ctx context.Context) ([]keys.Key, error) { return []keys.Key{s}, s.wait(ctx) }

func (s *store) Sign(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Key.Sign(ctx, alg, input)
}

func (s *store) hang(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = yes
}

func (s *store) wait(ctx context.Context) error {
	s.mu.Lock()
	away := s.away
	s.mu.Unlock()
	if !away {
		return nil
	}
	<-ctx.Done()
	return &fault.Error{Reason: keys.ErrUnavailable, Found: "no answer", Cause: ctx.Err()}
}

// signs takes a hundredth of a second for each task.
type signs struct{ *task.Handler }

func (s signs) Handle(ctx context.Context, d api.Task) task.Outcome {
	<-time.After(10 * time.Millisecond)
	return s.Handler.Handle(ctx, d)
}

// A store that hangs for a minute takes a quarter of the slots and no more:
// tasks with other keys do not notice, and its own are done when it is back.
func TestAStoreThatHangsHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rate, whole = 100 * time.Millisecond, time.Minute
		l := conductortest.NewLedger(conductortest.Options{})
		l.SetSecret("own", ecText(t))
		s := &store{Key: ecOf(t)}
		end := startEngine(t, l, s)
		from := time.Now().Add(whole / 2)
		to := from.Add(whole)
		time.AfterFunc(time.Until(from), func() { s.hang(true) })
		time.AfterFunc(time.Until(to), func() { s.hang(false) })
		own, stored := enqueueBoth(t, l, rate, to.Add(whole/2))
		if err := l.Wait(t.Context()); err != nil {
			t.Fatal(l.Counts())
		}
		end()
		judge(t, latencies(l, own, from, to), latencies(l, stored, from, to), time.Millisecond)
		if err := l.Check(); err != nil {
			t.Error(err)
		}
	})
}

// startEngine runs a worker of eight slots with a key in the store.
func startEngine(t *testing.T, l *conductortest.Ledger, s *store) (end func()) {
	t.Helper()
	p, err := policy.Read("policy.yaml", []byte("keys: {remote: {source: \"vault-transit://transit/remote\"}}\ngrants: [{use: [remote]}]\n"), time.Hour)
	must(t, err)
	ring, err := keyring.New(t.Context(), keyring.Options{
		Policy: p, Parser: keys.NewParser(keys.ParserOptions{}), Stores: keyring.NewStores(8, time.Now),
		Schemes: map[string]keys.Scheme{policy.SchemeVaultTransit: s},
		Now:     time.Now, Logger: slog.New(slog.DiscardHandler),
	}, nil)
	must(t, err)
	w := newWorker(t, l, signs{newHandler(func(o *task.Options) { o.Keys, o.Policy, o.Injection = ring, p, task.InjectionKey })})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go ring.Run(ctx)
	go func() { done <- w.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// enqueueBoth enqueues a task of either kind at an even pace.
func enqueueBoth(t *testing.T, l *conductortest.Ledger, every time.Duration, until time.Time) (own, stored []sent) {
	t.Helper()
	tick := time.NewTicker(every)
	defer tick.Stop()
	enqueue := func(template string) sent {
		return sent{at: time.Now(), id: l.Enqueue(conductortest.TaskSpec{
			Type: TaskType, Name: "get_signed_jwt", Template: json.RawMessage(template),
			Definition: &conductortest.Definition{Retries: 3, RetryDelay: time.Second, ResponseTimeout: 30 * time.Second},
		})}
	}
	for time.Now().Before(until) {
		own = append(own, enqueue(`{"subject":"a","privateKey":"${workflow.secrets.own}"}`))
		stored = append(stored, enqueue(`{"subject":"a","keyRef":"remote"}`))
		<-tick.C
	}
	return own, stored
}

// judge holds tasks with other keys to twice their time before, and those of
// the store to completion without a retry.
func judge(t *testing.T, own, stored Latencies, slack time.Duration) {
	t.Helper()
	t.Logf("other keys: p99 %s before, %s during (%d and %d tasks); the store's: p99 %s before, the last %s after its return (%d and %d tasks)",
		p99(own.Before), p99(own.During), len(own.Before), len(own.During), p99(stored.Before), stored.Last, len(stored.Before), len(stored.During))
	if slack >= 0 && p99(own.During) > 2*p99(own.Before)+slack {
		t.Errorf("tasks with other keys have a p99 of %s, before the outage it was %s", p99(own.During), p99(own.Before))
	}
	for kind, l := range map[string]Latencies{"other keys": own, "the store's key": stored} {
		if l.Failed > 0 || l.Retries > 0 {
			t.Errorf("%d tasks with %s failed, %d retries were spent", l.Failed, kind, l.Retries)
		}
		if len(l.Before) == 0 || len(l.During) == 0 {
			t.Errorf("no task with %s in one of the times; the test proves nothing", kind)
		}
	}
}

// vault is a Vault that can be killed, and comes back at its address.
type vault struct {
	*vaulttest.Server

	address string
	server  *http.Server
}

func (v *vault) up(t *testing.T) {
	t.Helper()
	var config net.ListenConfig
	if v.address == "" {
		v.address = "127.0.0.1:0"
	}
	listener, err := config.Listen(t.Context(), "tcp", v.address)
	must(t, err)
	v.address = listener.Addr().String()
	v.server = &http.Server{Handler: v.Server, ReadHeaderTimeout: time.Minute}
	go func(s *http.Server) { _ = s.Serve(listener) }(v.server) // ends with down
}

func (v *vault) down(t *testing.T) {
	t.Helper()
	must(t, v.server.Close())
}

// The same with the whole worker, and a Vault that first hangs, then is gone.
func TestAKilledVaultHoldsNobodyUp(t *testing.T) {
	if *outage < time.Minute { // else it measures
		t.Parallel()
	}
	v := &vault{Server: vaulttest.New(t)}
	v.PutTransit("transit/remote", vaulttest.NewKey("ecdsa-p256"))
	v.up(t)
	policyFile := filepath.Join(t.TempDir(), "policy.yaml")
	text := "vault: {address: \"http://" + v.address + "\"}\nkeys: {remote: {source: \"vault-transit://transit/remote\"}}\ngrants: [{use: [remote]}]\n"
	must(t, os.WriteFile(policyFile, []byte(text), 0o600))
	stage, err := NewStage(t.Context(), Options{}, nil)
	must(t, err)
	defer stage.Close()
	stage.Ledger.SetSecret("own", ecText(t))
	w, err := inside(time.Now)(stage.Env(map[string]string{
		"CONDUCTOR_JWT_POLICY": policyFile, "VAULT_TOKEN": vaulttest.Root, "CONDUCTOR_JWT_SECRET_INJECTION": "key", "LOG_LEVEL": "info",
	}))
	must(t, err)

	from := time.Now().Add(max(2*time.Second, *outage/4))
	to := from.Add(*outage)
	var played sync.WaitGroup
	played.Go(func() {
		<-time.After(time.Until(from))
		v.Hold()
		<-time.After(*outage / 2)
		v.down(t)
		v.Release()
		<-time.After(time.Until(to))
		v.up(t)
	})
	own, stored := enqueueBoth(t, stage.Ledger, 50*time.Millisecond, to.Add(max(2*time.Second, *outage/4)))
	played.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if err := stage.Await(ctx); err != nil {
		t.Error(err)
	}
	w.Signal(syscall.SIGTERM)
	if status, err := w.Wait(ctx); err != nil || status != 0 {
		t.Errorf("exit status %d, %v", status, err)
	}
	v.down(t)
	slack := time.Duration(-1) // what else the machine does counts in so short a time
	if *outage >= time.Minute {
		slack = 5 * time.Millisecond
	}
	judge(t, latencies(stage.Ledger, own, from, to), latencies(stage.Ledger, stored, from, to), slack)
	if err := stage.Ledger.Check(); err != nil {
		t.Error(err)
	}
	if n := strings.Count(w.Log(), "a key could not be refreshed"); n > 1 {
		t.Errorf("the log says %d times that the key is not fresh", n)
	}
}

func ecText(t *testing.T) string {
	t.Helper()
	list, err := NewKeys()
	must(t, err)
	return list[1].Text
}

// ecOf is an EC key as a store would have it.
func ecOf(t *testing.T) keys.Key {
	t.Helper()
	key, err := keyconformance.InStore(vaulttest.NewKey("ecdsa-p256"), time.Time{})
	must(t, err)
	return key
}

// Latencies are the times from enqueueing to the end of tasks, by when they
// were enqueued.
type Latencies struct {
	Before, During []time.Duration
	Retries        int // that were spent
	Failed         int // tasks that did not complete
	// Last is how long after the end of the outage the last task ended.
	Last time.Duration
}

// sent is when a task was enqueued.
type sent struct {
	id string
	at time.Time
}

// latencies judges tasks that were enqueued around an outage.
func latencies(l *conductortest.Ledger, tasks []sent, from, to time.Time) Latencies {
	var all Latencies
	for _, task := range tasks {
		last, _ := l.Last(task.id)
		all.Retries += last.Retry
		if last.Status != conductortest.Completed {
			all.Failed++
			continue
		}
		took := last.Ended.Sub(task.at)
		if task.at.Before(from) {
			all.Before = append(all.Before, took)
		} else if task.at.Before(to) {
			all.During = append(all.During, took)
		}
		all.Last = max(all.Last, last.Ended.Sub(to))
	}
	slices.Sort(all.Before)
	slices.Sort(all.During)
	return all
}

// p99 is the 99th percentile of sorted times.
func p99(sorted []time.Duration) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)*99/100]
}
