package reliability

import (
	"context"
	"crypto/tls"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// changing returns a configuration whose handshakes use the latest config.
func changing(config *atomic.Pointer[tls.Config]) *tls.Config {
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return config.Load(), nil }}
}

func serving(pair *tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{*pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
}

func requireClientCert(config *tls.Config, ca *authority) *tls.Config {
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, ca.pool()
	return config
}

func TestServerCertificateIsRotatedUnderLoad(t *testing.T) {
	t.Parallel()
	ca, f := newAuthority(t, "ca"), newFiles(t)
	replace(t, f.ca, ca.pem())
	var config atomic.Pointer[tls.Config]
	config.Store(serving(ca.pair(t, "127.0.0.1", inAnHour())))
	wantNoneLost(t, runRow(t, Row{
		Number: 22, Tasks: 50, Env: f.env(), Options: Options{TLS: changing(&config), PerConnection: 7},
		Steps: func(ctx context.Context, r *Run) error {
			for range 10 {
				config.Store(serving(ca.pair(t, "127.0.0.1", inAnHour())))
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
		cert, key := ca.issue(t, "client", inAnHour())
		replace(t, f.ca, ca.pem())
		replace(t, f.cert, cert)
		replace(t, f.key, key)
		config.Store(requireClientCert(serving(ca.pair(t, "127.0.0.1", inAnHour())), ca))
	}
	install("first")
	v := runRow(t, Row{
		Number: 22, Tasks: 50, Env: f.env(), Options: Options{TLS: changing(&config), PerConnection: 7, Lease: 5 * time.Second},
		Steps: func(ctx context.Context, r *Run) error {
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
		t.Errorf("%d lines about changed files, want at least 3", n)
	}
}

// With a wrong server certificate the worker sends no request, logs why, and
// continues when the certificate is corrected.
func TestWrongCertificatesFailClosed(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t, "ca"), newAuthority(t, "other")
	cases := map[string]struct {
		pair *tls.Certificate
		want string
	}{
		"unknown authority": {other.pair(t, "127.0.0.1", inAnHour()), "unknown authority"},
		"wrong name":        {ca.pair(t, "other.example", inAnHour()), "doesn't contain any IP SANs"},
		"expired":           {ca.pair(t, "127.0.0.1", time.Now().Add(-time.Minute)), "expired"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFiles(t)
			replace(t, f.ca, ca.pem())
			var config atomic.Pointer[tls.Config]
			config.Store(serving(c.pair))
			v := runRow(t, Row{
				Number: 22, Tasks: 5, Env: f.env(), Options: Options{TLS: changing(&config)},
				Steps: func(ctx context.Context, r *Run) error {
					err := eventually(ctx, "the log says why", func() bool { return strings.Contains(r.Worker().Log(), c.want) })
					if err != nil {
						return err
					}
					if n := len(r.Server.Requests()); n > 0 {
						t.Errorf("%d requests arrived, want 0", n)
					}
					defer config.Store(serving(ca.pair(t, "127.0.0.1", inAnHour())))
					return checkProbes(ctx, r.Worker(), 503)
				},
			})
			wantNoneLost(t, v)
		})
	}
}
