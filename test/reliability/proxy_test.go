package reliability

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const proxyPassword = "hunter2-hunter2-hunter2"

// proxy is an HTTP proxy, for CONNECT as well, that may refuse everything.
type proxy struct {
	status         atomic.Int32 // what it refuses with; 0 is not at all
	passed, denied atomic.Int32
	open           sync.WaitGroup
	transport      http.Transport
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status := p.status.Load(); status != 0 {
		p.denied.Add(1)
		w.Header().Set("Proxy-Authenticate", "Basic")
		w.WriteHeader(int(status))
		_, _ = io.WriteString(w, "no, "+r.Header.Get("Proxy-Authorization")+" "+r.Header.Get("X-Authorization"))
		return
	}
	p.passed.Add(1)
	if r.Method != http.MethodConnect {
		(&httputil.ReverseProxy{
			Rewrite: func(*httputil.ProxyRequest) {}, Transport: &p.transport, ErrorLog: log.New(io.Discard, "", 0),
		}).ServeHTTP(w, r)
		return
	}
	p.tunnel(w, r)
}

func (p *proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	var dialer net.Dialer
	up, err := dialer.DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	p.open.Add(1)
	defer p.open.Done()
	down, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(down, "HTTP/1.1 200 OK\r\n\r\n")
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(up, down); _ = up.Close() })
	both.Go(func() { _, _ = io.Copy(down, up); _ = down.Close() })
	both.Wait()
}

// A proxy that starts to refuse and stops again loses nothing, and its
// password is not told.
func TestAProxyThatRefuses(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		for _, status := range []int32{407, 403, 502} {
			t.Run(scheme+" "+http.StatusText(int(status)), func(t *testing.T) {
				t.Parallel()
				p := &proxy{}
				address, end, err := serve(p)
				must(t, err)
				t.Cleanup(func() { end(); p.open.Wait(); p.transport.CloseIdleConnections() })
				row := Row{
					Number: 23, Tasks: 20, Stage: Options{Auth: true, PerConnection: 5},
					Env: map[string]string{"CONDUCTOR_PROXY": strings.Replace(address, "//", "//user:"+proxyPassword+"@", 1)},
					Play: func(ctx context.Context, r *Run) error {
						if err := r.AwaitCompleted(ctx, 10); err != nil {
							return err
						}
						p.status.Store(status)
						r.Load(10)
						err := eventually(ctx, "it is refused", func() bool { return p.denied.Load() > 3 })
						p.status.Store(0)
						r.Healed()
						return err
					},
				}
				if scheme == "https" {
					ca, f := newAuthority(t, "ca"), newFiles(t)
					replace(t, f.ca, ca.pem())
					row.Stage.TLS = serving(ca.pair(t, "127.0.0.1", soon()))
					row.Env["CONDUCTOR_TLS_CA_CERT"] = f.ca
				}
				v := hold(t, row)
				// Without TLS it is the proxy that answers updates: a 403 is not
				// repeated, and the response timeout brings the task back.
				if scheme == "https" || status != 403 {
					noneLost(t, v)
				}
				if strings.Contains(v.Log, proxyPassword) || p.passed.Load() == 0 {
					t.Errorf("the log tells the proxy's password, or nothing passed the proxy (%d)", p.passed.Load())
				}
			})
		}
	}
}

// NO_PROXY is obeyed.
func TestNoProxy(t *testing.T) {
	t.Parallel()
	p := &proxy{}
	address, end, err := serve(p)
	must(t, err)
	t.Cleanup(end)
	noneLost(t, hold(t, Row{
		Number: 23, Tasks: 10, Stage: Options{Behind: named("direct.example")},
		Env: map[string]string{"HTTP_PROXY": address, "NO_PROXY": "other.example,.example"},
		Play: func(context.Context, *Run) error {
			names.set("direct.example", func() answer { return at("127.0.0.1") })
			return nil
		},
	}))
	if n := p.passed.Load(); n != 0 {
		t.Errorf("%d requests went to the proxy", n)
	}
}
