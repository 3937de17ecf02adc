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
	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/internal/fault"
	"conductor-jwt/keyring"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
	"conductor-jwt/task"
	"conductor-jwt/test/conductortest"
	"conductor-jwt/test/keyconformance"
	"conductor-jwt/test/vaulttest"
)

// From a minute on, the percentiles are checked too:
//
//	go test ./test/reliability -run VaultOutage -outage 60s
var outage = flag.Duration("outage", 3*time.Second, "duration of the key store's outage")

// store is a key store that can hang: each call waits until its context ends.
type store struct {
	keys.Key

	mu      sync.Mutex
	hanging bool
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

func (s *store) setHanging(hanging bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hanging = hanging
}

func (s *store) wait(ctx context.Context) error {
	s.mu.Lock()
	hanging := s.hanging
	s.mu.Unlock()
	if !hanging {
		return nil
	}
	<-ctx.Done()
	return &fault.Error{Reason: keys.ErrUnavailable, Found: "no answer", Cause: ctx.Err()}
}

// slowHandler takes 10 ms for each task.
type slowHandler struct{ *task.Handler }

func (s slowHandler) Handle(ctx context.Context, d api.Task) task.Outcome {
	<-time.After(10 * time.Millisecond)
	return s.Handler.Handle(ctx, d)
}

// A store that hangs for a minute occupies at most a quarter of the slots: tasks
// with other keys are not delayed, and its own complete when it is back.
func TestHangingKeyStoreDoesNotDelayOtherTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval, hangs = 100 * time.Millisecond, time.Minute
		l := conductortest.NewLedger(conductortest.Options{})
		l.SetSecret("own", ecText(t))
		s := &store{Key: ecOf(t)}
		stop := startWithStore(t, l, s)
		from := time.Now().Add(hangs / 2)
		to := from.Add(hangs)
		time.AfterFunc(time.Until(from), func() { s.setHanging(true) })
		time.AfterFunc(time.Until(to), func() { s.setHanging(false) })
		own, stored := enqueueBoth(t, l, interval, to.Add(hangs/2))
		if err := l.Wait(t.Context()); err != nil {
			t.Fatal(l.Counts())
		}
		stop()
		checkLatencies(t, latenciesOf(l, own, from, to), latenciesOf(l, stored, from, to), time.Millisecond)
		if err := l.Check(); err != nil {
			t.Error(err)
		}
	})
}

// startWithStore runs a worker of eight slots with a key in the store until stop
// is called.
func startWithStore(t *testing.T, l *conductortest.Ledger, s *store) (stop func()) {
	t.Helper()
	p, err := policy.Read("policy.yaml", []byte("keys: {remote: {source: \"vault-transit://transit/remote\"}}\ngrants: [{use: [remote]}]\n"), time.Hour)
	must(t, err)
	ring, err := keyring.New(t.Context(), keyring.Options{
		Policy: p, Parser: keys.NewParser(keys.ParserOptions{}), Stores: bulkhead.NewGroup(8, time.Now),
		Schemes: map[string]keys.Scheme{policy.SchemeVaultTransit: s},
		Now:     time.Now, Logger: slog.New(slog.DiscardHandler),
	}, nil)
	must(t, err)
	w := newWorker(t, l, slowHandler{newHandler(func(o *task.Options) { o.Keys, o.Policy, o.Injection = ring, p, task.InjectionKey })})
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

// enqueueBoth enqueues a task with an inline key and one with a stored key in
// each interval.
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

// checkLatencies checks that tasks with other keys take at most twice as long as
// before the outage plus slack, and that no task fails or is retried. A negative
// slack skips the first check.
func checkLatencies(t *testing.T, own, stored latencies, slack time.Duration) {
	t.Helper()
	t.Logf("other keys: p99 %s before, %s during (%d and %d tasks); the store's: p99 %s before, the last %s after the outage (%d and %d tasks)",
		p99(own.Before), p99(own.During), len(own.Before), len(own.During), p99(stored.Before), stored.Last, len(stored.Before), len(stored.During))
	if slack >= 0 && p99(own.During) > 2*p99(own.Before)+slack {
		t.Errorf("tasks with other keys have a p99 of %s, want at most twice the %s before the outage", p99(own.During), p99(own.Before))
	}
	for kind, l := range map[string]latencies{"other keys": own, "the store's key": stored} {
		if l.Failed > 0 || l.Retries > 0 {
			t.Errorf("%d tasks with %s failed, %d were retried, want none", l.Failed, kind, l.Retries)
		}
		if len(l.Before) == 0 || len(l.During) == 0 {
			t.Errorf("no task with %s before or during the outage; the test proves nothing", kind)
		}
	}
}

// vault is a Vault that can be stopped and started at the same address.
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
	go func(s *http.Server) { _ = s.Serve(listener) }(v.server)
}

func (v *vault) down(t *testing.T) {
	t.Helper()
	must(t, v.server.Close())
}

// The same with the complete worker, and a Vault that first hangs and then is
// down.
func TestVaultOutageDoesNotDelayOtherTasks(t *testing.T) {
	if *outage < time.Minute { // from a minute on, it measures
		t.Parallel()
	}
	v := &vault{Server: vaulttest.New(t)}
	v.PutTransit("transit/remote", vaulttest.NewKey("ecdsa-p256"))
	v.up(t)
	policyFile := filepath.Join(t.TempDir(), "policy.yaml")
	text := "vault: {address: \"http://" + v.address + "\"}\nkeys: {remote: {source: \"vault-transit://transit/remote\"}}\ngrants: [{use: [remote]}]\n"
	must(t, os.WriteFile(policyFile, []byte(text), 0o600))
	bed, err := NewTestbed(t.Context(), Options{}, nil)
	must(t, err)
	defer bed.Close()
	bed.Ledger.SetSecret("own", ecText(t))
	w, err := startInProcess(time.Now)(bed.Env(map[string]string{
		"CONDUCTOR_JWT_POLICY": policyFile, "VAULT_TOKEN": vaulttest.Root, "CONDUCTOR_JWT_SECRET_INJECTION": "key", "LOG_LEVEL": "info",
	}))
	must(t, err)

	from := time.Now().Add(max(2*time.Second, *outage/4))
	to := from.Add(*outage)
	var faults sync.WaitGroup
	faults.Go(func() {
		<-time.After(time.Until(from))
		v.Hold()
		<-time.After(*outage / 2)
		v.down(t)
		v.Release()
		<-time.After(time.Until(to))
		v.up(t)
	})
	own, stored := enqueueBoth(t, bed.Ledger, 50*time.Millisecond, to.Add(max(2*time.Second, *outage/4)))
	faults.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if err := bed.Await(ctx); err != nil {
		t.Error(err)
	}
	w.Signal(syscall.SIGTERM)
	if status, err := w.Wait(ctx); err != nil || status != 0 {
		t.Errorf("exit status %d, %v", status, err)
	}
	v.down(t)
	slack := time.Duration(-1) // in a short outage, other load on the machine decides the percentiles
	if *outage >= time.Minute {
		slack = 5 * time.Millisecond
	}
	checkLatencies(t, latenciesOf(bed.Ledger, own, from, to), latenciesOf(bed.Ledger, stored, from, to), slack)
	if err := bed.Ledger.Check(); err != nil {
		t.Error(err)
	}
	if n := strings.Count(w.Log(), "a key could not be refreshed"); n > 1 {
		t.Errorf("%d lines about a key that could not be refreshed, want at most 1", n)
	}
}

func ecText(t *testing.T) string {
	t.Helper()
	list, err := NewKeys()
	must(t, err)
	return list[1].Text
}

// ecOf returns an EC key as a store holds it.
func ecOf(t *testing.T) keys.Key {
	t.Helper()
	key, err := keyconformance.InStore(vaulttest.NewKey("ecdsa-p256"), time.Time{})
	must(t, err)
	return key
}

// latencies are the times from enqueueing a task to its end, by when it was
// enqueued.
type latencies struct {
	Before, During []time.Duration
	Retries        int
	Failed         int
	// Last is the time from the end of the outage to the end of the last task.
	Last time.Duration
}

// sent is an enqueued task.
type sent struct {
	id string
	at time.Time
}

// latenciesOf returns the latencies of tasks enqueued before and during an
// outage.
func latenciesOf(l *conductortest.Ledger, tasks []sent, from, to time.Time) latencies {
	var all latencies
	for _, task := range tasks {
		last, _ := l.Last(task.id)
		all.Retries += last.Retry
		if last.Status != api.Completed {
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

// p99 returns the 99th percentile of sorted times.
func p99(sorted []time.Duration) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)*99/100]
}
