package task

import (
	"time"
	"unicode/utf8"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

// Fault is why a task did not complete.
type Fault struct {
	Code    string // of the table in errors.go
	Field   string // the input at fault; may be empty
	Message string // what was found; what to do
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

	// Unchecked says that the token was given out although the server does
	// not permit the read that would show an injected secret.
	Unchecked bool
}

// Failure is the outcome of a task that did not complete.
func Failure(status api.Status, fault Fault) Outcome {
	return Outcome{Status: status, Fault: fault, Reason: reason(fault), Output: failedOutput(fault)}
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

// output writes outputData of a completed task. Times are NumericDate seconds
// (RFC 7519 §2).
func output(mode OutputMode, d api.Task, c composed, token signer.Token, warnings []string) secret.JSON {
	var o jsonobj.Object
	if mode != OutputSecrets {
		o.String(outToken, token.Compact.Reveal())
	}
	if mode == OutputSecrets || mode == OutputBoth {
		var hidden jsonobj.Object
		hidden.String(outToken, token.Compact.Reveal())
		o.Set(outSecrets, hidden.AppendJSON(nil))
	}
	o.String(outTokenType, outTokenTypeJWT)
	o.String(outAlgorithm, string(token.Algorithm))
	if c.request.KeyID != "" {
		o.String(outKeyID, c.request.KeyID)
	}
	o.Int(outIssuedAt, c.issuedAt)
	if c.expires != 0 {
		o.Int(outExpiresAt, c.expires)
		o.Int(outExpiresIn, c.expires-c.now.Unix())
	}
	if c.jwtID != "" {
		o.String(outJWTID, c.jwtID)
	}
	if d.ID != "" {
		o.String(outTaskID, d.ID)
	}
	if len(warnings) > 0 {
		o.Strings(outWarnings, warnings)
	}
	return secret.NewJSON(o.AppendJSON(nil))
}

// failedOutput writes outputData of a task that did not complete, for a
// workflow to branch on.
func failedOutput(fault Fault) secret.JSON {
	var e, o jsonobj.Object
	e.String("code", fault.Code)
	e.String("field", fault.Field)
	e.String("message", fault.Message)
	o.Set(outError, e.AppendJSON(nil))
	return secret.NewJSON(o.AppendJSON(nil))
}

// maxReason is where the server cuts reasonForIncompletion, in characters.
const maxReason = 500

// reason writes reasonForIncompletion: code: field: what was found; what to do.
func reason(fault Fault) string {
	text := fault.Code + ": "
	if fault.Field != "" {
		text += fault.Field + ": "
	}
	return CutReason(text + fault.Message)
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
