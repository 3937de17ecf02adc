package conductor

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
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
	base, err := url.Parse(o.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("%w: not a url", ErrURL)
	}
	name := strings.ToUpper(base.Scheme) + "_PROXY"
	text := either(name)
	if text == "" {
		return http.ProxyURL(nil), nil
	}
	proxy, err := explicitProxy(text)
	if err != nil {
		return nil, fmt.Errorf("%w (from %s)", err, name)
	}
	// There, a client of the web server sets it, by a header Proxy.
	if base.Scheme == "http" && o.Getenv("REQUEST_METHOD") != "" {
		return nil, fmt.Errorf("%w: %s cannot be used within CGI; unset it", ErrProxy, name)
	}
	if goesPast(either("NO_PROXY"), base) {
		proxy = nil
	}
	return http.ProxyURL(proxy), nil
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
