package web

import (
	"net"
	"net/http"
	"slices"
	"sync"
)

// maxConnections is how many connections a server holds open at once.
const maxConnections = 256

// connections bounds what clients that send nothing can hold. One connection
// too many closes the one that has been without a request for longest, so a
// probe is answered however many clients are idle. The timeouts of the server
// end those whose request does not come to its end.
type connections struct {
	mu   sync.Mutex
	open map[net.Conn]bool
	idle []net.Conn // without a request, in order
}

func newConnections() *connections { return &connections{open: map[net.Conn]bool{}} }

// changed is an [http.Server.ConnState].
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.idle, conn); i >= 0 {
		c.idle = slices.Delete(c.idle, i, i+1)
	}
	switch state {
	case http.StateNew:
		c.open[conn] = true
		c.idle = append(c.idle, conn)
	case http.StateIdle:
		c.idle = append(c.idle, conn)
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	case http.StateActive:
	}
	if len(c.open) > maxConnections && len(c.idle) > 0 {
		_ = c.idle[0].Close() // it is dropped in any case
		delete(c.open, c.idle[0])
		c.idle = slices.Delete(c.idle, 0, 1)
	}
}
