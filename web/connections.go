package web

import (
	"net"
	"net/http"
	"slices"
	"sync"
)

// maxConnections is how many connections a server holds open at once.
const maxConnections = 256

// connections bounds what clients can hold. One connection too many closes the
// one that has been without a request for longest or, if there is none but the
// new one, the one whose request began first: a probe is answered, however many
// clients are idle or slow.
type connections struct {
	mu           sync.Mutex
	idle, active []net.Conn // without a request and with one, in order
	dropped      []net.Conn // closed here; the server still reports their states
}

// changed is an [http.Server.ConnState].
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	is := func(other net.Conn) bool { return other == conn }
	if slices.ContainsFunc(c.dropped, is) {
		if state == http.StateClosed {
			c.dropped = slices.DeleteFunc(c.dropped, is)
		}
		return
	}
	c.idle, c.active = slices.DeleteFunc(c.idle, is), slices.DeleteFunc(c.active, is)
	switch state {
	case http.StateNew, http.StateIdle:
		c.idle = append(c.idle, conn)
	case http.StateActive:
		c.active = append(c.active, conn)
	case http.StateClosed, http.StateHijacked:
	}
	if len(c.idle)+len(c.active) <= maxConnections {
		return
	}
	list := &c.idle
	if len(c.idle) == 0 || c.idle[0] == conn {
		list = &c.active
	}
	oldest := (*list)[0]
	_ = oldest.Close() // an error changes nothing: the connection is not counted any more
	c.dropped = append(c.dropped, oldest)
	*list = slices.Delete(*list, 0, 1)
}
