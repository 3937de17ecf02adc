package conductor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/retryafter"
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
	Call       Call
	Status     int           // HTTP status; 0 without an answer
	RetryAfter time.Duration // of a 429 or 503 that says so
	Cause      error         // its text is the network's or a constant, so it may be printed
}

// Error implements the error interface.
func (e *Error) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("%s: %s (HTTP status %d)", e.Call, e.Class, e.Status)
	}
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Call, e.Class, e.Cause)
	}
	return fmt.Sprintf("%s: %s", e.Call, e.Class)
}

// Reason is why the call failed, without the call's name and the class.
func (e *Error) Reason() string {
	switch {
	case e.Status != 0 && e.Class == Garbled:
		return fmt.Sprintf("a page answers, with HTTP status %d", e.Status)
	case e.Status != 0:
		return fmt.Sprintf("HTTP status %d", e.Status)
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

// Is reports whether target is [api.ErrReadDenied] and the server would deny a
// repetition too.
func (e *Error) Is(target error) bool {
	if target != api.ErrReadDenied {
		return false
	}
	switch e.Class {
	case Forbidden, Unauthorized, NotFound, Rejected:
		return true
	}
	return false
}

// garbled is a 2xx whose body is not what it should be.
func garbled(call Call) error { return &Error{Class: Garbled, Call: call} }

// newError makes an *Error of whatever a request ended in.
func newError(call Call, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		named := *e
		named.Call = call
		return &named
	}
	return &Error{Class: Network, Call: call, Cause: causeOf(err)}
}

func hasStatus(err error, status int) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == status
}

// MaxRetryAfter is the longest wait that a server can ask for by Retry-After.
const MaxRetryAfter = retryafter.Max

// ClassOf is the class of an answer that is not a success.
func ClassOf(status int) Class {
	switch {
	case status == http.StatusUnauthorized:
		return Unauthorized
	case status == http.StatusForbidden:
		return Forbidden
	case status == http.StatusNotFound:
		return NotFound
	case status == http.StatusProxyAuthRequired:
		return Network // a proxy stands between; the call never arrived
	case status == http.StatusTooManyRequests:
		return Throttled
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500:
		return Server
	case status >= 400:
		return Rejected
	default: // a redirect that was not followed, an odd 2xx
		return Garbled
	}
}

// Trouble groups failures by their remedy: one of a certificate has another
// remedy than a server that does not run. It is the failure's [Class] where that
// suffices.
type Trouble string

// The troubles within class [Network].
const (
	TroubleTLS   Trouble = "tls"
	TroubleAlert Trouble = "tls_alert" // the peer ended the TLS handshake
	TroubleName  Trouble = "name"
	TroubleProxy Trouble = "proxy"
	TroubleSlow  Trouble = "slow" // an update that was not answered in time
)

// troublePanic is a panic of the client, in any class.
const troublePanic Trouble = "panic"

// ErrPanic is the cause in place of the value of a panic, which may be a key.
var ErrPanic = errors.New("panic in the client")

// Trouble is what kind of failure this is.
func (e *Error) Trouble() Trouble {
	switch {
	case errors.Is(e, ErrPanic):
		return troublePanic
	case e.Class != Network:
		return Trouble(e.Class)
	case e.Status == http.StatusProxyAuthRequired:
		return TroubleProxy
	case errors.Is(e, errClientCertificate) || isAlert(e):
		return TroubleAlert
	case isTLS(e):
		return TroubleTLS
	case is[*net.DNSError](e):
		return TroubleName
	case e.Call == callUpdate && errors.Is(e, context.DeadlineExceeded):
		return TroubleSlow
	}
	return Trouble(Network)
}

// Hint is what to do about a failure, for the log and for doctor.
func (e *Error) Hint() string {
	switch e.Trouble() {
	case troublePanic:
		return "please report it, with the version of the server"
	case TroubleTLS:
		return "check CONDUCTOR_TLS_CA_CERT, CONDUCTOR_TLS_CLIENT_CERT, the host in CONDUCTOR_SERVER_URL and this machine's clock"
	case TroubleAlert:
		return "set CONDUCTOR_TLS_CLIENT_CERT and CONDUCTOR_TLS_CLIENT_KEY to a pair that the server, or the gateway before it, accepts; check CONDUCTOR_TLS_CA_CERT and the host in CONDUCTOR_SERVER_URL"
	case TroubleName:
		return "check the host in CONDUCTOR_SERVER_URL or CONDUCTOR_PROXY, and this machine's name service"
	case TroubleProxy:
		return "set the proxy's user and password in CONDUCTOR_PROXY"
	case TroubleSlow:
		return "the server was too slow to take a result: check its load and its database; if polls fail too, check CONDUCTOR_SERVER_URL and CONDUCTOR_PROXY"
	case Trouble(Network):
		return "check that the server runs and that CONDUCTOR_SERVER_URL and CONDUCTOR_PROXY lead to it"
	}
	return e.answerHint()
}

// answerHint is the hint for what a server answered.
func (e *Error) answerHint() string {
	switch e.Class {
	case Server:
		return "look into the log of the server, or of the proxy before it"
	case Throttled:
		return "have the limit raised on the server or the proxy before it, or lower CONDUCTOR_JWT_POLLERS"
	case Unauthorized:
		if e.GrantsNoTokens() {
			return "the server grants no tokens: unset CONDUCTOR_AUTH_KEY and CONDUCTOR_AUTH_SECRET, or check CONDUCTOR_SERVER_URL"
		}
		return "set CONDUCTOR_AUTH_KEY and CONDUCTOR_AUTH_SECRET to those of an application that the server knows"
	case Forbidden:
		return "give the worker's application the right to execute tasks of this type, or set CONDUCTOR_AUTH_KEY and CONDUCTOR_AUTH_SECRET to those of one that has it"
	case NotFound:
		if e.Call == callUpdate {
			return "nothing, if the workflow was removed; else check that CONDUCTOR_SERVER_URL leads to the server that the tasks come from"
		}
		return "check CONDUCTOR_SERVER_URL: it is the address of the API, which usually ends in /api"
	case TooLarge:
		if e.Call == callPoll {
			return "give the tasks less input; until then they are fetched one by one"
		}
		return "the answer is larger than is read; ask the server for it yourself"
	case Garbled:
		return "check that CONDUCTOR_SERVER_URL leads to Conductor's API, which usually ends in /api: a page or something else answers in its place"
	default: // Rejected
		return "check CONDUCTOR_JWT_TASK_TYPES and CONDUCTOR_JWT_DOMAIN, and run `conductor-jwt doctor`, which shows the server's version"
	}
}

// GrantsNoTokens reports whether the server has no authentication: credentials
// are set, and it has no address to send them to.
func (e *Error) GrantsNoTokens() bool {
	return e.Call == callToken && e.Status == http.StatusNotFound
}
