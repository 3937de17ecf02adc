package conductor

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
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
// the one that HTTP_PROXY, HTTPS_PROXY and NO_PROXY of o.Getenv choose. Net/http's
// own function reads the process's environment, and ignores a variable that is
// not a URL, which is an error here.
func proxyOf(o Options, server *url.URL) (*url.URL, error) {
	if !o.Proxy.IsZero() {
		return parseProxy(o.Proxy.Reveal())
	}
	either := func(name string) string {
		return cmp.Or(o.Getenv(name), o.Getenv(strings.ToLower(name)))
	}
	name := strings.ToUpper(server.Scheme) + "_PROXY"
	text := either(name)
	if text == "" {
		return nil, nil //nolint:nilnil // no proxy
	}
	proxy, err := parseProxy(text)
	if err != nil {
		return nil, fmt.Errorf("%w (from %s)", err, name)
	}
	env := httpproxy.Config{
		HTTPProxy:  proxy.String(),
		HTTPSProxy: proxy.String(),
		NoProxy:    either("NO_PROXY"),
		CGI:        o.Getenv("REQUEST_METHOD") != "", // HTTP_PROXY is then the client's header Proxy
	}
	proxy, err = env.ProxyFunc()(server)
	if err != nil {
		return nil, fmt.Errorf("%w: %s cannot be used within CGI; unset it", ErrProxy, name)
	}
	return proxy, nil
}

func parseProxy(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("%w: not a url; write it as http://host:3128", ErrProxy)
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return u, nil
	default:
		return nil, fmt.Errorf("%w: the scheme is none of http, https, socks5, socks5h", ErrProxy)
	}
}
