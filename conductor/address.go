package conductor

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"conductor-jwt/internal/proxyenv"
)

// normalizeURL makes the address of the server's API from what a user writes:
// with or without /api, a slash at the end, or a path before them. The error is
// an [ErrURL] that does not repeat the text, which may hold a password.
func normalizeURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		return nil, fmt.Errorf("%w: not a url; write it as http://host:8080/api", ErrURL)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%w: the scheme is neither http nor https; write it as http://host:8080/api", ErrURL)
	case u.User != nil:
		return nil, fmt.Errorf("%w: it holds a user name; remove it, and set the key id and the secret", ErrURL)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("%w: it holds a query or a fragment; remove it", ErrURL)
	case u.Hostname() == "":
		return nil, fmt.Errorf("%w: it holds no host; write it as http://host:8080/api", ErrURL)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = strings.TrimRight(u.RawPath, "/")
	if !strings.HasSuffix(u.Path, "/api") {
		u = u.JoinPath("api")
	}
	return u, nil
}

// Cleartext reports whether requests to a server URL cross a network unencrypted:
// plain http to a host other than this one.
func Cleartext(serverURL string) bool {
	u, err := url.Parse(serverURL)
	if err != nil || u.Scheme != "http" {
		return false
	}
	host := u.Hostname()
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761 §6.3
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err != nil || !ip.Unmap().IsLoopback()
}

// proxyOf is the proxy to the server; nil for none. It is that of the options, or
// the one that the variables of o.Getenv choose.
func proxyOf(o Options, server *url.URL) (*url.URL, error) {
	if !o.Proxy.IsZero() {
		return proxyenv.Parse(o.Proxy.Reveal())
	}
	return proxyenv.Choose(o.Getenv, server)
}
