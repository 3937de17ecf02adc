//go:build unix

package cli

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// supervisor is systemd's end of NOTIFY_SOCKET.
func supervisor(t *testing.T) (*net.UnixConn, Env) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	env := map[string]string{"NOTIFY_SOCKET": socket, "WATCHDOG_USEC": "2000"}
	return conn, Env{Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
}

// heard returns the next message; "" if there is none within d.
func heard(t *testing.T, conn *net.UnixConn, d time.Duration) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(d)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64)
	n, err := conn.Read(b)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestWorkerTellsSystemdItsState(t *testing.T) {
	conn, env := supervisor(t)
	polling, drain := context.WithCancel(t.Context())
	end := (&workerRun{env: env}).notify(t.Context(), polling, func() error { return nil })
	defer end()
	for _, want := range []string{notifyReady, notifyAlive, notifyAlive} {
		if got := heard(t, conn, time.Minute); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	drain()
	for got := notifyAlive; got != notifyStopping; {
		if got = heard(t, conn, time.Minute); got != notifyAlive && got != notifyStopping {
			t.Fatalf("got %q, want %q", got, notifyStopping)
		}
	}
}

// A worker that hangs does not say that it lives, so that systemd restarts it.
func TestHangingWorkerIsSilent(t *testing.T) {
	conn, env := supervisor(t)
	n := newNotifier(env)
	ctx, cancel := context.WithCancel(t.Context())
	looks := 0
	n.run(ctx, func() error {
		if looks++; looks < 3 {
			return errors.New("hangs")
		}
		cancel()
		return nil
	})
	if got := heard(t, conn, time.Minute); got != notifyAlive || looks != 3 {
		t.Errorf("got %q after %d looks, want %q after 3", got, looks, notifyAlive)
	}
	if got := heard(t, conn, 10*time.Millisecond); got != "" {
		t.Errorf("got %q too, want one message", got)
	}
}

func TestWithoutSystemdNothingIsSent(t *testing.T) {
	if n := newNotifier(Env{Getenv: func(string) (string, bool) { return "", false }}); n != nil {
		t.Error("a notifier without NOTIFY_SOCKET")
	}
	_, env := supervisor(t)
	socket, _ := env.Getenv("NOTIFY_SOCKET")
	for name, row := range map[string]struct{ pid, usec string }{
		"another process's watchdog": {"1", "2000"}, "no watchdog": {"", ""}, "no number": {"", "often"}, "zero": {"", "0"},
	} {
		values := map[string]string{"NOTIFY_SOCKET": socket, "WATCHDOG_PID": row.pid, "WATCHDOG_USEC": row.usec}
		if n := newNotifier(Env{Getenv: func(name string) (string, bool) { return values[name], true }}); n.watchdog != 0 {
			t.Errorf("%s: %s", name, n.watchdog)
		}
	}
}
