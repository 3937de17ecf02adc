package task

import (
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/secret"
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
