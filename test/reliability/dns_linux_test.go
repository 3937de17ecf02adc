package reliability

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A server that moves to another address is followed, though connections to
// the old one are refused and none has told it. Linux has all of 127/8.
func TestAServerThatMovesIsFollowed(t *testing.T) {
	t.Parallel()
	const name = "moving.example"
	var ip atomic.Pointer[answer]
	first := at("127.0.0.1")
	ip.Store(&first)
	names.set(name, func() answer { return *ip.Load() })
	var old *Middle
	v := hold(t, Row{
		Number: 21, Tasks: 40, Stage: Options{Lease: 5 * time.Second, Behind: func(server string) (string, func(), error) {
			url, end, err := behind(&old)(server)
			if err != nil {
				return "", nil, err
			}
			url, _, err = named(name)(url)
			return url, end, err
		}},
		Play: func(ctx context.Context, r *Run) error {
			if err := r.AwaitCompleted(ctx, 40); err != nil {
				return err
			}
			_, port, err := net.SplitHostPort(old.Addr())
			if err != nil {
				return err
			}
			// The same port of another address, as behind another load balancer.
			next, err := newMiddleAt(ctx, "127.0.0.2:"+port, strings.TrimPrefix(r.Server.URL, "http://"))
			if err != nil {
				return err
			}
			t.Cleanup(next.Close)
			old.Close()
			second := at("127.0.0.2")
			ip.Store(&second)
			r.Healed()
			r.Load(40)
			return nil
		},
	})
	resultsKept(t, v)
}
