package task

import (
	"context"
	"time"
	"unicode/utf8"

	"conductor-jwt/conductor/api"
	"conductor-jwt/exchange"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/provider"
)

// Fault is why a task did not complete.
type Fault struct {
	Code     string            // of the table in errors.go
	Field    string            // the input at fault; may be empty
	Message  string            // what was found; what to do
	Provider *provider.Refused // the provider's refusal of an assertion, fit to be shown; nil: none
}

// Outcome is the end of one delivery.
type Outcome struct {
	Status   api.Status
	Output   secret.JSON   // outputData: the token, or {"error": …}
	Reason   string        // reasonForIncompletion; empty only when Completed
	After    time.Duration // callbackAfterSeconds, with InProgress
	Fault    Fault         // zero when Completed
	Warnings []string      // one log line each; no value of an input in it

	// Algorithm and KeyKind are labels of closed sets, for the metrics.
	Algorithm string
	KeyKind   string
	KeyID     string
	JWTID     string

	// Provider is the built-in profile of a task that exchanges its token, a label of a
	// closed set. Cached says that its access token was not issued for this task.
	Provider string
	Cached   bool

	// Verified says that the task verified a token, and signed none.
	Verified bool

	// Unchecked says that the server denied the read of the stored task, which
	// would show an injected secret, and that the token was returned all the
	// same.
	Unchecked bool
}

// Failure is the outcome of a task that did not complete.
func Failure(status api.Status, f Fault) Outcome {
	return Outcome{Status: status, Fault: f, Reason: reason(f), Output: failedOutput(f)}
}

// OutputMode says where in the output the token stands.
type OutputMode string

// The places. Orkes' Conductor masks _secrets; open-source Conductor stores
// both in clear.
const (
	OutputToken   OutputMode = "token"
	OutputSecrets OutputMode = "_secrets"
	OutputBoth    OutputMode = "both"
)

// The members of the output.
const (
	outToken        = "token"
	outSecrets      = "_secrets"
	outTokenType    = "tokenType"
	outTokenTypeJWT = "JWT"
	outAlgorithm    = "algorithm"
	outKeyID        = "keyId"
	outIssuedAt     = "issuedAt"
	outExpiresAt    = "expiresAt"
	outExpiresIn    = "expiresIn"
	outJWTID        = "jwtId"
	outTaskID       = "taskId"
	outWarnings     = "warnings"
	outError        = "error"
)

// completed returns the outcome of a task whose token was signed.
func (h *Handler) completed(t api.Task, d draft) Outcome {
	warnings := d.warnings()
	out := Outcome{
		Status: api.Completed, Warnings: warnings,
		Algorithm: string(d.token.Algorithm), KeyKind: string(keys.KindOf(d.key)),
		KeyID: d.token.KeyID, JWTID: d.jwtID, Unchecked: d.unchecked,
	}
	if d.access == nil {
		out.Output = output(h.o.Output, t, d, warnings)
	} else {
		out.Output = accessTokenOutput(h.o.Output, t, d, warnings)
		out.Provider, out.Cached = d.provider(), d.access.cached
	}
	return out
}

// failed returns the outcome of a task that failed with err.
func (h *Handler) failed(ctx context.Context, t api.Task, d draft, err error) Outcome {
	cause, status := faultOf(err)
	// An input that can never succeed is reported even after the deadline.
	if ctx.Err() != nil && status != api.FailedWithTerminalError {
		err = ctx.Err()
		cause, status = faultOf(err)
	}
	switch code := codeOf(err); {
	case code.FailedAfterWait && h.age(t) >= h.o.KeyWait, code.FailedWithProfiles && h.o.Policy.DefinesProfiles(),
		code.FailedWithVerifiers && len(h.o.Policy.VerifierNames()) > 0:
		status = api.Failed
	}
	out := Failure(status, cause)
	if d.request != nil {
		out.Warnings = d.request.warnings
	}
	if d.key != nil {
		out.Algorithm, out.KeyKind = string(d.token.Algorithm), string(keys.KindOf(d.key))
	}
	out.Provider = d.provider()
	if status == api.InProgress {
		out.After = min(max(backoff(h.age(t)), exchange.RetryAfterOf(err)), maxWait)
	}
	return out
}

// age returns how long ago the server first queued the task. A task without
// that time is too old to wait: nothing would end its wait.
func (h *Handler) age(t api.Task) time.Duration {
	if t.Scheduled.IsZero() {
		return h.o.KeyWait
	}
	return max(0, h.o.Now().Sub(t.Scheduled))
}

// The waits for a key store.
const (
	minWait = time.Second
	maxWait = time.Minute
)

// backoff returns the next of the waits 1 s, 2 s, 4 s … 60 s. It needs no count
// of tries: after waits of 1, 2 and 4 s a task is at least 7 s old.
func backoff(age time.Duration) time.Duration {
	wait := minWait
	for wait < maxWait && 2*wait-minWait <= age {
		wait *= 2
	}
	return min(wait, maxWait)
}

// output writes outputData of a completed task. Times are NumericDate seconds
// (RFC 7519 §2).
func output(mode OutputMode, t api.Task, d draft, warnings []string) secret.JSON {
	o := jsonobj.New(10)
	putToken(&o, mode, outToken, d.signed.Compact)
	o.String(outTokenType, outTokenTypeJWT)
	o.String(outAlgorithm, string(d.signed.Algorithm))
	if d.token.KeyID != "" {
		o.String(outKeyID, d.token.KeyID)
	}
	o.Int(outIssuedAt, d.issuedAt)
	if d.expires != 0 {
		o.Int(outExpiresAt, d.expires)
		o.Int(outExpiresIn, d.expires-d.now.Unix())
	}
	if d.jwtID != "" {
		o.String(outJWTID, d.jwtID)
	}
	if t.ID != "" {
		o.String(outTaskID, t.ID)
	}
	addWarnings(&o, warnings)
	return secret.NewJSON(o.AppendJSON(nil))
}

// putToken writes a token where the mode says.
func putToken(o *jsonobj.Object, mode OutputMode, name string, token secret.Text) {
	if mode != OutputSecrets {
		o.String(name, token.Reveal())
	}
	if mode == OutputSecrets || mode == OutputBoth {
		var hidden jsonobj.Object
		hidden.String(name, token.Reveal())
		o.Set(outSecrets, hidden.AppendJSON(nil))
	}
}

// addWarnings writes the warnings of an output, if there are any.
func addWarnings(o *jsonobj.Object, warnings []string) {
	if len(warnings) > 0 {
		o.Strings(outWarnings, warnings)
	}
}

// failedOutput writes outputData of a task that did not complete, for a
// workflow to branch on. More are further members of the error.
func failedOutput(f Fault, more ...jsonobj.Member) secret.JSON {
	var e, o jsonobj.Object
	e.String("code", f.Code)
	e.String("field", f.Field)
	e.String("message", f.Message)
	if p := f.Provider; p != nil {
		var refused jsonobj.Object
		if p.Code != "" {
			refused.String("error", p.Code)
		}
		refused.Int("status", int64(p.Status))
		if p.Description != "" {
			refused.String("description", p.Description)
		}
		e.Set("provider", refused.AppendJSON(nil))
	}
	for _, m := range more {
		e.Set(m.Name, m.Value)
	}
	o.Set(outError, e.AppendJSON(nil))
	return secret.NewJSON(o.AppendJSON(nil))
}

// maxReason is where the server cuts reasonForIncompletion, in characters.
const maxReason = 500

// reason writes reasonForIncompletion: code: field: what was found; what to do.
func reason(f Fault) string {
	text := f.Code + ": "
	if f.Field != "" {
		text += f.Field + ": "
	}
	return CutReason(text + f.Message)
}

// CutReason shortens a reason to what the server keeps, whole characters.
func CutReason(text string) string {
	if utf8.RuneCountInString(text) <= maxReason {
		return text
	}
	n := 0
	for i := range text {
		if n++; n == maxReason {
			return text[:i] + "…"
		}
	}
	return text
}

// Algorithms is the closed set of [Outcome].Algorithm.
func Algorithms() []string {
	var names []string
	for _, a := range keys.Algorithms() {
		names = append(names, string(a))
	}
	return names
}

// KeyKinds is the closed set of [Outcome].KeyKind.
func KeyKinds() []string {
	var names []string
	for _, k := range keys.Kinds() {
		names = append(names, string(k))
	}
	return names
}
