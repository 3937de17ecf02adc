package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"conductor-jwt/config"
	"conductor-jwt/web"
)

// webGrace is how long a scrape that is being answered may take at the end.
const webGrace = 2 * time.Second

// listen serves health and metrics and returns what ends it. A port that is
// taken ends the start only where somebody chose it: on a laptop with two
// workers nobody did, and the second takes a free one.
func (p *parts) listen(ctx context.Context, c *config.Loaded, log *slog.Logger) (func(), error) {
	if c.Listen == "" {
		log.InfoContext(ctx, "health and metrics are off")
		return func() {}, nil
	}
	server, err := web.Start(ctx, c.Listen, p.handler(log), log)
	if err != nil && c.Origin("listen").Source == config.FromDefault {
		log.WarnContext(ctx, "health and metrics take a free port: the default one cannot be had; set CONDUCTOR_JWT_LISTEN", "error", err)
		server, err = web.Start(ctx, "127.0.0.1:0", p.handler(log), log)
		if err != nil {
			log.WarnContext(ctx, "health and metrics are off: there is no free port either", "error", err)
			return func() {}, nil
		}
	}
	if err != nil {
		return nil, withHint(fmt.Errorf("listen (%s): %w", c.Origin("listen").Where, err),
			"set another address, or off")
	}
	log.InfoContext(ctx, "health and metrics are served", "address", server.Addr().String())
	return ending(server, log), nil //nolint:contextcheck // at the end ctx is over
}

// listenAll serves everything that is to be seen from outside, and returns what
// ends it. The probes are answered until the very end: a worker that drains is
// not ready, and must be heard saying so.
func (p *parts) listenAll(ctx context.Context, c *config.Loaded, log *slog.Logger) (func(), error) {
	var ends []func()
	endAll := func() {
		var all sync.WaitGroup // together: each may take webGrace
		for _, end := range ends {
			all.Go(end)
		}
		all.Wait()
	}
	for _, start := range []func() (func(), error){
		func() (func(), error) { return p.listen(ctx, c, log) },
		func() (func(), error) {
			return serve(ctx, c, "jwks_listen", c.JWKSListen, web.JWKSHandler(p.signing.published), log)
		},
		func() (func(), error) {
			return serve(ctx, c, "status_listen", c.StatusListen, web.StatusHandler(p.statusOf(c)), log)
		},
		func() (func(), error) {
			return serve(ctx, c, "pprof_listen", c.PprofListen, web.ProfileHandler(), log)
		},
	} {
		end, err := start()
		if err != nil {
			endAll()
			return nil, err
		}
		ends = append(ends, end)
	}
	if c.PprofListen != "" {
		log.WarnContext(ctx, "profiles are served to whoever is on this machine; set CONDUCTOR_JWT_PPROF_LISTEN to off when done")
	}
	return endAll, nil
}

// ending is what ends a server, which lets a scrape that is being answered end.
func ending(server *web.Server, log *slog.Logger) func() {
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), webGrace)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			log.Debug("a connection was cut at the end", "error", err)
		}
	}
}

func (p *parts) handler(log *slog.Logger) http.Handler {
	return web.HealthHandler(web.Health{
		Live:    p.worker.Live,
		Ready:   p.readiness,
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

// serve listens where a setting says so, and returns what ends it.
func serve(ctx context.Context, c *config.Loaded, setting, address string, h http.Handler, log *slog.Logger) (func(), error) {
	if address == "" {
		return func() {}, nil
	}
	server, err := web.Start(ctx, address, h, log)
	if err != nil {
		return nil, withHint(fmt.Errorf("%s (%s): %w", setting, c.Origin(setting).Where, err), "set another address, or off")
	}
	log.InfoContext(ctx, "listening", "setting", setting, "address", server.Addr().String())
	return ending(server, log), nil //nolint:contextcheck // at the end ctx is over
}

// statusOf returns a function that gives what the status page shows now.
func (p *parts) statusOf(c *config.Loaded) func() web.Status {
	settings := c.Rows()
	return func() web.Status {
		_, health := p.worker.Ready()
		return web.Status{
			Version: p.build.Version, Edition: p.build.Edition, Crypto: p.build.Crypto,
			Server: p.client.BaseURL(), Domain: c.Domain, WorkerID: c.WorkerID,
			Began: p.began, Now: p.history.Now(), Health: health,
			Hour: p.history.Hour(), Failures: p.history.Failures(),
			Keys: p.signing.current.Load().ring.Status(), Settings: settings, UI: c.UIURL,
		}
	}
}
