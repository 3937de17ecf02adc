// Package task is the contract of the tasks: what a workflow author may write,
// and what comes back. The queue of a task chooses its contract. A task takes
// these steps, each with a value in and a value out:
//
//	read       api.Task -> request   every input, by the table of inputs
//	resolve    request  -> keys.Key  the key in the task, or a configured one
//	compose    request  -> draft     algorithm, kid, header, claims, times
//	authorise  draft    -> draft     rules of the profile, grant, ttl, token endpoint
//	sign       draft    -> token     or exchange: an access token for it
//	output     draft    -> Outcome
package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"runtime"
	"sync/atomic"
	"time"
	"uuid"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
	"conductor-jwt/provider"
	"conductor-jwt/signer"
)

// Stored reads a task and its workflow as the server keeps them, secrets
// unresolved.
type Stored interface {
	StoredTask(ctx context.Context, id string) (api.Task, error)
	// StoredWorkflow returns an object with the member workflowDefinition.
	StoredWorkflow(ctx context.Context, id string) (json.RawMessage, error)
}

// UnknownMode says what happens to an input whose name is neither known nor
// similar to a known one.
type UnknownMode string

// The modes for unknown inputs.
const (
	UnknownWarn  UnknownMode = "warn"  // ignore it, and name it in a warning
	UnknownError UnknownMode = "error" // refuse the task
)

// Options configure a Handler. Every field is needed, except those that say
// what nil means.
type Options struct {
	Keys   keys.Resolver
	Stored Stored // nil: stored tasks cannot be read

	Policy *policy.Policy   // nil: any key in a task, and no configured one
	Audit  func(d Decision) // called with every decision; nil: no audit

	// Exchange exchanges assertions for access tokens; nil: tasks that ask for one are
	// only explained.
	Exchange Exchanger

	Verifiers    Verifiers // nil: no task verifies a token
	VerifyInline bool      // a task may bring the key to verify with

	DefaultTTL time.Duration // whole seconds, at most MaxTTL
	MaxTTL     time.Duration // whole seconds
	KeyWait    time.Duration // age up to which a task waits for its key store; 0: it does not wait
	Output     OutputMode
	Injection  InjectionMode
	Unknown    UnknownMode

	Now    func() time.Time
	NewID  func() string // makes the jti of a task that names none: [NewID], or a test's
	Logger *slog.Logger
}

// NewID returns a random UUID (RFC 9562 §5.4).
func NewID() string { return uuid.NewV4().String() }

// Handler runs tasks. It is safe for concurrent use.
type Handler struct {
	o         Options
	contracts []contract
	profiles  map[string]*provider.Profile
	noProfile *provider.Profile // of a task that names none: it demands nothing

	deniedReadLogged atomic.Bool
	workflowReads    chan struct{} // has room for one: see compareStored
	clear            *clearValues
	clearVerify      *clearValues // apart, since each token to verify is a new value
}

// NewHandler returns a Handler.
func NewHandler(o Options) *Handler {
	return &Handler{
		o: o, contracts: contracts(), profiles: o.Policy.Profiles(), noProfile: new(provider.Profile), workflowReads: make(chan struct{}, 1),
		clear: newClearValues(o.Now), clearVerify: newClearValues(o.Now),
	}
}

// Handle runs one task within the deadline of ctx. If it panics, the audit
// records an internal error, and the caller recovers.
func (h *Handler) Handle(ctx context.Context, t api.Task) (out Outcome) {
	began := h.o.Now()
	var d draft
	defer func() {
		if out.Status == "" { // it panics
			out = h.failed(ctx, t, draft{}, errInternal)
		}
		if h.o.Audit != nil && out.Status != api.InProgress { // a requeued task is not decided
			h.o.Audit(decisionOf(t, d, out, began, h.o.Now().Sub(began)))
		}
	}()
	d, out = contractOf(h.contracts, t.Type).run(h, ctx, t)
	for _, w := range out.Warnings {
		h.o.Logger.WarnContext(ctx, "a task has a warning", "task_id", t.ID, "warning", w)
	}
	return out
}

// issue takes a task through the steps. The draft is as far as it got.
func (h *Handler) issue(ctx context.Context, t api.Task) (draft, Outcome) {
	if err := ctx.Err(); err != nil {
		return draft{}, h.failed(ctx, t, draft{}, err)
	}
	r, err := h.read(t)
	d := draft{request: r}
	if err != nil {
		return d, h.failed(ctx, t, d, err)
	}
	// The stored task is read during the next steps. No token is returned before the
	// comparison with it has succeeded.
	stored, stop := h.startStoredCheck(ctx, t, r)
	defer stop()
	key, err := h.resolve(ctx, r)
	if err == nil {
		d, err = h.compose(r, key)
	}
	if err == nil {
		d, err = h.authorise(t, d)
	}
	if err == nil && r.exchange != nil {
		d.access, err = h.endpoint(&d)
	}
	if err != nil {
		// The audit of a denial holds the claims only if none of them can be a secret.
		d.disclosable = h.o.Audit != nil && d.rule != "" && errors.Is(err, errPolicyDenied) && stored.agrees(ctx)
		return d, h.failed(ctx, t, d, err)
	}
	if r.exchange == nil {
		d.signed, err = signer.Sign(ctx, key, d.token) // while the stored task is read
	}
	if err == nil {
		d.unchecked, err = stored.wait(ctx)
		if err != nil && r.secretsOnly {
			d.rule = inlineRule(policy.InlineSecretsOnly)
		}
	}
	if err == nil && r.exchange != nil {
		d.disclosable = true
		d, err = h.exchange(ctx, d)
	}
	if err != nil {
		return d, h.failed(ctx, t, d, err)
	}
	d.disclosable = true
	return d, h.completed(t, d)
}

// resolve returns the key that a task names, if the operator allows it.
func (h *Handler) resolve(ctx context.Context, r *request) (keys.Key, error) {
	if err := h.checkInline(r); err != nil {
		return nil, err
	}
	key, err := h.o.Keys.Resolve(ctx, r.key)
	if e, ok := errors.AsType[*fault.Error](err); ok && r.key.Name != "" {
		located := *e
		located.Field, located.Cause = r.keyField(), err
		return nil, &located
	}
	return key, err
}

// PanicSite returns the innermost lines of code of a panic. It must be called by
// the deferred function that recovers. The value of a panic may be anything, also
// a key, so these lines are all that is logged of one.
func PanicSite() []string {
	const limit, skip = 12, 3 // runtime.Callers, PanicSite and the deferred function
	pcs := make([]uintptr, limit)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(skip, pcs)])
	var site []string
	for {
		f, more := frames.Next()
		if f.Line > 0 {
			site = append(site, fmt.Sprintf("%s (%s:%d)", path.Base(f.Function), path.Base(f.File), f.Line))
		}
		if !more {
			return site
		}
	}
}
