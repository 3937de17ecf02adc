package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/config"
	"conductor-jwt/web"
)

// webGrace is the maximum time that a request may take at shutdown.
const webGrace = 2 * time.Second

// listenAll starts all web servers and returns what closes them. They answer
// until the end: while the worker drains, its probes say that it is not ready.
func (p *parts) listenAll(ctx context.Context, c *config.Loaded, log *slog.Logger) (closeAll func(), err error) {
	var servers []*web.Server
	closeAll = func() { //nolint:contextcheck // ctx is over at shutdown
		var all sync.WaitGroup // together: each may take webGrace
		for _, server := range servers {
			all.Go(func() { closeServer(server, log) })
		}
		all.Wait()
	}
	for _, start := range []func() (*web.Server, error){
		func() (*web.Server, error) { return listenForHealth(ctx, c, p.handler(c, log), log) },
		func() (*web.Server, error) {
			return serve(ctx, c, "jwks_listen", c.JWKSListen, web.JWKSHandler(p.signing.published), log)
		},
		func() (*web.Server, error) {
			return serve(ctx, c, "status_listen", c.StatusListen, web.StatusHandler(p.statusOf(c)), log)
		},
		func() (*web.Server, error) {
			return serve(ctx, c, "pprof_listen", c.PprofListen, web.ProfileHandler(), log)
		},
	} {
		server, err := start()
		if err != nil {
			closeAll()
			return nil, err
		}
		if server != nil {
			servers = append(servers, server)
		}
	}
	if c.PprofListen != "" {
		log.WarnContext(ctx, "every user of this machine can read profiles; set CONDUCTOR_JWT_PPROF_LISTEN to off when done")
	}
	return closeAll, nil
}

// listenForHealth serves health and metrics. An address that is in use prevents the start
// only if it was configured; the default one is replaced by a free port, so that
// two workers can run on one machine.
func listenForHealth(ctx context.Context, c *config.Loaded, h http.Handler, log *slog.Logger) (*web.Server, error) {
	if c.Listen == "" {
		log.InfoContext(ctx, "health and metrics are off")
		return nil, nil //nolint:nilnil // off
	}
	server, err := web.Start(ctx, c.Listen, h, log)
	if err != nil && c.Origin("listen").Source == config.FromDefault {
		log.WarnContext(ctx, "health and metrics use a free port, because the default one is not available; set CONDUCTOR_JWT_LISTEN", "error", err)
		server, err = web.Start(ctx, "127.0.0.1:0", h, log)
		if err != nil {
			log.WarnContext(ctx, "health and metrics are off: no port is available", "error", err)
			return nil, nil //nolint:nilnil // off
		}
	}
	if err != nil {
		return nil, listenError(c, "listen", err)
	}
	log.InfoContext(ctx, "health and metrics are served", "address", server.Addr().String())
	return server, nil
}

// serve starts a web server at the address of a setting, unless it is off.
func serve(ctx context.Context, c *config.Loaded, setting, address string, h http.Handler, log *slog.Logger) (*web.Server, error) {
	if address == "" {
		return nil, nil //nolint:nilnil // off
	}
	server, err := web.Start(ctx, address, h, log)
	if err != nil {
		return nil, listenError(c, setting, err)
	}
	log.InfoContext(ctx, "listening", "setting", setting, "address", server.Addr().String())
	return server, nil
}

func listenError(c *config.Loaded, setting string, err error) error {
	return withHint(fmt.Errorf("%s (%s): %w", setting, c.Origin(setting).Where, err), "set another address, or off")
}

func closeServer(server *web.Server, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), webGrace)
	defer cancel()
	if err := server.Close(ctx); err != nil {
		log.Debug("a request was cancelled at shutdown", "error", err)
	}
}

func (p *parts) handler(c *config.Loaded, log *slog.Logger) http.Handler {
	return web.HealthHandler(web.HealthOptions{
		Live:    p.worker.Live,
		Ready:   p.readiness,
		Status:  p.statusOf(c),
		Metrics: p.registry,
		Logger:  log,
	})
}

func (p *parts) readiness() web.Readiness {
	ready, health := p.worker.Ready()
	r := web.Readiness{Ready: ready, Details: health}
	switch {
	case ready:
	case health.Draining:
		r.Reason = "draining"
	default:
		r.Reason = "no poll has succeeded yet"
	}
	return r
}

// statusOf returns the source of the status page and of the command status.
func (p *parts) statusOf(c *config.Loaded) func() web.Status {
	settings := c.Rows()
	return func() web.Status {
		_, health := p.worker.Ready()
		return web.NewStatus(web.StatusSource{
			AccessTokens: p.signing.accessTokens(),
			Process: web.Process{
				Version: p.build.Version, Edition: p.build.Edition, Crypto: p.build.Crypto,
				ID: c.WorkerID, Server: p.client.BaseURL(), Domain: c.Domain, Began: p.began,
			},
			Verifiers: p.signing.verifierSets(),
			Health:    health, Hour: p.history.Hour(), Keys: p.signing.current.Load().ring.Status(), PolicyRefused: p.signing.reloads.isRefused.Load(),
			Settings: settings, Executions: executionsURL(c, p.client.BaseURL()),
		})
	}
}

// executionsURL returns the URL of executions: in Conductor's user interface or, of
// a server on this machine that needs no credentials, in its API. Empty: none.
func executionsURL(c *config.Loaded, server string) string {
	switch {
	case c.UIURL != "":
		return strings.TrimRight(c.UIURL, "/") + "/execution/"
	case c.AuthKey == "" && strings.HasPrefix(server, "http:") && !conductor.Cleartext(server):
		return server + "/workflow/"
	}
	return ""
}
