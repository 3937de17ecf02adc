package conductor

import (
	"fmt"
	"time"
)

// Class says what a failed call means for the caller.
type Class string

// The classes, which are also the closed set of the metrics' label.
const (
	Network      Class = "network"      // no answer, or half of one
	Server       Class = "server"       // 5xx, 408, 425
	Throttled    Class = "throttled"    // 429
	Unauthorized Class = "unauthorized" // 401, after one refresh of the token
	Forbidden    Class = "forbidden"    // 403, after one refresh of an old token
	NotFound     Class = "not_found"    // 404
	Rejected     Class = "rejected"     // any other 4xx
	TooLarge     Class = "too_large"    // the answer is over the limit
	Garbled      Class = "garbled"      // a 2xx whose body is not what it should be
)

// Classes returns the whole set.
func Classes() []Class {
	return []Class{Network, Server, Throttled, Unauthorized, Forbidden, NotFound, Rejected, TooLarge, Garbled}
}

// Error is a failed call. It never holds what the server wrote: an error page
// may repeat the request, and the request holds tokens.
type Error struct {
	Class      Class
	Call       string        // "poll", "update", "get task", …
	Status     int           // HTTP status; 0 where there was no answer
	RetryAfter time.Duration // of a 429 or 503 that says so
	Cause      error         // for errors.Is; printed only when it is of the network's own
}

// Error implements the error interface.
func (e *Error) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("%s: %s (http status %d)", e.Call, e.Class, e.Status)
	}
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Call, e.Class, e.Cause)
	}
	return fmt.Sprintf("%s: %s", e.Call, e.Class)
}

// Reason is why the call failed, in words for a user: without the call's name
// and the class.
func (e *Error) Reason() string {
	switch {
	case e.Status != 0 && e.Class == Garbled:
		return fmt.Sprintf("a page answers, with http status %d", e.Status)
	case e.Status != 0:
		return fmt.Sprintf("http status %d", e.Status)
	case e.Cause != nil:
		return e.Cause.Error()
	case e.Class == Garbled:
		return "the answer is not what Conductor answers"
	case e.Class == TooLarge:
		return "the answer is too large"
	}
	return "no answer"
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }
