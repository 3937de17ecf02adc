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

// proxy is an HTTP proxy with CONNECT that can refuse every request.
type proxy struct {
	status          atomic.Int32 // of the refusals; 0 refuses nothing
	passed, refused atomic.Int32
	open            sync.WaitGroup
	transport       http.Transport
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status := p.status.Load(); status != 0 {
		p.refused.Add(1)
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

// A proxy that refuses requests for some time causes no loss, and its password
// is not printed.
func TestProxyRefusals(t *testing.T) {
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
					Number: 23, Tasks: 20, Options: Options{Auth: true, PerConnection: 5},
					Env: map[string]string{"CONDUCTOR_PROXY": strings.Replace(address, "//", "//user:"+proxyPassword+"@", 1)},
					Steps: func(ctx context.Context, r *Run) error {
						if err := r.AwaitCompleted(ctx, 10); err != nil {
							return err
						}
						p.status.Store(status)
						r.Load(10)
						err := eventually(ctx, "the proxy has refused some requests", func() bool { return p.refused.Load() > 3 })
						p.status.Store(0)
						r.FaultEnded()
						return err
					},
				}
				if scheme == "https" {
					ca, f := newAuthority(t, "ca"), newFiles(t)
					replace(t, f.ca, ca.pem())
					row.Options.TLS = serving(ca.pair(t, "127.0.0.1", inAnHour()))
					row.Env["CONDUCTOR_TLS_CA_CERT"] = f.ca
				}
				v := runRow(t, row)
				// Without TLS the proxy itself answers updates. A 403 is not retried, so
				// the task times out and is redelivered.
				if scheme == "https" || status != 403 {
					wantNoneLost(t, v)
				}
				if strings.Contains(v.Log, proxyPassword) || p.passed.Load() == 0 {
					t.Errorf("the log holds the proxy's password, or no request passed the proxy (%d did)", p.passed.Load())
				}
			})
		}
	}
}

func TestNoProxyIsObeyed(t *testing.T) {
	t.Parallel()
	p := &proxy{}
	address, end, err := serve(p)
	must(t, err)
	t.Cleanup(end)
	wantNoneLost(t, runRow(t, Row{
		Number: 23, Tasks: 10, Options: Options{Proxy: named("direct.example")},
		Env: map[string]string{"HTTP_PROXY": address, "NO_PROXY": "other.example,.example"},
		Steps: func(context.Context, *Run) error {
			dns.set("direct.example", func() answer { return at("127.0.0.1") })
			return nil
		},
	}))
	if n := p.passed.Load(); n != 0 {
		t.Errorf("%d requests went to the proxy, want 0", n)
	}
}
