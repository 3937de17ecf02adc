package reliability

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"conductor-jwt/test/conductortest"
)

// names answers for every name of this test binary: each row has its own.
var names = &zone{hosts: map[string]func() answer{}}

// answer is what a name server says of a name; the zero value is silence.
type answer struct {
	code dnsmessage.RCode
	ip   netip.Addr
	late time.Duration // after which it is given
}

func at(ip string) answer { return answer{ip: netip.MustParseAddr(ip)} }

func none(code dnsmessage.RCode) answer { return answer{code: code} }

// zone is a name server on loopback.
type zone struct {
	mu    sync.Mutex
	hosts map[string]func() answer
}

func (z *zone) set(name string, say func() answer) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.hosts[name+"."] = say
}

// listen starts the name server and makes it this process's own. Addresses
// are not looked up, so that it matters to rows with names alone.
func (z *zone) listen() (end func(), err error) {
	var config net.ListenConfig
	conn, err := config.ListenPacket(context.Background(), "udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		z.serve(conn)
	}()
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	return func() { _ = conn.Close(); <-done }, nil
}

func (z *zone) serve(conn net.PacketConn) {
	buffer := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		if reply, late := z.reply(buffer[:n]); reply != nil {
			time.AfterFunc(late, func() { _, _ = conn.WriteTo(reply, from) })
		}
	}
}

func (z *zone) reply(query []byte) (reply []byte, late time.Duration) {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil, 0
	}
	q := m.Questions[0]
	z.mu.Lock()
	say := z.hosts[q.Name.String()]
	z.mu.Unlock()
	a := none(dnsmessage.RCodeNameError)
	if say != nil {
		a = say()
	}
	if a == (answer{}) {
		return nil, 0
	}
	m.Response, m.RCode, m.Additionals = true, a.code, nil
	if a.ip.IsValid() && q.Type == dnsmessage.TypeA {
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
			Body:   &dnsmessage.AResource{A: a.ip.As4()},
		}}
	}
	out, err := m.Pack()
	if err != nil {
		return nil, 0
	}
	return out, a.late
}

// named gives the server's address by a name.
func named(name string) func(string) (string, func(), error) {
	return func(server string) (string, func(), error) {
		u, err := url.Parse(server)
		if err != nil {
			return "", nil, err
		}
		u.Host = name + ":" + u.Port()
		return u.String(), func() {}, nil
	}
}

func TestNamesThatDoNotResolve(t *testing.T) {
	t.Parallel()
	for what, broken := range map[string]answer{
		"no such name": none(dnsmessage.RCodeNameError), "a failing server": none(dnsmessage.RCodeServerFailure), "silence": {},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			name := strings.ReplaceAll(what, " ", "-") + ".example"
			var say atomic.Pointer[answer]
			say.Store(&broken)
			names.set(name, func() answer { return *say.Load() })
			v := hold(t, Row{
				Number: 21, Tasks: 20, Stage: Options{Behind: named(name), PerConnection: 5},
				Play: func(ctx context.Context, r *Run) error {
					if err := alive(ctx, r.Worker(), 503); err != nil {
						return err
					}
					if err := conductortest.Pause(ctx, 2*time.Second); err != nil {
						return err
					}
					good := at("127.0.0.1")
					say.Store(&good)
					r.Healed()
					if err := r.AwaitCompleted(ctx, 20); err != nil {
						return err
					}
					say.Store(&broken) // once more, at work
					r.Load(20)
					if err := conductortest.Pause(ctx, 2*time.Second); err != nil {
						return err
					}
					say.Store(&good)
					return nil
				},
			})
			noneLost(t, v)
		})
	}
}

// A name server that takes its time costs each new connection that time, and
// no task: connections are kept.
func TestSlowNames(t *testing.T) {
	t.Parallel()
	const name = "slow.example"
	slow := at("127.0.0.1")
	slow.late = 1500 * time.Millisecond
	names.set(name, func() answer { return slow })
	noneLost(t, hold(t, Row{Number: 21, Tasks: 60, Stage: Options{Behind: named(name), PerConnection: 20}}))
}
