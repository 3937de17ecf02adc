package conductor

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// proxyFunc returns how net/http finds the proxy to the server: the one of the
// options, or the one that HTTP_PROXY, HTTPS_PROXY and NO_PROXY of o.Getenv
// choose. Net/http's own function reads the process's environment instead, and
// ignores a variable that is not a URL; here it is an error.
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
	env := httpproxy.Config{
		HTTPProxy:  proxy.String(),
		HTTPSProxy: proxy.String(),
		NoProxy:    either("NO_PROXY"),
		CGI:        o.Getenv("REQUEST_METHOD") != "", // HTTP_PROXY is then the client's header Proxy
	}
	proxy, err = env.ProxyFunc()(base)
	if err != nil {
		return nil, fmt.Errorf("%w: %s cannot be used within CGI; unset it", ErrProxy, name)
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
