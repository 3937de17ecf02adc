package worker

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/secret"
	"conductor-jwt/task"
	"conductor-jwt/test/conductortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const jwtType = "GET_SIGNED_JWT"

// handlerFunc is a Handler.
type handlerFunc func(context.Context, api.Task) task.Outcome

func (f handlerFunc) Handle(ctx context.Context, d api.Task) task.Outcome { return f(ctx, d) }

// sign completes every task at once.
func sign(_ context.Context, d api.Task) task.Outcome {
	return task.Outcome{
		Status: api.Completed, Output: secret.NewJSON(json.RawMessage(`{"token":"for ` + d.ID + `"}`)),
		Algorithm: "RS256", KeyKind: "rsa",
	}
}

// signIn completes every task after d, unless its context ends.
func signIn(d time.Duration) handlerFunc {
	return func(ctx context.Context, del api.Task) task.Outcome {
		if !sleep(ctx, d) {
			return task.Outcome{Status: api.Failed, Reason: "timeout: own words", Fault: task.Fault{Code: "timeout"}}
		}
		return sign(ctx, del)
	}
}

// tap intercepts the calls of the worker to the ledger.
type tap struct {
	Server
	onPoll   func(ctx context.Context, q conductor.Query, next func() ([]api.Task, error)) ([]api.Task, error)
	onUpdate func(ctx context.Context, r api.Result, next func() error) error
}

func (s *tap) Poll(ctx context.Context, q conductor.Query) ([]api.Task, error) {
	next := func() ([]api.Task, error) { return s.Server.Poll(ctx, q) }
	if s.onPoll == nil {
		return next()
	}
	return s.onPoll(ctx, q, next)
}

func (s *tap) Update(ctx context.Context, r api.Result) error {
	next := func() error { return s.Server.Update(ctx, r) }
	if s.onUpdate == nil {
		return next()
	}
	return s.onUpdate(ctx, r, next)
}

// logBuffer is written by many goroutines.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBuffer) count(substring string) int { return strings.Count(l.String(), substring) }

// rig is one worker on one ledger, in one bubble.
type rig struct {
	t      *testing.T
	ledger *conductortest.Ledger
	worker *Worker
	log    *logBuffer
	began  time.Time
	stop   context.CancelFunc
	result chan error
}

// start runs a worker on l. The zero options are one task type, four slots and
// a handler that signs.
func start(t *testing.T, l *conductortest.Ledger, o Options) *rig {
	t.Helper()
	r := prepare(t, l, o)
	r.run()
	return r
}

func prepare(t *testing.T, l *conductortest.Ledger, o Options) *rig {
	t.Helper()
	r := &rig{t: t, ledger: l, log: &logBuffer{}, began: time.Now(), result: make(chan error, 1)}
	if o.Server == nil {
		o.Server = l
	}
	if o.Handler == nil {
		o.Handler = handlerFunc(sign)
	}
	if o.TaskTypes == nil {
		o.TaskTypes = []string{jwtType}
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(o.TaskTypes)
	}
	o.Slots = cmp.Or(o.Slots, 4)
	o.WorkerID = cmp.Or(o.WorkerID, "w1")
	o.Pollers = cmp.Or(o.Pollers, 2)
	o.PollTimeout = cmp.Or(o.PollTimeout, conductortest.MaxPollTimeout)
	o.DrainTimeout = cmp.Or(o.DrainTimeout, 25*time.Second)
	o.Logger = slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	r.worker = w
	return r
}

func (r *rig) run() {
	ctx, cancel := context.WithCancel(r.t.Context())
	r.stop = cancel
	go func() { r.result <- r.worker.Run(ctx) }()
}

// drain ends the run and checks the ledger's invariant.
func (r *rig) drain() error {
	r.t.Helper()
	r.stop()
	err := <-r.result
	synctest.Wait()
	if bad := r.ledger.Check(); bad != nil {
		r.t.Errorf("ledger: %v", bad)
	}
	return err
}

func (r *rig) drainClean() {
	r.t.Helper()
	if err := r.drain(); err != nil {
		r.t.Errorf("Run returned %v, want nil", err)
	}
}

// idle waits until every task of the ledger has ended.
func (r *rig) idle(within time.Duration) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), within)
	defer cancel()
	if err := r.ledger.Wait(ctx); err != nil {
		r.t.Errorf("after %s tasks stand at %v", within, r.ledger.Counts())
	}
}

func (r *rig) since() time.Duration { return time.Since(r.began) }

// enqueue starts n tasks whose definition retries and times out.
func enqueue(l *conductortest.Ledger, n int) []string {
	return enqueueType(l, jwtType, n)
}

func enqueueType(l *conductortest.Ledger, taskType string, n int) []string {
	var ids []string
	for range n {
		ids = append(ids, l.Enqueue(conductortest.TaskSpec{
			Type: taskType, Name: "get_signed_jwt", Input: json.RawMessage(`{"subject":"s"}`),
			Definition: &conductortest.Definition{Retries: 3, RetryDelay: time.Second, ResponseTimeout: 30 * time.Second},
		}))
	}
	return ids
}

// status is where a task stands.
func (r *rig) status(id string) api.Status {
	r.t.Helper()
	s, ok := r.ledger.Task(id)
	if !ok {
		r.t.Fatalf("no task %s", id)
	}
	return s.Status
}

func fails(class conductor.Class, status int) error {
	return &conductor.Error{Class: class, Call: "test", Status: status}
}

var errUnclassified = errors.New("not a conductor error")

func seconds1(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }
