package proxyenv_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"conductor-jwt/internal/proxyenv"
)

func TestChoose(t *testing.T) {
	for _, row := range []struct {
		what   string
		target string
		env    map[string]string
		want   string // the proxy; empty for none, "error" for a refusal
	}{
		{"no proxy", "http://c", nil, ""},
		{"a variable", "http://c", map[string]string{"HTTP_PROXY": "http://p:1"}, "http://p:1"},
		{"a variable in lower case", "http://c", map[string]string{"http_proxy": "http://p:1"}, "http://p:1"},
		{"upper case before lower case", "http://c", map[string]string{"http_proxy": "http://q:1", "HTTP_PROXY": "http://p:1"}, "http://p:1"},
		{"a variable of the other scheme", "http://c", map[string]string{"HTTPS_PROXY": "http://p:1"}, ""},
		{"a variable of https", "https://c", map[string]string{"HTTPS_PROXY": "http://p:1", "HTTP_PROXY": "http://q:1"}, "http://p:1"},
		{"NO_PROXY", "http://c", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "c"}, ""},
		{"NO_PROXY in lower case", "http://c", map[string]string{"HTTP_PROXY": "http://p:1", "no_proxy": "c"}, ""},
		{"NO_PROXY of another", "http://c", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "d"}, "http://p:1"},
		{"NO_PROXY: everything", "http://c", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "d, *"}, ""},
		{"NO_PROXY: a host below", "http://x.c.example", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "c.example"}, ""},
		{"NO_PROXY: in capitals", "http://X.c.example", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "C.Example "}, ""},
		{"NO_PROXY: only hosts below, and one of them", "http://x.c.example", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": ".c.example"}, ""},
		{"NO_PROXY: only hosts below, and the host itself", "http://c.example", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "*.c.example"}, "http://p:1"},
		{"NO_PROXY: the end of a name", "http://ac.example", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "c.example"}, "http://p:1"},
		{"NO_PROXY: its port", "http://c:8080", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "c:8080"}, ""},
		{"NO_PROXY: the port of the scheme", "https://c", map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": "c:443"}, ""},
		{"NO_PROXY: another port", "http://c:8080", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "c:80"}, "http://p:1"},
		{"NO_PROXY: an address", "http://10.0.0.1", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "10.0.0.1"}, ""},
		{"NO_PROXY: an address of IPv6", "http://[fd00::1]:80", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "[fd00::1]:80"}, ""},
		{"NO_PROXY: a mapped address", "http://[::ffff:10.0.0.1]", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "10.0.0.1"}, ""},
		{"NO_PROXY: a network", "http://10.1.2.3", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, ""},
		{"NO_PROXY: another network", "http://11.1.2.3", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "http://p:1"},
		{"NO_PROXY: an entry without a host", "http://c", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": ":80,,"}, "http://p:1"},
		{"NO_PROXY: a name outside of ASCII", "http://bücher.example", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "BÜCHER.example"}, ""},
		{"NO_PROXY: its A-label", "http://xn--bcher-kva.example", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "bücher.example"}, ""},
		{"NO_PROXY: nothing, and localhost:8080", "http://localhost:8080", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": ""}, ""},
		{"NO_PROXY: nothing, and 127.9.9.9", "http://127.9.9.9", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": ""}, ""},
		{"NO_PROXY: nothing, and [::1]", "http://[::1]", map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": ""}, ""},
		{"a variable that is none", "http://c", map[string]string{"HTTP_PROXY": "ftp://p:1"}, "error"},
		{"within CGI", "http://c", map[string]string{"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, "error"},
		{"https within CGI", "https://c", map[string]string{"HTTPS_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, "http://p:1"},
	} {
		t.Run(row.what, func(t *testing.T) {
			target, err := url.Parse(row.target)
			if err != nil {
				t.Fatal(err)
			}
			got, err := proxyenv.Choose(func(name string) string { return row.env[name] }, target)
			if row.want == "error" {
				if !errors.Is(err, proxyenv.Err) || !strings.Contains(err.Error(), "HTTP_PROXY") {
					t.Errorf("the error is %v", err)
				}
				return
			}
			if err != nil || row.want == "" && got != nil || row.want != "" && (got == nil || got.String() != row.want) {
				t.Errorf("the proxy is %v, %v; want %q", got, err, row.want)
			}
		})
	}
}

func TestParse(t *testing.T) {
	for _, row := range []struct{ what, text, want string }{
		{"https", "https://p:1", "https://p:1"},
		{"socks5", "socks5://p:1", "socks5://p:1"},
		{"socks5h", "socks5h://p:1", "socks5h://p:1"},
		{"another scheme", "ftp://p:1", "error"},
		{"no host", "http://", "error"},
		{"no URL", "http://%zz", "error"},
		{"no scheme", "p:1", "http://p:1"},
	} {
		got, err := proxyenv.Parse(row.text)
		if row.want == "error" {
			if !errors.Is(err, proxyenv.Err) {
				t.Errorf("%s: the error is %v", row.what, err)
			}
		} else if err != nil || got.String() != row.want {
			t.Errorf("%s: the proxy is %v, %v; want %q", row.what, got, err, row.want)
		}
	}
}
