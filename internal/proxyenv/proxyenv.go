// Package proxyenv chooses the proxy of a request by the variables HTTP_PROXY,
// HTTPS_PROXY and NO_PROXY. Net/http's own function reads the process's environment,
// and ignores a variable that is not a URL, which is an error here.
package proxyenv

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// Err is the reason of every error of this package. No error holds the value that it
// reports.
var Err = errors.New("proxy URL")

// Choose returns the proxy for target; nil for none. There is none for localhost and
// loopback addresses.
func Choose(getenv func(string) string, target *url.URL) (*url.URL, error) {
	either := func(name string) string {
		return cmp.Or(getenv(name), getenv(strings.ToLower(name)))
	}
	name := strings.ToUpper(target.Scheme) + "_PROXY"
	text := either(name)
	if text == "" {
		return nil, nil //nolint:nilnil // no proxy
	}
	proxy, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w (from %s)", err, name)
	}
	env := httpproxy.Config{
		HTTPProxy:  proxy.String(),
		HTTPSProxy: proxy.String(),
		NoProxy:    either("NO_PROXY"),
		CGI:        getenv("REQUEST_METHOD") != "", // HTTP_PROXY is then the client's header Proxy
	}
	proxy, err = env.ProxyFunc()(target)
	if err != nil {
		return nil, fmt.Errorf("%w: %s cannot be used within CGI; unset it", Err, name)
	}
	return proxy, nil
}

// Parse reads the URL of a proxy. A URL without a scheme is one of http.
func Parse(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("%w: this is not a URL; write it as http://host:3128", Err)
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return u, nil
	default:
		return nil, fmt.Errorf("%w: the scheme is none of http, https, socks5, socks5h", Err)
	}
}
