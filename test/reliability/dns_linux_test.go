package reliability

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The worker resolves the name again when connections to the old address are
// refused. Linux only, because it has all of 127/8.
func TestServerAddressChangeIsFollowed(t *testing.T) {
	t.Parallel()
	const name = "moving.example"
	var ip atomic.Pointer[answer]
	first := at("127.0.0.1")
	ip.Store(&first)
	dns.set(name, func() answer { return *ip.Load() })
	var old *TCPProxy
	v := runRow(t, Row{
		Number: 21, Tasks: 40, Options: Options{Lease: 5 * time.Second, Proxy: func(server string) (string, func(), error) {
			url, end, err := viaTCPProxy(&old)(server)
			if err != nil {
				return "", nil, err
			}
			url, _, err = named(name)(url)
			return url, end, err
		}},
		Steps: func(ctx context.Context, r *Run) error {
			if err := r.AwaitCompleted(ctx, 40); err != nil {
				return err
			}
			_, port, err := net.SplitHostPort(old.Addr())
			if err != nil {
				return err
			}
			// The same port on another address.
			next, err := newTCPProxyAt(ctx, "127.0.0.2:"+port, strings.TrimPrefix(r.Server.URL, "http://"))
			if err != nil {
				return err
			}
			t.Cleanup(next.Close)
			old.Close()
			second := at("127.0.0.2")
			ip.Store(&second)
			r.FaultEnded()
			r.Load(40)
			return nil
		},
	})
	wantFewGivenUp(t, v)
}
