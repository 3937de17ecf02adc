package reliability

import (
	"context"
	"crypto/tls"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// changing is a server's TLS whose every handshake takes the latest.
func changing(config *atomic.Pointer[tls.Config]) *tls.Config {
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return config.Load(), nil }}
}

func serving(pair *tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{*pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
}

func asking(config *tls.Config, ca *authority) *tls.Config {
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, ca.pool()
	return config
}

// A server that renews its certificate is not noticed.
func TestServerCertificateIsRotatedUnderLoad(t *testing.T) {
	t.Parallel()
	ca, f := newAuthority(t, "ca"), newFiles(t)
	replace(t, f.ca, ca.pem())
	var config atomic.Pointer[tls.Config]
	config.Store(serving(ca.pair(t, "127.0.0.1", soon())))
	noneLost(t, hold(t, Row{
		Number: 22, Tasks: 50, Env: f.env(), Stage: Options{TLS: changing(&config), PerConnection: 7},
		Play: func(ctx context.Context, r *Run) error {
			for range 10 {
				config.Store(serving(ca.pair(t, "127.0.0.1", soon())))
				r.Load(20)
				if err := r.AwaitCalls(ctx, "update", 10); err != nil {
					return err
				}
			}
			return nil
		},
	}))
}

// Client certificate and authority are renewed on disk while the worker runs:
// the files are read again, and nothing is restarted.
func TestClientCertificateAndAuthorityAreRenewed(t *testing.T) {
	t.Parallel()
	f := newFiles(t)
	var config atomic.Pointer[tls.Config]
	install := func(name string) {
		ca := newAuthority(t, name)
		cert, key := ca.issue(t, "client", soon())
		replace(t, f.ca, ca.pem())
		replace(t, f.cert, cert)
		replace(t, f.key, key)
		config.Store(asking(serving(ca.pair(t, "127.0.0.1", soon())), ca))
	}
	install("first")
	v := hold(t, Row{
		Number: 22, Tasks: 50, Env: f.env(), Stage: Options{TLS: changing(&config), PerConnection: 7, Lease: 5 * time.Second},
		Play: func(ctx context.Context, r *Run) error {
			if err := r.AwaitCompleted(ctx, 10); err != nil {
				return err
			}
			for _, name := range []string{"second", "third", "fourth"} {
				install(name)
				r.Load(30)
				if err := r.AwaitCalls(ctx, "update", 20); err != nil {
					return err
				}
			}
			return nil
		},
	})
	if n := lines(v.Log, "changed files are in use"); n < 3 {
		t.Errorf("%d lines about new files, want 3", n)
	}
}

// With the wrong certificate before it the worker asks for nothing, says why,
// and goes on as soon as it is set right.
func TestWrongCertificatesFailClosed(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t, "ca"), newAuthority(t, "other")
	cases := map[string]struct {
		pair *tls.Certificate
		says string
	}{
		"unknown authority": {other.pair(t, "127.0.0.1", soon()), "unknown authority"},
		"wrong name":        {ca.pair(t, "other.example", soon()), "doesn't contain any IP SANs"},
		"expired":           {ca.pair(t, "127.0.0.1", time.Now().Add(-time.Minute)), "expired"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFiles(t)
			replace(t, f.ca, ca.pem())
			var config atomic.Pointer[tls.Config]
			config.Store(serving(c.pair))
			v := hold(t, Row{
				Number: 22, Tasks: 5, Env: f.env(), Stage: Options{TLS: changing(&config)},
				Play: func(ctx context.Context, r *Run) error {
					err := eventually(ctx, "it says why", func() bool { return strings.Contains(r.Worker().Log(), c.says) })
					if err != nil {
						return err
					}
					if n := len(r.Server.Requests()); n > 0 {
						t.Errorf("%d requests arrived", n)
					}
					defer config.Store(serving(ca.pair(t, "127.0.0.1", soon())))
					return alive(ctx, r.Worker(), 503)
				},
			})
			noneLost(t, v)
		})
	}
}
