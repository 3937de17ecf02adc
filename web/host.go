package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// checkHost refuses requests to a loopback address whose Host is not of this
// machine. Otherwise a page in a browser on this machine could resolve its own
// name to the address and read the responses (DNS rebinding). At other addresses
// any Host is accepted, because they have names that the worker does not know.
func checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !refuseHost(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}

// refuseHost responds to a request that [checkHost] refuses. It reports whether r
// is one.
func refuseHost(w http.ResponseWriter, r *http.Request) bool {
	if !toLoopback(r) || isLocal(r.Host) {
		return false
	}
	http.Error(w, "the Host is another machine's; use the address, or localhost", http.StatusMisdirectedRequest) // RFC 9110 §15.5.20
	return true
}

// requireLoopback refuses requests whose Host is not a loopback address or
// localhost.
func requireLoopback(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(r.Host) {
			writeText(w, http.StatusForbidden, "profiles are served to this machine alone; use 127.0.0.1")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// requireSameMachine refuses requests of other machines, and those whose Host is a
// name of another one.
func requireSameMachine(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !fromSameMachine(r) || !isLocal(r.Host) {
			writeText(w, http.StatusForbidden, "the status is served to this machine alone; use conductor-jwt status there, or set status_listen")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// fromSameMachine reports whether the client of r has a loopback address, or the
// address that the server received r at.
func fromSameMachine(r *http.Request) bool {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return remote.Addr().Unmap().IsLoopback() || ok && local.AddrPort().Addr().Unmap() == remote.Addr().Unmap()
}

// isLoopback reports whether a Host is a loopback address or localhost.
func isLoopback(host string) bool {
	host = hostname(host)
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback() || strings.EqualFold(host, "localhost")
}

// isLocal reports whether a Host is an IP address or a name of localhost. DNS
// rebinding needs a name that is neither.
func isLocal(host string) bool {
	host = hostname(host)
	_, err := netip.ParseAddr(host)
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	return err == nil || name == "localhost" || strings.HasSuffix(name, ".localhost") // RFC 6761 §6.3
}

// toLoopback reports whether the server received r at a loopback address.
func toLoopback(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.IP.IsLoopback()
}

// hostname returns a Host (RFC 9110 §7.2) without port and brackets.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}
