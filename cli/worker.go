package cli

import (
	"context"
	"errors"
	"log/slog"
	"os"

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
	return cmd
}

// runWorker is a worker's life: assemble, listen, run, drain, stop listening.
func runWorker(ctx context.Context, env Env, c *config.Loaded, once int, log *slog.Logger) error {
	p, err := assemble(ctx, env, c, once, log)
	if err != nil {
		return err
	}
	defer p.client.Close()
	if p.build.backEnd.rsa == nil { // OpenSSL takes as much memory for itself
		defer headroom()()
	}
	announce(ctx, p.build, c, p.client.BaseURL(), log)
	if err := keepOffDisk(); err != nil {
		log.WarnContext(ctx, "core dumps could not be turned off: a crash may write keys to disk")
	}
	// Whoever hears that the worker lives may end it: signals come first.
	var signals <-chan os.Signal
	if env.Signals != nil {
		delivered, stop := env.Signals()
		defer stop()
		signals = delivered
	}
	closeWeb, err := p.listenAll(ctx, c, log)
	if err != nil {
		return err
	}
	defer closeWeb()
	defer p.signing.run(ctx, env)()

	polling, drain := context.WithCancel(ctx)
	defer drain()
	p.register(polling)
	return p.runUntilSignal(polling, signals, drain, log)
}

// runUntilSignal drains on the first signal and ends at once on the second.
func (p *parts) runUntilSignal(ctx context.Context, signals <-chan os.Signal, drain func(), log *slog.Logger) error {
	done := make(chan error, 1)
	go func() { done <- p.worker.Run(ctx) }()
	for asked := false; ; asked = true {
		select {
		case err := <-done:
			return err
		case s := <-signals:
			if asked {
				p.worker.Abort()
				return errSecond
			}
			log.InfoContext(ctx, "signal received: finishing the tasks in hand", "signal", s.String())
			drain()
		}
	}
}
