package outbound

import (
	"net"
	"net/netip"
	"time"
)

// IsPublic is for the table of addresses.
func IsPublic(ip netip.Addr) bool { return isPublic(ip) }

// WithResolver is c with other answers of the name server.
func (c *Client) WithResolver(r *net.Resolver) *Client {
	c.resolver = r
	return c
}

// WithTimeout is c with another timeout of a request.
func (c *Client) WithTimeout(d time.Duration) *Client {
	c.timeout = d
	return c
}

// WithPublic is c for which one address of this machine is public, and no other is.
func (c *Client) WithPublic(ip netip.Addr) *Client {
	c.isPublic = func(to netip.Addr) bool { return to == ip }
	return c
}
