package outbound_test

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"conductor-jwt/internal/outbound"
)

func TestAddressesOfTheInternet(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "172.15.255.255": true, "172.32.0.0": true, "100.63.255.255": true, "100.128.0.0": true,
		"192.0.1.1": true, "223.255.255.255": true, "2606:4700:4700::1111": true, "2a00:1450:4001:80b::200a": true, "2001:200::1": true,
		"::ffff:8.8.8.8": true, "64:ff9b::8.8.8.8": true,

		"0.0.0.0": false, "0.1.2.3": false, "127.0.0.1": false, "127.255.255.255": false,
		"10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.0.1": false,
		"100.64.0.1": false, "100.127.255.255": false, "100.100.100.200": false,
		"169.254.169.254": false, "169.254.0.1": false, "168.63.129.16": false, "192.0.0.192": false,
		"192.0.2.1": false, "198.18.0.1": false, "198.51.100.1": false, "203.0.113.1": false, "192.88.99.1": false,
		"224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,

		"::": false, "::1": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd00::1": false, "fd00:ec2::254": false,
		"fec0::1": false, "ff02::1": false, "100::1": false, "2001:db8::1": false, "2001::1": false, "3fff::1": false, "5f00::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:0.0.0.0": false,
		"::7f00:1": false, "::10.0.0.1": false,
		"64:ff9b::127.0.0.1": false, "64:ff9b::10.0.0.1": false, "64:ff9b::169.254.169.254": false, "64:ff9b:1::8.8.8.8": false,
		"2002:7f00:1::1": false, "2002:a00:1::": false,
	} {
		if got := outbound.IsPublic(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is public: %v", text, got)
		}
	}
	if outbound.IsPublic(netip.Addr{}) {
		t.Error("no address is public")
	}
}

// hostile are URLs that no request may reach without a listing: the value says
// whether the operator could list them.
func hostile() map[string]bool {
	return map[string]bool{
		"https://127.0.0.1/": true, "https://127.0.0.1./": true, "https://[::1]/": true, "https://[::]/": true, "https://0.0.0.0/": true,
		"https://10.0.0.1/": true, "https://169.254.169.254/": true, "https://[fd00::1]/": true, "https://[fe80::1]/": true,
		"https://[::ffff:10.0.0.1]/": true, "https://[::ffff:a00:1]/": true, "https://[64:ff9b::a00:1]/": true,
		"https://localhost/": true, "https://localhost./": true, "https://a.localhost/": true,

		"https://2130706433/": false, "https://017700000001/": false, "https://0x7f000001/": false, "https://0x7F000001/": false,
		"https://0177.0.0.1/": false, "https://0x7f.0.0.1/": false, "https://127.1/": false, "https://127.0.0.0x1/": false,
		"https://127.0.0.1.2/": false, "https://a.0x/": false, "https://999.999.999.999/": false, "https://99999999999999999999/": false,
		"http://8.8.8.8/": false, "http://example.com/": false, "//example.com/": false, "/token": false, "": false,
		"ftp://example.com/": false, "file:///etc/passwd": false, "https:///": false, "https://": false, "https:example.com": false,
		"https://canary:canary@example.com/": false, "https://canary@127.0.0.1/": false, "https://example.com/#canary": false,
		"https://１２７.0.0.1/": false, "https://bücher.example/": false, "https://ⓛocalhost/": false,
		"https://10.0.0.%EF%BC%91/": false, "https://%E2%93%9Bocalhost/": false, "https://[fe80::1%25eth0]/": false,
		"https://%31%32%37.0.0.1/": false, "https://LocalHost/": false, "https://example.com/a/..;/b": false, "https://example.com//b": false, "https://exa mple.com/": false, "https://example.com:port/": false, "https://[::1/": false,
	}
}

// Through a proxy, the URL is all there is to check.
func TestHostileURLsReachNeitherTheProxyNorTheHost(t *testing.T) {
	e := serve(t, func(http.ResponseWriter, *http.Request) {})
	p := startProxy(t, e, 0)
	for _, c := range []*outbound.Client{client(t, e, nil), client(t, e, p.env())} {
		for address, listed := range hostile() {
			_, err := c.Do(t.Context(), outbound.Request{Method: http.MethodPost, URL: address})
			want := outbound.ErrURL
			if listed {
				want = outbound.ErrAddress
			}
			if e := reason(t, err); !errors.Is(err, want) || strings.Contains(e.Error(), "canary") {
				t.Errorf("%s: %v, want %v", address, err, want)
			}
		}
	}
	if len(p.hosts) != 0 || e.conns.Load() != 0 {
		t.Errorf("%d requests to the proxy, %d connections to the host", len(p.hosts), e.conns.Load())
	}
}

// A listing permits an address, but no other form of URL.
func TestAListedEndpointStillNeedsAPlainURL(t *testing.T) {
	c := client(t, nil, nil)
	for address, listed := range hostile() {
		if listed {
			continue
		}
		if _, err := c.Do(t.Context(), outbound.Request{Method: http.MethodPost, URL: address, Private: true}); !errors.Is(err, outbound.ErrURL) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// The name is public, and its address is not known before the connection.
func TestANameWithAPrivateAddressIsRefusedWhenItIsDialled(t *testing.T) {
	e := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, addresses := range [][]string{
		{"127.0.0.1"},
		{"127.0.0.1", "127.0.0.1"},
		{"0.0.0.0"},
		{"::ffff:127.0.0.1"},
		{"::1", "127.0.0.1"},
		{"10.0.0.1"},
		{"169.254.169.254"},
		{"fd00::1"},
		{"64:ff9b::7f00:1"},
	} {
		c := client(t, e, nil).WithResolver(resolves(addresses...))
		_, err := c.Do(t.Context(), outbound.Request{Method: http.MethodPost, URL: e.named("example.com")})
		if !errors.Is(err, outbound.ErrAddress) {
			t.Errorf("%v: %v", addresses, err)
		}
	}
	if e.conns.Load() != 0 {
		t.Errorf("%d connections", e.conns.Load())
	}
	c := client(t, e, nil).WithResolver(resolves("127.0.0.1"))
	if _, err := c.Do(t.Context(), outbound.Request{Method: http.MethodPost, URL: e.named("example.com"), Private: true}); err != nil {
		t.Errorf("a listed endpoint: %v", err)
	}
}

// Of several addresses, only the public ones are dialled, whatever their order.
func TestANameWithAPublicAndAPrivateAddress(t *testing.T) {
	hidden := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := strings.Cut(hidden.Listener.Addr().String(), ":")
	public := serveAt(t, "127.0.0.2:"+port, func(http.ResponseWriter, *http.Request) {})
	for _, addresses := range [][]string{{"127.0.0.1", "127.0.0.2"}, {"127.0.0.2", "127.0.0.1"}, {"::1", "127.0.0.2"}} {
		c := client(t, public, nil).WithResolver(resolves(addresses...)).WithPublic(netip.MustParseAddr("127.0.0.2"))
		if _, err := c.Do(t.Context(), outbound.Request{Method: http.MethodPost, URL: public.named("example.com")}); err != nil {
			t.Errorf("%v: %v", addresses, err)
		}
	}
	if hidden.conns.Load() != 0 || public.requests.Load() != 3 {
		t.Errorf("%d connections to the private address, %d requests to the public one", hidden.conns.Load(), public.requests.Load())
	}
}
