package outbound

import (
	"context"
	"net/netip"
	"net/url"
	"strings"
	"syscall"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/glob"
)

// parse reads the URL of a request, and refuses a host that is a private address.
// Where a proxy resolves the name, no other check is possible.
func parse(text string, private bool) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, notURL("this is not a URL")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	switch {
	case u.Scheme != "https":
		return nil, notURL("the URL does not begin with https://")
	case u.User != nil:
		return nil, notURL("the URL has a user name or a password")
	case u.Fragment != "":
		return nil, notURL("the URL has a fragment")
	case host == "":
		return nil, notURL("the URL has no host")
	case !glob.IsNormalURL(text):
		return nil, &fault.Error{Reason: ErrURL, Found: glob.NotNormal, Hint: glob.NormalForm}
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && !private && !isPublic(ip):
		return nil, notPermitted()
	case err == nil:
	case endsInNumber(host):
		return nil, notURL("the URL's host is an IP address in an unusual form")
	case !private && (host == "localhost" || strings.HasSuffix(host, ".localhost")): // RFC 6761 §6.3
		return nil, notPermitted()
	}
	return u, nil
}

func notURL(found string) error {
	return &fault.Error{Reason: ErrURL, Found: found, Hint: "write it as https://host/path"}
}

// endsInNumber reports whether resolvers and proxies may take a host for an IPv4
// address in another form, such as 2130706433, 0x7f.1 or 0177.0.0.1. It is the check
// of that name in the URL Standard (https://url.spec.whatwg.org/#ends-in-a-number-checker).
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if digits, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// refusePrivate refuses a connection to an address that is not public. It is a
// [net.Dialer.ControlContext]: called with the address to which the connection is
// about to be made, after the resolution of the name.
func (c *Client) refusePrivate(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !c.isPublic(to.Addr()) {
		return notPermitted()
	}
	return nil
}

// isPublic reports whether an address is one of the internet.
func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap() // no block has an address with a zone
	if translated.Contains(ip) {
		bytes := ip.As16()
		ip = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	if !ip.IsValid() || ip.Is6() && !global.Contains(ip) {
		return false
	}
	for _, block := range special {
		if block.Contains(ip) {
			return false
		}
	}
	return true
}

//nolint:gochecknoglobals // constants, which Go cannot write as such
var (
	// translated holds IPv4 addresses behind a NAT64 gateway (RFC 6052 §2.1).
	translated = netip.MustParsePrefix("64:ff9b::/96")

	// global holds all IPv6 addresses that are assigned to the internet
	// (https://www.iana.org/assignments/ipv6-address-space).
	global = netip.MustParsePrefix("2000::/3")

	// special are the blocks that are not reached over the internet, by the
	// special-purpose registries of IANA (RFC 6890), and addresses at which clouds
	// serve a machine its metadata. Loopback, private and link-local IPv6 addresses
	// are outside of global.
	special = []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),        // this network
		netip.MustParsePrefix("10.0.0.0/8"),       // private (RFC 1918)
		netip.MustParsePrefix("100.64.0.0/10"),    // shared by carriers (RFC 6598); metadata of Alibaba Cloud
		netip.MustParsePrefix("127.0.0.0/8"),      // loopback
		netip.MustParsePrefix("168.63.129.16/32"), // Azure's own services, from each machine
		netip.MustParsePrefix("169.254.0.0/16"),   // link-local; metadata of most clouds
		netip.MustParsePrefix("172.16.0.0/12"),    // private (RFC 1918)
		netip.MustParsePrefix("192.0.0.0/24"),     // protocols of the IETF; metadata of Oracle Cloud
		netip.MustParsePrefix("192.0.2.0/24"),     // documents (RFC 5737)
		netip.MustParsePrefix("192.88.99.0/24"),   // 6to4 relays (RFC 7526)
		netip.MustParsePrefix("192.168.0.0/16"),   // private (RFC 1918)
		netip.MustParsePrefix("198.18.0.0/15"),    // benchmarks (RFC 2544)
		netip.MustParsePrefix("198.51.100.0/24"),  // documents (RFC 5737)
		netip.MustParsePrefix("203.0.113.0/24"),   // documents (RFC 5737)
		netip.MustParsePrefix("224.0.0.0/4"),      // multicast
		netip.MustParsePrefix("240.0.0.0/4"),      // reserved, and broadcast
		netip.MustParsePrefix("2001::/23"),        // protocols of the IETF, Teredo
		netip.MustParsePrefix("2001:db8::/32"),    // documents (RFC 3849)
		netip.MustParsePrefix("2002::/16"),        // 6to4: an IPv4 address inside (RFC 7526)
		netip.MustParsePrefix("3fff::/20"),        // documents (RFC 9637)
	}
)
