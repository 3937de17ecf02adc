package conductor

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// proxyFunc is the way to the server. Net/http's own reads the process's
// environment once and for good; this one reads what it is given, by the same
// rules.
func proxyFunc(o Options) (func(*http.Request) (*url.URL, error), error) {
	if !o.Proxy.IsZero() {
		u, err := explicitProxy(o.Proxy.Reveal())
		if err != nil {
			return nil, err
		}
		return http.ProxyURL(u), nil
	}
	either := func(name string) string {
		return cmp.Or(o.Getenv(name), o.Getenv(strings.ToLower(name)))
	}
	find := (&httpproxy.Config{
		HTTPProxy: either("HTTP_PROXY"), HTTPSProxy: either("HTTPS_PROXY"), NoProxy: either("NO_PROXY"),
		CGI: o.Getenv("REQUEST_METHOD") != "",
	}).ProxyFunc()
	base, err := url.Parse(o.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("%w: not a url", ErrURL)
	}
	// httpproxy goes past a proxy that it cannot read, and its errors repeat
	// the address, password and all.
	name := strings.ToUpper(base.Scheme) + "_PROXY"
	if text := either(name); text != "" {
		if _, err := explicitProxy(text); err != nil {
			return nil, fmt.Errorf("%w (from %s)", err, name)
		}
	}
	if _, err := find(base); err != nil {
		return nil, fmt.Errorf("%w: %s cannot be used within CGI; unset it", ErrProxy, name)
	}
	return func(r *http.Request) (*url.URL, error) { return find(r.URL) }, nil
}

func explicitProxy(text string) (*url.URL, error) {
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
