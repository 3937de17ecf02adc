package worker

import (
	"errors"
	"net"
	"net/http"

	"conductor-jwt/conductor"
)

// trouble is a class of failure as the log tells it: what is to be done about
// a certificate or a name is another thing than about a server that is away.
type trouble string

const (
	troubleTLS   trouble = "tls"
	troubleName  trouble = "name"
	troubleProxy trouble = "proxy"
	troublePanic trouble = "panic"
)

func troubleOf(err *conductor.Error) trouble {
	_, ofName := errors.AsType[*net.DNSError](err)
	switch {
	case errors.Is(err, errPanic):
		return troublePanic
	case err.Class != conductor.Network:
		return trouble(err.Class)
	case err.Status == http.StatusProxyAuthRequired:
		return troubleProxy
	case conductor.OfTLS(err):
		return troubleTLS
	case ofName:
		return troubleName
	}
	return trouble(err.Class)
}

// hintFor is what to do next, for whoever reads the line at night.
func hintFor(err *conductor.Error) string {
	switch troubleOf(err) {
	case trouble(conductor.Network):
		return "check that the server runs and that CONDUCTOR_SERVER_URL and CONDUCTOR_PROXY lead to it"
	case trouble(conductor.Server):
		return "look into the log of the server, or of the proxy before it"
	case trouble(conductor.Throttled):
		return "have the limit raised on the server or the proxy before it, or lower CONDUCTOR_JWT_POLLERS"
	case trouble(conductor.Unauthorized):
		return unauthorizedHint(err)
	case trouble(conductor.Forbidden):
		return "let the application of CONDUCTOR_AUTH_KEY execute tasks of this type, or set the key of one that may"
	case trouble(conductor.NotFound):
		return notFoundHint(err)
	case trouble(conductor.Rejected):
		return "check CONDUCTOR_JWT_TASK_TYPES and CONDUCTOR_JWT_DOMAIN, and that the server is of a version in docs/compatibility.md"
	case trouble(conductor.TooLarge):
		return "give the tasks less input; until then they are fetched one by one"
	case trouble(conductor.Garbled):
		return "check that CONDUCTOR_SERVER_URL leads to Conductor's API: a page or something else answers in its place"
	}
	return troubleHint(troubleOf(err))
}

func troubleHint(t trouble) string {
	switch t {
	case troubleTLS:
		return "check CONDUCTOR_TLS_CA_CERT, CONDUCTOR_TLS_CLIENT_CERT, the host in CONDUCTOR_SERVER_URL and this machine's clock"
	case troubleName:
		return "check the host in CONDUCTOR_SERVER_URL or CONDUCTOR_PROXY, and this machine's name service"
	case troubleProxy:
		return "set the proxy's user and password in CONDUCTOR_PROXY"
	}
	return "please report it, with the version of the server"
}

func unauthorizedHint(err *conductor.Error) string {
	if err.Status == http.StatusNotFound { // of POST /token
		return "the server grants no tokens: unset CONDUCTOR_AUTH_KEY and CONDUCTOR_AUTH_SECRET, or check CONDUCTOR_SERVER_URL"
	}
	return "set CONDUCTOR_AUTH_KEY and CONDUCTOR_AUTH_SECRET to those of an application that the server knows"
}

func notFoundHint(err *conductor.Error) string {
	if err.Call == "update" {
		return "nothing, if the workflow was removed; else check that CONDUCTOR_SERVER_URL leads to the server that the tasks come from"
	}
	return "check CONDUCTOR_SERVER_URL: it is the address of the API, which mostly ends in /api"
}
