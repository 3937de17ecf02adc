package conductor

import (
	"testing"

	"conductor-jwt/internal/secret"
)

func TestProxyOf(t *testing.T) {
	for _, row := range []struct {
		what  string
		base  string
		proxy string            // the setting
		env   map[string]string // the variables
		want  string            // the proxy
	}{
		{"the setting", "http://c", "http://p:1", map[string]string{"HTTP_PROXY": "http://q:1"}, "http://p:1"},
		{"the setting, whatever NO_PROXY says", "http://c", "http://p:1", map[string]string{"NO_PROXY": "*"}, "http://p:1"},
		{"the setting without a scheme", "http://c", "p:1", nil, "http://p:1"},
		{"a variable", "http://c", "", map[string]string{"HTTP_PROXY": "http://p:1"}, "http://p:1"},
	} {
		server, err := normalizeURL(row.base)
		if err != nil {
			t.Fatal(err)
		}
		got, err := proxyOf(Options{
			Proxy: secret.New(row.proxy), Getenv: func(name string) string { return row.env[name] },
		}, server)
		if err != nil || got == nil || got.String() != row.want {
			t.Errorf("%s: the proxy is %v, %v; want %q", row.what, got, err, row.want)
		}
	}
}
