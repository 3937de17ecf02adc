package conductor

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// goesPast reports whether NO_PROXY keeps requests to base from the proxy, by
// net/http's rules: the host itself and what is below it, addresses, networks,
// each with a port if need be, or *. A loopback address never has a proxy.
// Package x/net/http/httpproxy says the same, and links the tables of Unicode
// for names that NO_PROXY writes outside of ASCII.
func goesPast(noProxy string, base *url.URL) bool {
	host := strings.ToLower(base.Hostname())
	port := cmp.Or(base.Port(), map[string]string{"http": "80", "https": "443"}[base.Scheme])
	address, err := netip.ParseAddr(host)
	if host == "localhost" || err == nil && address.Unmap().IsLoopback() {
		return true
	}
	for entry := range strings.SplitSeq(strings.ToLower(noProxy), ",") {
		entry = strings.TrimSpace(entry)
		if entry == "*" || err == nil && fitsAddress(entry, address.Unmap(), port) || err != nil && fitsName(entry, host, port) {
			return true
		}
	}
	return false
}

func fitsAddress(entry string, address netip.Addr, port string) bool {
	if network, err := netip.ParsePrefix(entry); err == nil {
		return network.Masked().Contains(address)
	}
	name, wanted := splitPort(entry)
	named, err := netip.ParseAddr(name)
	return err == nil && named.Unmap() == address && (wanted == "" || wanted == port)
}

func fitsName(entry, host, port string) bool {
	name, wanted := splitPort(entry)
	if name == "" || wanted != "" && wanted != port {
		return false
	}
	if strings.HasPrefix(name, "*.") {
		name = name[1:]
	}
	below, ok := strings.CutPrefix(name, ".")
	return !ok && host == name || strings.HasSuffix(host, "."+below)
}

func splitPort(entry string) (host, port string) {
	if host, port, err := net.SplitHostPort(entry); err == nil {
		return host, port
	}
	return entry, ""
}
