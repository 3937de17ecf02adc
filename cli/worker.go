package cli

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync/atomic"

	"github.com/spf13/cobra"

	"conductor-jwt/config"
)

var (
	errOnce   = errors.New("--once counts tasks: give it 1 or more, or leave it out")
	errSecond = errors.New("stopped at once by a second signal; the server delivers the tasks in hand again when their response timeout is over")
)

func newWorkerCommand(env Env) *cobra.Command {
	var once int
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Run GET_SIGNED_JWT tasks",
		Long: `Run GET_SIGNED_JWT tasks until SIGTERM or SIGINT, which lets the tasks in hand
finish; a second signal ends at once. Every setting can also come from the
environment or a file: see docs/configuration.md. A secret has no flag: set
CONDUCTOR_AUTH_SECRET, or CONDUCTOR_AUTH_SECRET_FILE to a file that holds it.`,
		Args: noArgs,
	}
	flags := addSettings(cmd)
	cmd.Flags().IntVar(&once, "once", 0, "end after so many tasks")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().Changed("once") && once < 1 {
			return asUsage(errOnce)
		}
		loaded, err := loadConfig(env, flags)
		if err != nil {
			return configError(err)
		}
		log := newLogger(env, loaded.LogLevel, loaded.LogFormat)
		return runWorker(cmd.Context(), env, loaded, once, log)
	}
	failInLog(env, cmd, flags)
	return cmd
}

// runWorker starts a worker and obeys signals, from before the start until the
// process ends. The first lets the tasks in flight finish; a second ends at once,
// whatever the worker waits for.
func runWorker(ctx context.Context, env Env, c *config.Loaded, once int, log *slog.Logger) error {
	signals, stop := listenFor(env.Signals)
	defer stop()
	reloads, stop := listenFor(env.Reloads)
	defer stop()
	polling, drain := context.WithCancel(ctx)
	defer drain()
	aborted, abort := context.WithCancel(ctx)
	defer abort()
	l := &life{env: env, c: c, once: once, log: log, reloads: reloads}
	done := make(chan error, 1)
	go func() { done <- l.run(ctx, polling, aborted) }()
	for asked := false; ; asked = true {
		select {
		case err := <-done:
			return err
		case s := <-signals:
			if asked {
				return errSecond
			}
			drain()
			if l.begun.CompareAndSwap(false, true) {
				return nil // no task was polled yet: there is nothing to wait for
			}
			go log.InfoContext(ctx, "signal received: finishing the tasks in flight", "signal", s.String()) // a log that blocks must not block signals
		}
	}
}

// listenFor starts to deliver signals; never any where the Env has none.
func listenFor(start func() (<-chan os.Signal, func())) (<-chan os.Signal, func()) {
	if start == nil {
		return nil, func() {}
	}
	return start()
}

// life is one run of a worker.
type life struct {
	env     Env
	c       *config.Loaded
	once    int
	log     *slog.Logger
	reloads <-chan os.Signal
	begun   atomic.Bool // set by run before the first poll, or by a signal that comes before it
}

// run assembles a worker, listens, polls until polling ends, drains, and stops
// listening. When aborted ends it leaves the tasks in flight to the server.
func (l *life) run(ctx, polling, aborted context.Context) error {
	p, err := assemble(polling, l.env, l.c, l.once, l.log)
	if err != nil {
		return err
	}
	defer p.client.Close()
	if p.build.backEnd.rsa == nil { // OpenSSL takes as much memory for itself
		defer headroom()()
	}
	announce(ctx, p.build, l.c, p.client.BaseURL(), l.log)
	if l.env.unprotected {
		l.log.WarnContext(ctx, "core dumps could not be turned off: a crash may write keys to disk")
	}
	closeWeb, err := p.listenAll(ctx, l.c, l.log)
	if err != nil {
		return err
	}
	defer closeWeb()
	defer p.signing.run(ctx, l.reloads)()
	if !l.begun.CompareAndSwap(false, true) {
		return nil
	}
	defer context.AfterFunc(aborted, p.worker.Abort)()
	p.register(polling)
	return p.worker.Run(polling)
}
