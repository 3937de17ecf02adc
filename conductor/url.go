package conductor

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// NormalizeURL makes the address of the server's API of what a user writes:
// with or without /api, with or without a slash at the end, under a path of
// its own or not. The error is an [ErrURL] that does not repeat the text, which
// may hold a password.
func NormalizeURL(text string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		return "", fmt.Errorf("%w: not a url; write it as http://host:8080/api", ErrURL)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("%w: the scheme is neither http nor https; write it as http://host:8080/api", ErrURL)
	case u.User != nil:
		return "", fmt.Errorf("%w: it holds a user name; remove it, and set the key id and the secret", ErrURL)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", fmt.Errorf("%w: it holds a query or a fragment; remove it", ErrURL)
	case u.Hostname() == "":
		return "", fmt.Errorf("%w: it holds no host; write it as http://host:8080/api", ErrURL)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = strings.TrimRight(u.RawPath, "/")
	if !strings.HasSuffix(u.Path, "/api") {
		u = u.JoinPath("api")
	}
	return u.String(), nil
}

// Exposed reports whether a server URL sends tasks, and the keys in them,
// readable over a network: plain http to a host that is not this one.
func Exposed(serverURL string) bool {
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
