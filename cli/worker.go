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
	errOnce   = errors.New("--once: the number is less than 1; give the number of tasks, or leave the flag out")
	errSecond = errors.New("stopped at once by a second signal; the server delivers the tasks in flight again when their response timeout is over")
)

func newWorkerCommand(env Env) *cobra.Command {
	var once int
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Run the tasks of the setting task_types",
		Long: `Run the tasks of the setting task_types, by default GET_SIGNED_JWT, until
SIGTERM or SIGINT. The worker then finishes the tasks in flight; a second signal
stops it at once. Every setting can also be set by a variable or a file: see
docs/configuration.md. Secrets have no flag: set CONDUCTOR_AUTH_SECRET, or
CONDUCTOR_AUTH_SECRET_FILE to a file that holds it.`,
		Args: noArgs,
	}
	flags := addSettings(cmd)
	cmd.Flags().IntVar(&once, "once", 0, "stop after this `number` of tasks")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().Changed("once") && once < 1 {
			return asUsage(errOnce)
		}
		loaded, err := loadConfig(env, flags)
		if err != nil {
			return err
		}
		log := newLogger(env, loaded.LogLevel, loaded.LogFormat)
		return runWorker(cmd.Context(), env, loaded, once, log)
	}
	logStartErrors(env, cmd, flags)
	return cmd
}

// runWorker runs a worker and handles signals from before its start. The first
// signal drains it; the second ends it at once, whatever it waits for.
func runWorker(ctx context.Context, env Env, c *config.Loaded, once int, log *slog.Logger) error {
	signals, stop := listenFor(env.Signals)
	defer stop()
	reloads, stop := listenFor(env.Reloads)
	defer stop()
	polling, drain := context.WithCancel(ctx)
	defer drain()
	aborted, abort := context.WithCancel(ctx)
	defer abort()
	r := &workerRun{env: env, c: c, once: once, log: log, reloads: reloads}
	done := make(chan error, 1)
	go func() { done <- r.run(ctx, polling, aborted) }()
	for draining := false; ; draining = true {
		select {
		case err := <-done:
			return err
		case s := <-signals:
			if draining {
				return errSecond
			}
			drain()
			if r.begun.CompareAndSwap(false, true) {
				return nil // no task was polled
			}
			go log.InfoContext(ctx, "signal received: finishing the tasks in flight", "signal", s.String()) // the log may block
		}
	}
}

// listenFor starts to deliver signals; it delivers none if start is nil.
func listenFor(start func() (<-chan os.Signal, func())) (<-chan os.Signal, func()) {
	if start == nil {
		return nil, func() {}
	}
	return start()
}

// workerRun is one run of a worker.
type workerRun struct {
	env     Env
	c       *config.Loaded
	once    int
	log     *slog.Logger
	reloads <-chan os.Signal
	begun   atomic.Bool // set before the first poll, or by a signal before that
}

// run builds the worker, starts its web servers, polls until polling ends and
// drains. When aborted ends it abandons the tasks in flight.
func (r *workerRun) run(ctx, polling, aborted context.Context) error {
	p, err := assemble(polling, r.env, r.c, r.once, r.log)
	if err != nil {
		return err
	}
	defer p.client.Close()
	if p.build.backEnd.rsa == nil { // OpenSSL allocates outside of Go's heap
		defer headroom()()
	}
	if cores := newProcs(r.env); cores != nil {
		go cores.run(polling)
	}
	announce(ctx, p.build, r.c, p.client.BaseURL(), r.log)
	if r.env.unprotected {
		r.log.WarnContext(ctx, "core dumps could not be turned off: a crash may write keys to disk")
	}
	closeWeb, err := p.listenAll(ctx, r.c, r.log)
	if err != nil {
		return err
	}
	defer closeWeb()
	defer p.signing.run(ctx, r.reloads)()
	if !r.begun.CompareAndSwap(false, true) {
		return nil
	}
	defer context.AfterFunc(aborted, p.worker.Abort)()
	p.register(polling)
	defer r.notify(ctx, polling, p.worker.Live)()
	return p.worker.Run(polling)
}

// logStartErrors prints an error that prevents the start of the worker as a line
// of its log, if that is JSON: every line of a container's log is parsed.
func logStartErrors(env Env, cmd *cobra.Command, flags settingFlags) {
	logged := func(err error) error {
		if _, ok := errors.AsType[*worker.DrainError](err); ok || err == nil || errors.Is(err, errSecond) {
			return err // the worker had started
		}
		// The command itself reports an error of the settings.
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
	// unpolledInterval is the time between two looks for tasks that no worker polls.
	unpolledInterval = 10 * time.Minute
	// maxUnpolledBody is the maximum size in bytes of the workflow definitions that
	// the worker reads. Doctor reads more.
	maxUnpolledBody = 1 << 20
)

// unpolled warns of workflows with a task that looks like GET_SIGNED_JWT and whose
// queue no worker polls: it would wait without an error.
type unpolled struct {
	options doctor.Options
	log     *slog.Logger
}

func (u unpolled) run(ctx context.Context) {
	warned := map[string]bool{}
	tick := time.NewTicker(unpolledInterval)
	defer tick.Stop()
	for {
		u.warn(ctx, warned)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// warn warns once of each queue. A failed request is left to doctor.
func (u unpolled) warn(ctx context.Context, warned map[string]bool) {
	defer func() { _ = recover() }() // a panic would end the worker
	for _, f := range doctor.Unpolled(ctx, u.options, maxUnpolledBody) {
		if warned[f.Remedy] {
			continue
		}
		warned[f.Remedy] = true
		u.log.WarnContext(ctx, "tasks that look like GET_SIGNED_JWT have a queue that no worker polls", "found", f.Found, "hint", f.Remedy)
	}
}

// headroom makes the garbage collector run half as often, until release. The heap
// of a worker is smaller than the runtime's minimum of 4 MiB, so that under load
// it is collected hundreds of times a second, which costs a fifth of the tasks. The
// memory is never written, so that it does not become resident. A higher GOGC
// would also double the memory that a large answer takes.
func headroom() (release func()) {
	unused := make([]byte, 4<<20)
	return func() { runtime.KeepAlive(unused) }
}
