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

// dns is the name server of this test binary; each row has its own name.
var dns = &nameServer{hosts: map[string]func() answer{}}

// answer is the reply to a query; the zero value is no reply.
type answer struct {
	code  dnsmessage.RCode
	ip    netip.Addr
	delay time.Duration
}

func at(ip string) answer { return answer{ip: netip.MustParseAddr(ip)} }

func none(code dnsmessage.RCode) answer { return answer{code: code} }

// nameServer is a name server on loopback.
type nameServer struct {
	mu    sync.Mutex
	hosts map[string]func() answer
}

func (z *nameServer) set(name string, reply func() answer) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.hosts[name+"."] = reply
}

// listen starts the name server and makes it the resolver of this process. It
// does not affect rows whose server has an IP address.
func (z *nameServer) listen() (end func(), err error) {
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

func (z *nameServer) serve(conn net.PacketConn) {
	buffer := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		if reply, delay := z.reply(buffer[:n]); reply != nil {
			time.AfterFunc(delay, func() { _, _ = conn.WriteTo(reply, from) })
		}
	}
}

func (z *nameServer) reply(query []byte) (reply []byte, delay time.Duration) {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil, 0
	}
	q := m.Questions[0]
	z.mu.Lock()
	answerFor := z.hosts[q.Name.String()]
	z.mu.Unlock()
	a := none(dnsmessage.RCodeNameError)
	if answerFor != nil {
		a = answerFor()
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
	return out, a.delay
}

// named is an [Options.Proxy] that replaces the server's address by a name.
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
		"NXDOMAIN": none(dnsmessage.RCodeNameError), "SERVFAIL": none(dnsmessage.RCodeServerFailure), "no reply": {},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			name := strings.ReplaceAll(what, " ", "-") + ".example"
			var current atomic.Pointer[answer]
			current.Store(&broken)
			dns.set(name, func() answer { return *current.Load() })
			v := runRow(t, Row{
				Number: 21, Tasks: 20, Options: Options{Proxy: named(name), PerConnection: 5},
				Steps: func(ctx context.Context, r *Run) error {
					if err := checkProbes(ctx, r.Worker(), 503); err != nil {
						return err
					}
					if err := conductortest.Pause(ctx, 2*time.Second); err != nil {
						return err
					}
					good := at("127.0.0.1")
					current.Store(&good)
					r.FaultEnded()
					if err := r.AwaitCompleted(ctx, 20); err != nil {
						return err
					}
					current.Store(&broken) // again, under load
					r.Load(20)
					if err := conductortest.Pause(ctx, 2*time.Second); err != nil {
						return err
					}
					current.Store(&good)
					return nil
				},
			})
			wantNoneLost(t, v)
		})
	}
}

// A slow name server delays new connections. No task is lost, because
// connections are reused.
func TestSlowDNSLosesNoTask(t *testing.T) {
	t.Parallel()
	const name = "slow.example"
	slow := at("127.0.0.1")
	slow.delay = 1500 * time.Millisecond
	dns.set(name, func() answer { return slow })
	wantNoneLost(t, runRow(t, Row{Number: 21, Tasks: 60, Options: Options{Proxy: named(name), PerConnection: 20}}))
}
