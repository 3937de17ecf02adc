package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
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
	if err != nil && !c.ListenSet() {
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

// listenProfiles serves profiles where somebody has asked for them.
func listenProfiles(ctx context.Context, c *config.Loaded, log *slog.Logger) (func(), error) {
	if c.PprofListen == "" {
		return func() {}, nil
	}
	server, err := web.Start(ctx, c.PprofListen, web.Profiles(), log)
	if err != nil {
		return nil, withHint(fmt.Errorf("pprof_listen (%s): %w", c.Origin("pprof_listen").Where, err),
			"set another loopback address, or off")
	}
	log.WarnContext(ctx, "profiles are served to whoever is on this machine; set CONDUCTOR_JWT_PPROF_LISTEN to off when done",
		"address", server.Addr().String())
	return ending(server, log), nil //nolint:contextcheck // at the end ctx is over
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
	return web.Handler(web.Options{
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

// listenJWKS serves the public keys where somebody has asked for them.
func (p *parts) listenJWKS(ctx context.Context, c *config.Loaded, log *slog.Logger) (func(), error) {
	if c.JWKSListen == "" {
		return func() {}, nil
	}
	server, err := web.Start(ctx, c.JWKSListen, web.JWKSHandler(p.signing.published), log)
	if err != nil {
		return nil, withHint(fmt.Errorf("jwks_listen (%s): %w", c.Origin("jwks_listen").Where, err), "set another address, or off")
	}
	log.InfoContext(ctx, "public keys are served", "address", server.Addr().String())
	return func() { //nolint:contextcheck // at the end ctx is over
		ctx, cancel := context.WithTimeout(context.Background(), webGrace)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			log.Debug("a connection was cut at the end", "error", err)
		}
	}, nil
}
