package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// CheckHost refuses requests to a loopback address whose Host names another
// machine: a page in a browser here could point its own name at that address and
// read the answers as its own (DNS rebinding). At other addresses any Host is
// accepted, because networks give them names of their own.
func CheckHost(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !misdirected(w, r) {
			h.ServeHTTP(w, r)
		}
	})
}

// misdirected reports whether r was refused for its Host.
func misdirected(w http.ResponseWriter, r *http.Request) bool {
	if !atLoopback(r) || namesThisMachine(r.Host) {
		return false
	}
	http.Error(w, "ask for it by address or as localhost", http.StatusMisdirectedRequest) // RFC 9110 §15.5.20
	return true
}

// hostname is a Host (RFC 9110 §7.2) without its port and brackets.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

func atLoopback(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.IP.IsLoopback()
}

func namesThisMachine(host string) bool {
	host = hostname(host)
	_, err := netip.ParseAddr(host)
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	return err == nil || name == "localhost" || strings.HasSuffix(name, ".localhost") // RFC 6761 §6.3
}
