package cli

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"conductor-jwt/config"
	"conductor-jwt/doctor"
	"conductor-jwt/worker"
)

var (
	errOnce   = errors.New("--once counts tasks: give it 1 or more, or leave it out")
	errSecond = errors.New("stopped at once by a second signal; the server delivers the tasks in flight again when their response timeout is over")
)

func newWorkerCommand(env Env) *cobra.Command {
	var once int
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Run GET_SIGNED_JWT tasks",
		Long: `Run GET_SIGNED_JWT tasks until SIGTERM or SIGINT, which lets the tasks in flight
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

// failInLog makes what prevents a worker's start a line of its log where that is
// set to be JSON: who collects the log of a container parses every line of it.
func failInLog(env Env, cmd *cobra.Command, flags settingFlags) {
	logged := func(err error) error {
		if _, left := errors.AsType[*worker.DrainError](err); left || err == nil || errors.Is(err, errSecond) {
			return err // it had started
		}
		// Settings that are wrong are the command's to report.
		if loaded, _ := loadConfig(env, flags); loaded.LogFormat == logJSON {
			return &loggedError{err}
		}
		return err
	}
	args, run := cmd.Args, cmd.RunE
	cmd.Args = func(cmd *cobra.Command, list []string) error { return logged(args(cmd, list)) }
	cmd.RunE = func(cmd *cobra.Command, list []string) error { return logged(run(cmd, list)) }
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return logged(asUsage(flagError(cmd, err))) })
}

const (
	// unpolledEvery is how often the worker looks for tasks that no worker polls.
	unpolledEvery = 10 * time.Minute
	// maxUnpolledBody is the longest list of workflow definitions that it reads:
	// its memory is for tasks. Doctor reads longer ones.
	maxUnpolledBody = 1 << 20
)

// unpolled warns of workflows whose task looks like GET_SIGNED_JWT and lies in
// a queue that no worker polls: such a task waits, and no error says so.
type unpolled struct {
	options doctor.Options
	log     *slog.Logger
}

func (u unpolled) run(ctx context.Context) {
	warned := map[string]bool{}
	tick := time.NewTicker(unpolledEvery)
	defer tick.Stop()
	for {
		u.look(ctx, warned)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// look warns once of each queue. Doctor reports what could not be asked.
func (u unpolled) look(ctx context.Context, warned map[string]bool) {
	defer func() { _ = recover() }() // a panic would end the worker
	for _, f := range doctor.Unpolled(ctx, u.options, maxUnpolledBody) {
		if warned[f.Remedy] {
			continue
		}
		warned[f.Remedy] = true
		u.log.WarnContext(ctx, "tasks that look like GET_SIGNED_JWT have a queue that no worker polls", "found", f.Found, "hint", f.Remedy)
	}
}

// headroomBytes is how much more may be allocated from one collection to the
// next than the runtime's own least of 4 MiB.
const headroomBytes = 4 << 20

// headroom makes the garbage collector run half as often, until release: a
// worker keeps so little that its collections would come hundreds of times a
// second and cost a fifth of its tasks. The memory is never touched, so it never
// becomes resident. A higher GOGC would do the same, and double what a
// large answer takes, too.
func headroom() (release func()) {
	untouched := make([]byte, headroomBytes)
	return func() { runtime.KeepAlive(untouched) }
}
