// Package task is the contract of the GET_SIGNED_JWT task: what a workflow
// author may write, and what comes back.
package task

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
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

// Stored gives a task and its execution as the server keeps them, their secrets
// unresolved.
type Stored interface {
	StoredTask(ctx context.Context, id string) (api.Task, error)
	// StoredWorkflow has a member workflowDefinition.
	StoredWorkflow(ctx context.Context, id string) (json.RawMessage, error)
}

// UnknownMode is what becomes of an input whose name is neither known nor
// near a known one.
type UnknownMode string

// The modes.
const (
	UnknownWarn  UnknownMode = "warn"  // ignored, and named in a warning
	UnknownError UnknownMode = "error" // refused
)

// Options is what a Handler works with. Every field is needed, except those
// that say what nil means.
type Options struct {
	Keys   keys.Resolver
	Stored Stored // nil: stored tasks cannot be read

	Policy *policy.Policy   // nil: any key in a task, and no configured one
	Audit  func(d Decision) // called with every decision; nil: no audit

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
	o        Options
	inputs   []Input
	profiles map[string]*provider.Profile
	denied   atomic.Bool // the warning about denied reads has been given

	workflows chan struct{} // one place, to read a workflow
}

// NewHandler makes a Handler.
func NewHandler(o Options) *Handler {
	return &Handler{o: o, inputs: Inputs(), profiles: o.Policy.Profiles(), workflows: make(chan struct{}, 1)}
}

// Handle runs one task to its end within ctx's deadline. If it panics, the audit
// records an internal error; the caller recovers.
func (h *Handler) Handle(ctx context.Context, d api.Task) (out Outcome) {
	began := h.o.Now()
	var decided Decision
	defer func() {
		if out.Status == "" { // it panics
			out = h.failure(d, out, ErrInternal)
		}
		h.audit(d, out, decided, began)
	}()
	return h.handle(ctx, d, &decided)
}

func (h *Handler) handle(ctx context.Context, d api.Task, decided *Decision) (out Outcome) {
	err := h.run(ctx, d, &out, decided)
	for _, w := range out.Warnings {
		h.o.Logger.WarnContext(ctx, "a task has a warning", "task_id", d.ID, "warning", w)
	}
	if err == nil {
		return out
	}
	// What can never succeed says so, however late it was found.
	if _, status := FaultOf(err); ctx.Err() != nil && status != api.FailedWithTerminalError {
		err = ctx.Err()
	}
	return h.failure(d, out, err)
}

// run signs, and fills out and decided on the way.
func (h *Handler) run(ctx context.Context, d api.Task, out *Outcome, decided *Decision) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g, err := readInput(h.inputs, d)
	if err != nil {
		return err
	}
	warning, err := checkUnknown(g.unknown, h.o.Unknown == UnknownError)
	if err != nil {
		return err
	}
	if warning != "" {
		out.Warnings = append(out.Warnings, warning)
	}
	r, err := h.request(d, g)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	check := h.checkInjection(ctx, d, g, r)
	c, token, err := h.sign(ctx, d, g, r, out, decided)
	if err != nil {
		if h.o.Audit != nil {
			decided.seal(err, check)
		}
		return err
	}
	if out.Unchecked, err = check(); err != nil {
		decided.forgetClaims()
		if g.vouched {
			decided.Rule = inlineRule(policy.InlineSecretsOnly)
		}
		return err
	}
	if w := r.key.Warning(); w != "" {
		out.Warnings = append(out.Warnings, inPrivateKey+": "+w)
	}
	out.Warnings = append(out.Warnings, c.warnings(token)...)
	out.Status = api.Completed
	out.Output = output(h.o.Output, d, c, token, out.Warnings)
	return nil
}

// sign resolves the key, asks the policy, and signs.
func (h *Handler) sign(ctx context.Context, d api.Task, g *given, r *request, out *Outcome, decided *Decision) (composed, signer.Token, error) {
	c, key, err := h.prepare(ctx, g, r, out)
	if err != nil {
		return c, signer.Token{}, err
	}
	if c, err = h.permit(d, r, c, key, decided); err != nil {
		return c, signer.Token{}, err
	}
	if err := r.checkProfile(c); err != nil { // a grant may have shortened the ttl
		return c, signer.Token{}, err
	}
	if err := g.checkRepeated(&c.request.Claims); err != nil {
		return c, signer.Token{}, err
	}
	if h.o.Injection != InjectionOff && r.secrets.In(c.request.KeyID) {
		return c, signer.Token{}, exposed(inPrivateKeyID)
	}
	token, err := signer.Sign(ctx, key, c.request)
	if err != nil {
		return c, signer.Token{}, err
	}
	out.KeyID, out.JWTID = c.request.KeyID, c.jwtID
	if h.o.Audit != nil {
		decided.sign(token)
	}
	return c, token, nil
}

// prepare resolves the key and composes the token that is asked for.
func (h *Handler) prepare(ctx context.Context, g *given, r *request, out *Outcome) (composed, keys.Key, error) {
	if err := h.checkInline(g, r); err != nil {
		return composed{}, nil, err
	}
	key, err := h.o.Keys.Resolve(ctx, r.key)
	if err != nil {
		return composed{}, nil, r.located(err)
	}
	if err := r.checkKeyID(key); err != nil {
		return composed{}, nil, err
	}
	algorithm, err := r.choose(key)
	if err != nil {
		return composed{}, nil, err
	}
	out.Algorithm, out.KeyKind = string(algorithm), string(keys.KindOf(key))
	if err := r.fill(key); err != nil {
		return composed{}, nil, err
	}
	c, err := r.compose(key, algorithm, h.o.Now(), h.o.NewID)
	if err != nil {
		return c, nil, err
	}
	return c, key, r.checkProfile(c)
}

// located says of a fault of a configured key which input names it.
func (r *request) located(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || r.key.Name == "" {
		return err
	}
	return &fault.Error{Reason: e.Reason, Field: r.keyField(), Found: e.Found, Hint: e.Hint, Cause: err}
}

// keyField is the input that names a configured key.
func (r *request) keyField() string {
	if r.use != r.key.Name {
		return inProfile
	}
	return inKeyRef
}

// choose takes the algorithm that was asked for, where it fits the key, or
// the key's default. It is never overridden.
func choose(key keys.Key, asked keys.Algorithm) (keys.Algorithm, error) {
	if fitting := key.Algorithms(); asked == "" && len(fitting) > 0 {
		return fitting[0], nil
	}
	if asked == "" {
		asked = keys.HS256 // only a secret that is too short for any has none
	}
	return asked, keys.Check(key, asked)
}

// failure gives a task that did not complete its end.
func (h *Handler) failure(d api.Task, out Outcome, err error) Outcome {
	fault, status := FaultOf(err)
	switch code := codeOf(err); {
	case code.Bounded && h.age(d) >= h.o.KeyWait, code.Own && h.o.Policy.DefinesProfiles():
		status = api.Failed
	}
	failed := Failure(status, fault)
	failed.Warnings, failed.Algorithm, failed.KeyKind = out.Warnings, out.Algorithm, out.KeyKind
	if status == api.InProgress {
		failed.After = backoff(h.age(d))
	}
	return failed
}

// age is how long ago the server first queued the task. Where nobody knows,
// the task counts as too old to wait: nothing would ever end the wait.
func (h *Handler) age(d api.Task) time.Duration {
	if d.Scheduled.IsZero() {
		return h.o.KeyWait
	}
	return max(0, h.o.Now().Sub(d.Scheduled))
}

// The waits for a key store.
const (
	firstWait = time.Second
	mostWait  = time.Minute
)

// backoff gives the next of the waits 1 s, 2 s, 4 s … 60 s. It needs no count
// of tries: after waits of 1, 2 and 4 s a task is 7 s old and more.
func backoff(age time.Duration) time.Duration {
	wait := firstWait
	for wait < mostWait && 2*wait-firstWait <= age {
		wait *= 2
	}
	return min(wait, mostWait)
}
