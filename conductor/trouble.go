package conductor

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// Trouble groups failures by their remedy: a certificate needs another one than
// a server that does not run. It is the failure's [Class] where that suffices.
type Trouble string

// The troubles that are finer than a class. All are of class [Network].
const (
	TroubleTLS   Trouble = "tls"
	TroubleAlert Trouble = "tls_alert" // the peer ended the TLS handshake
	TroubleName  Trouble = "name"
	TroubleProxy Trouble = "proxy"
	TroubleSlow  Trouble = "slow" // an update that was not answered in time
)

// Trouble is what kind of failure this is.
func (e *Error) Trouble() Trouble {
	switch {
	case e.Class != Network:
		return Trouble(e.Class)
	case e.Status == http.StatusProxyAuthRequired:
		return TroubleProxy
	case errors.Is(e, errClientCertificate) || ofAlert(e):
		return TroubleAlert
	case ofTLS(e):
		return TroubleTLS
	case is[*net.DNSError](e):
		return TroubleName
	case e.Call == string(callUpdate) && errors.Is(e, context.DeadlineExceeded):
		return TroubleSlow
	}
	return Trouble(Network)
}

// Hint is one thing to do about a failure, for the log and for doctor.
func (e *Error) Hint() string {
	switch e.Trouble() {
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
		if e.Call == string(callUpdate) {
			return "nothing, if the workflow was removed; else check that CONDUCTOR_SERVER_URL leads to the server that the tasks come from"
		}
		return "check CONDUCTOR_SERVER_URL: it is the address of the API, which usually ends in /api"
	case TooLarge:
		if e.Call == string(callPoll) {
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
	return e.Call == string(callToken) && e.Status == http.StatusNotFound
}
