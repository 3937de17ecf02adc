package reliability

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/test/conductortest"
)

// TaskType is the queue of every task of the matrix.
const TaskType = "GET_SIGNED_JWT"

// Credentials of a stage that asks for them.
const (
	KeyID     = "matrix"
	KeySecret = "the-secret-of-the-matrix"
)

// Options set up a [Stage]. The zero value is the open-source server on
// loopback, with tasks that are taken back after half a minute.
type Options struct {
	Auth bool
	TLS  *tls.Config
	Mode conductortest.Mode
	// Lease is the response timeout of the tasks, 30 s where it is 0, which is what the
	// worker registers.
	Lease time.Duration
	// PerConnection is how many requests a connection serves, 100 where it is 0.
	PerConnection int
	// Down leaves the server down at first.
	Down bool
	// Behind puts something in front of the server and gives the address that
	// the worker is told in its place, and what ends it.
	Behind func(server string) (url string, end func(), err error)
}

// Stage is a server with a ledger, and the tasks that a worker is to do.
type Stage struct {
	Ledger *conductortest.Ledger
	Server *conductortest.Server
	Keys   []Key

	options Options
	url     string
	end     func()
	tasks   atomic.Uint64
}

// NewStage sets a stage up. Keys are the keys of its tasks.
func NewStage(ctx context.Context, o Options, keys []Key) (*Stage, error) {
	if o.Lease == 0 {
		o.Lease = 30 * time.Second
	}
	s := &Stage{
		Ledger: conductortest.NewLedger(conductortest.Options{Mode: o.Mode}), Keys: keys, options: o,
	}
	so := conductortest.ServerOptions{TLS: o.TLS, PerConnection: o.PerConnection}
	if o.Auth {
		so.KeyID, so.Secret = KeyID, KeySecret
	}
	if err := s.bind(ctx, so); err != nil {
		return nil, err
	}
	s.url = s.Server.URL
	if o.Down {
		s.Server.Down()
	}
	if o.Behind == nil {
		return s, nil
	}
	var err error
	s.url, s.end, err = o.Behind(s.Server.URL)
	return s, err
}

// bind listens on a port that stays the stage's own while the server is down:
// one below the range from which systems take the ports of outgoing
// connections.
func (s *Stage) bind(ctx context.Context, o conductortest.ServerOptions) error {
	var err error
	for range 100 {
		o.Addr = "127.0.0.1:" + strconv.Itoa(20000+rand.IntN(12000)) //nolint:gosec // a free port, nothing secret
		s.Server = conductortest.NewServer(s.Ledger, o)
		if err = s.Up(ctx); err == nil {
			return nil
		}
	}
	return fmt.Errorf("reliability: no free port: %w", err)
}

// Up starts the server, again or for the first time.
func (s *Stage) Up(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return s.Server.Up() //nolint:contextcheck // the server lives on until it is taken down
}

// Close ends the server.
func (s *Stage) Close() {
	if s.end != nil {
		s.end()
	}
	s.Server.Down()
}

// Env is what a worker has to be told; more is added to it, or overrides it.
func (s *Stage) Env(more map[string]string) map[string]string {
	env := map[string]string{
		"CONDUCTOR_SERVER_URL":       s.url + "/api",
		"CONDUCTOR_JWT_LISTEN":       "127.0.0.1:0",
		"CONDUCTOR_JWT_POLL_TIMEOUT": "300ms",
		"CONDUCTOR_JWT_SLOTS":        "8",
		"LOG_FORMAT":                 "json",
		"LOG_LEVEL":                  "debug",
	}
	if s.options.Auth {
		env["CONDUCTOR_AUTH_KEY"], env["CONDUCTOR_AUTH_SECRET"] = KeyID, KeySecret
	}
	maps.Copy(env, more)
	return env
}

// Load enqueues n tasks. Each has a subject of its own and one of the keys, so
// that a token that went to the wrong task is known.
func (s *Stage) Load(n int) {
	for range n {
		s.Enqueue(nil)
	}
}

// Enqueue enqueues one task whose definition change may alter, and gives its
// id.
func (s *Stage) Enqueue(change func(*conductortest.TaskSpec)) string {
	n := s.tasks.Add(1)
	key, err := s.key(n)
	if err != nil {
		panic(err) // which NewKeys would have found
	}
	s.Ledger.SetSecret(key.ID, key.Text)
	spec := conductortest.TaskSpec{
		ID: "t" + strconv.FormatUint(n, 10), Type: TaskType, Name: "get_signed_jwt",
		Template: json.RawMessage(fmt.Sprintf(
			`{"subject":"subject-t%d","issuer":"matrix","audience":"matrix","scopes":["read"],"ttlInSecond":300,"algorithm":%q,"privateKeyId":%q,"privateKey":"${workflow.secrets.%s}"}`,
			n, key.Algorithm, key.ID, key.ID)),
		Definition: &conductortest.Definition{Retries: 1000, ResponseTimeout: s.options.Lease},
	}
	if change != nil {
		change(&spec)
	}
	return s.Ledger.Enqueue(spec)
}

// key is the key of the n-th task.
func (s *Stage) key(n uint64) (Key, error) { return s.Keys[n%uint64(len(s.Keys))].of(n) }

// Await waits until every task has ended.
func (s *Stage) Await(ctx context.Context) error {
	if err := s.Ledger.Wait(ctx); err != nil {
		return fmt.Errorf("tasks have not ended: %v", s.Ledger.Counts())
	}
	return nil
}

// AwaitCompleted waits until n tasks are completed.
func (s *Stage) AwaitCompleted(ctx context.Context, n int) error {
	return s.until(ctx, fmt.Sprintf("%d completed", n), func() bool {
		return s.Ledger.Counts()[api.Completed] >= n
	})
}

// AwaitCalls waits for n more calls of a name.
func (s *Stage) AwaitCalls(ctx context.Context, name string, n int) error {
	want := s.Ledger.Calls(name) + n
	tick := time.NewTicker(5 * time.Millisecond) // refused calls change no ledger
	defer tick.Stop()
	for s.Ledger.Calls(name) < want {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d calls of %q, want %d", s.Ledger.Calls(name), name, want)
		}
	}
	return nil
}

func (s *Stage) until(ctx context.Context, what string, done func() bool) error {
	if err := s.Ledger.WaitFor(ctx, done); err != nil {
		return fmt.Errorf("not %s: %v", what, s.Ledger.Counts())
	}
	return nil
}

// Verify checks every token that was ever sent in an update: that it verifies,
// by a library that has not made it, under its own task's key and for its own
// task's subject.
func (s *Stage) Verify() error {
	var errs []error
	for _, u := range s.Ledger.Updates() {
		if u.Result.Status != api.Completed {
			continue
		}
		if err := s.verify(u); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", u.Result.TaskID, err))
		}
	}
	return errors.Join(errs...)
}

func (s *Stage) verify(u conductortest.Update) error {
	id := firstOf(u.Result.TaskID)
	key, err := s.keyOf(id)
	if err != nil {
		return err
	}
	return key.Verify(u.Result.Output.Reveal(), "subject-"+id)
}

// keyOf is the key of a task.
func (s *Stage) keyOf(id string) (Key, error) {
	n, err := number(id)
	if err != nil {
		return Key{}, err
	}
	return s.key(n)
}

// drop forgets the secret of a task that is over.
func (s *Stage) drop(id string) {
	n, err := number(id)
	if err != nil {
		return
	}
	if k := s.Keys[n%uint64(len(s.Keys))]; k.mint != nil { // the others are for all
		s.Ledger.DropSecret(k.idOf(n))
	}
}

func number(id string) (uint64, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(id, "t"), 10, 64)
	if err != nil {
		return 0, errors.New("an update of no task of ours")
	}
	return n, nil
}

// firstOf is the id of a task's first attempt.
func firstOf(id string) string {
	first, _, _ := strings.Cut(id, "-retry-")
	return first
}
