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

// TaskType is the type of every task of the matrix.
const TaskType = "GET_SIGNED_JWT"

// Credentials of a testbed with authentication.
const (
	KeyID     = "matrix"
	KeySecret = "the-secret-of-the-matrix"
)

// Options configure a [Testbed]. The zero value is the open-source server on
// loopback, whose tasks have a response timeout of 30 s.
type Options struct {
	Auth bool
	TLS  *tls.Config
	Mode conductortest.Mode
	// Lease is the response timeout of the tasks; 0 is 30 s, which the worker
	// registers.
	Lease time.Duration
	// PerConnection is the number of requests that a connection serves; 0 is
	// 100.
	PerConnection int
	// Down does not start the server.
	Down bool
	// Proxy starts a proxy in front of the server. It returns the URL for the
	// worker and a function that stops the proxy.
	Proxy func(server string) (url string, end func(), err error)
}

// Testbed is a server with a ledger, and the tasks for a worker.
type Testbed struct {
	Ledger *conductortest.Ledger
	Server *conductortest.Server
	Keys   []Key

	options Options
	url     string
	end     func()
	tasks   atomic.Uint64
}

// NewTestbed starts a testbed. keys are the keys of its tasks.
func NewTestbed(ctx context.Context, o Options, keys []Key) (*Testbed, error) {
	if o.Lease == 0 {
		o.Lease = 30 * time.Second
	}
	b := &Testbed{
		Ledger: conductortest.NewLedger(conductortest.Options{Mode: o.Mode}), Keys: keys, options: o,
	}
	so := conductortest.ServerOptions{TLS: o.TLS, PerConnection: o.PerConnection}
	if o.Auth {
		so.KeyID, so.Secret = KeyID, KeySecret
	}
	if err := b.bind(ctx, so); err != nil {
		return nil, err
	}
	b.url = b.Server.URL
	if o.Down {
		b.Server.Down()
	}
	if o.Proxy == nil {
		return b, nil
	}
	var err error
	b.url, b.end, err = o.Proxy(b.Server.URL)
	return b, err
}

// bind listens on a port below the range of outgoing connections, so that no
// other process takes it while the server is down.
func (b *Testbed) bind(ctx context.Context, o conductortest.ServerOptions) error {
	var err error
	for range 100 {
		o.Addr = "127.0.0.1:" + strconv.Itoa(20000+rand.IntN(12000)) //nolint:gosec // a port, not a secret
		b.Server = conductortest.NewServer(b.Ledger, o)
		if err = b.Up(ctx); err == nil {
			return nil
		}
	}
	return fmt.Errorf("reliability: no free port: %w", err)
}

// Up starts the server.
func (b *Testbed) Up(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return b.Server.Up() //nolint:contextcheck // the server runs until Down
}

// Close stops the proxy and the server.
func (b *Testbed) Close() {
	if b.end != nil {
		b.end()
	}
	b.Server.Down()
}

// Env returns the environment of a worker; more adds to it or overrides it.
func (b *Testbed) Env(more map[string]string) map[string]string {
	env := map[string]string{
		"CONDUCTOR_SERVER_URL":       b.url + "/api",
		"CONDUCTOR_JWT_LISTEN":       "127.0.0.1:0",
		"CONDUCTOR_JWT_POLL_TIMEOUT": "300ms",
		"CONDUCTOR_JWT_SLOTS":        "8",
		"LOG_FORMAT":                 "json",
		"LOG_LEVEL":                  "debug",
	}
	if b.options.Auth {
		env["CONDUCTOR_AUTH_KEY"], env["CONDUCTOR_AUTH_SECRET"] = KeyID, KeySecret
	}
	maps.Copy(env, more)
	return env
}

// Load enqueues n tasks. Each has its own subject and one of the keys, so that a
// token for another task is detected.
func (b *Testbed) Load(n int) {
	for range n {
		b.Enqueue(nil)
	}
}

// Enqueue enqueues one task, which change may alter, and returns its ID.
func (b *Testbed) Enqueue(change func(*conductortest.TaskSpec)) string {
	n := b.tasks.Add(1)
	key, err := b.key(n)
	if err != nil {
		panic(err) // cannot happen: NewKeys made keys of each kind
	}
	b.Ledger.SetSecret(key.ID, key.Text)
	spec := conductortest.TaskSpec{
		ID: "t" + strconv.FormatUint(n, 10), Type: TaskType, Name: "get_signed_jwt",
		Template: json.RawMessage(fmt.Sprintf(
			`{"subject":"subject-t%d","issuer":"matrix","audience":"matrix","scopes":["read"],"ttlInSecond":300,"algorithm":%q,"privateKeyId":%q,"privateKey":"${workflow.secrets.%s}"}`,
			n, key.Algorithm, key.ID, key.ID)),
		Definition: &conductortest.Definition{Retries: 1000, ResponseTimeout: b.options.Lease},
	}
	if change != nil {
		change(&spec)
	}
	return b.Ledger.Enqueue(spec)
}

// key returns the key of the n-th task.
func (b *Testbed) key(n uint64) (Key, error) { return b.Keys[n%uint64(len(b.Keys))].forTask(n) }

// Await waits until every task has ended.
func (b *Testbed) Await(ctx context.Context) error {
	if err := b.Ledger.Wait(ctx); err != nil {
		return fmt.Errorf("tasks have not ended: %v", b.Ledger.Counts())
	}
	return nil
}

// AwaitCompleted waits until n tasks are completed.
func (b *Testbed) AwaitCompleted(ctx context.Context, n int) error {
	return b.until(ctx, fmt.Sprintf("%d completed", n), func() bool {
		return b.Ledger.Counts()[api.Completed] >= n
	})
}

// AwaitCalls waits for n more calls of a name, such as "poll".
func (b *Testbed) AwaitCalls(ctx context.Context, name string, n int) error {
	want := b.Ledger.Calls(name) + n
	tick := time.NewTicker(5 * time.Millisecond) // Ledger.WaitFor does not see refused calls
	defer tick.Stop()
	for b.Ledger.Calls(name) < want {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d calls of %q, want %d", b.Ledger.Calls(name), name, want)
		}
	}
	return nil
}

func (b *Testbed) until(ctx context.Context, what string, done func() bool) error {
	if err := b.Ledger.WaitFor(ctx, done); err != nil {
		return fmt.Errorf("not %s: %v", what, b.Ledger.Counts())
	}
	return nil
}

// Verify checks every token in an update: that it verifies, by a library that
// did not sign it, under the task's key and has the task's subject.
func (b *Testbed) Verify() error {
	var errs []error
	for _, u := range b.Ledger.Updates() {
		if u.Result.Status != api.Completed {
			continue
		}
		if err := b.verify(u); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", u.Result.TaskID, err))
		}
	}
	return errors.Join(errs...)
}

func (b *Testbed) verify(u conductortest.Update) error {
	id := firstOf(u.Result.TaskID)
	key, err := b.keyOf(id)
	if err != nil {
		return err
	}
	return key.Verify(u.Result.Output.Reveal(), "subject-"+id)
}

// keyOf returns the key of a task.
func (b *Testbed) keyOf(id string) (Key, error) {
	n, err := number(id)
	if err != nil {
		return Key{}, err
	}
	return b.key(n)
}

// drop removes the secret of an ended task.
func (b *Testbed) drop(id string) {
	n, err := number(id)
	if err != nil {
		return
	}
	if k := b.Keys[n%uint64(len(b.Keys))]; k.mint != nil { // other keys are shared
		b.Ledger.DropSecret(k.idOf(n))
	}
}

func number(id string) (uint64, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(id, "t"), 10, 64)
	if err != nil {
		return 0, errors.New("an update of an unknown task")
	}
	return n, nil
}

// firstOf returns the ID of a task's first attempt.
func firstOf(id string) string {
	first, _, _ := strings.Cut(id, "-retry-")
	return first
}
