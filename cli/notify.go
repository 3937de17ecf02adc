package cli

import (
	"context"
	"net"
	"os"
	"strconv"
	"time"
)

// The messages of sd_notify(3) that the worker sends.
const (
	notifyReady    = "READY=1"
	notifyStopping = "STOPPING=1"
	notifyAlive    = "WATCHDOG=1"
)

// notifier tells systemd the state of the worker, as sd_notify(3) does, for units
// with Type=notify and WatchdogSec=.
type notifier struct {
	conn     net.Conn
	watchdog time.Duration // within which systemd wants to hear notifyAlive; 0: never
}

// notify tells systemd that the worker polls, that it lives and, when polling ends,
// that it drains, until end is called. A worker is ready without a first poll, as
// otherwise an outage of the server would keep systemd from starting it.
func (r *workerRun) notify(ctx, polling context.Context, live func() error) (end func()) {
	n := newNotifier(r.env)
	if n == nil {
		return func() {}
	}
	n.send(notifyReady)
	stop := context.AfterFunc(polling, func() { n.send(notifyStopping) })
	ctx, cancel := context.WithCancel(ctx)
	go n.run(ctx, live)
	return func() {
		stop()
		cancel()
		_ = n.conn.Close() // nothing is buffered
	}
}

// newNotifier returns nil if the process was not started by such a unit. An error
// is no reason not to work: systemd ends a unit that stays silent.
func newNotifier(env Env) *notifier {
	socket := env.variable("NOTIFY_SOCKET")
	if socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return nil
	}
	return &notifier{conn: conn, watchdog: watchdog(env)}
}

// watchdog returns the interval of sd_watchdog_enabled(3).
func watchdog(env Env) time.Duration {
	if pid := env.variable("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	usec, err := strconv.ParseInt(env.variable("WATCHDOG_USEC"), 10, 64)
	if err != nil || usec <= 0 {
		return 0
	}
	return time.Duration(usec) * time.Microsecond
}

func (n *notifier) send(message string) {
	_, _ = n.conn.Write([]byte(message)) // systemd ends a unit that stays silent
}

// run sends notifyAlive twice in an interval of the watchdog while live returns nil,
// until ctx ends.
func (n *notifier) run(ctx context.Context, live func() error) {
	if n.watchdog == 0 {
		return
	}
	tick := time.NewTicker(n.watchdog / 2)
	defer tick.Stop()
	for ctx.Err() == nil { // select may choose the tick where both are ready
		if live() == nil {
			n.send(notifyAlive)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}
