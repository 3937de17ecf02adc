package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"conductor-jwt/test/conductorjar/child"
)

// worker is a running worker.
type worker struct {
	process *child.Process
	address string // of its health and metrics
	status  string // of its status page
}

// buildWorker builds the worker unless WORKER is set.
func (d *demo) buildWorker(ctx context.Context) error {
	if d.worker != "" {
		return nil
	}
	goTool, err := child.Look(d.env, "go")
	if err != nil {
		return errors.New("no go on the PATH to build the worker with; install Go, or set WORKER to a built binary")
	}
	d.screen.step("building conductor-jwt")
	binary := filepath.Join(d.folder, "conductor-jwt")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	tail := child.NewTail(8 << 10)
	err = child.Run(ctx, child.Spec{
		Path: goTool, Args: []string{"build", "-o", binary, "."}, Dir: d.root, Env: d.env, Stdout: tail, Stderr: tail,
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("go build failed:\n%s", tail.Lines(20))
	}
	d.worker = binary
	d.screen.done("conductor-jwt is built")
	return nil
}

func (d *demo) startWorker(ctx context.Context) error {
	d.screen.step("starting the worker")
	log, err := d.log("worker.log")
	if err != nil {
		return err
	}
	port, taken := freePort(ctx, 9991)
	if taken {
		d.screen.done("port 9991 is in use: the worker uses a free port")
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	page, _ := freePort(ctx, 9993)
	status := net.JoinHostPort("127.0.0.1", strconv.Itoa(page))
	tail := child.NewTail(8 << 10)
	both := io.MultiWriter(log, tail)
	process, err := child.Start(ctx, child.Spec{
		Path: d.worker, Args: []string{"worker"}, Dir: d.folder, Stdout: both, Stderr: both,
		// The caller's environment may name another server.
		Env: append(d.forOldServers(),
			"PATH="+child.Getenv(d.env, "PATH"), "HOME="+d.folder,
			"CONDUCTOR_SERVER_URL="+d.server.URL+"/api", "CONDUCTOR_JWT_LISTEN="+address,
			"CONDUCTOR_JWT_STATUS_LISTEN="+status,
			"CONDUCTOR_JWT_TASK_TYPES=GET_SIGNED_JWT,GET_ACCESS_TOKEN",
			"CONDUCTOR_JWT_POLL_TIMEOUT=1s", // a stopping worker waits for its poll
		),
		Grace: 10 * time.Second,
	})
	if err != nil {
		return err
	}
	d.running = &worker{process: process, address: "http://" + address, status: "http://" + status + "/"}
	if err := d.running.ready(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("the worker: %w; its last lines:\n%s", err, tail.Lines(20))
	}
	d.screen.done("worker polls " + d.screen.paint(bold, "GET_SIGNED_JWT") + ", its health at " +
		d.screen.paint(cyan, d.running.address+"/readyz"))
	return nil
}

// forOldServers returns settings for servers that refuse a task definition without
// an owner.
func (d *demo) forOldServers() []string {
	if d.release.Secrets {
		return nil
	}
	return []string{"CONDUCTOR_JWT_OWNER_EMAIL=" + owner}
}

// ready waits until a poll has succeeded.
func (w *worker) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if isReady(ctx, client, w.address+"/readyz") {
			return nil
		}
		select {
		case <-tick.C:
		case <-w.process.Done():
			return fmt.Errorf("it exited with status %d", w.process.ExitCode())
		case <-ctx.Done():
			return errors.New("it was not ready within 30 s")
		}
	}
}

func isReady(ctx context.Context, client *http.Client, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close() // only the status is needed
	return response.StatusCode == http.StatusOK
}

func (w *worker) stop(ctx context.Context) {
	_ = w.process.Stop(ctx) // the demo is over
}

// freePort returns the wanted port or, if it is in use, another one.
func freePort(ctx context.Context, want int) (port int, taken bool) {
	var config net.ListenConfig
	// Another program may listen on all addresses or on loopback only; on some
	// systems only the same address conflicts.
	for _, host := range []string{"127.0.0.1", ""} {
		listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(want)))
		if err != nil {
			return anyPort(ctx, config), true
		}
		_ = listener.Close() // the port must be free
	}
	return want, false
}

// anyPort returns a free port, 0 if there is none.
func anyPort(ctx context.Context, config net.ListenConfig) int {
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0
	}
	defer func() { _ = listener.Close() }() // the port must be free
	if address, ok := listener.Addr().(*net.TCPAddr); ok {
		return address.Port
	}
	return 0
}
