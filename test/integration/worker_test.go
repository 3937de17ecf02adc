package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"conductor-jwt/test/conductorjar"
	"conductor-jwt/test/conductorjar/child"
)

// workerProcess is a running worker.
type workerProcess struct {
	*child.Process

	url string // of its health and metrics
	log *child.Tail
}

// shortPollTimeout makes a worker stop sooner, because it waits for the poll in
// flight.
const shortPollTimeout = "CONDUCTOR_JWT_POLL_TIMEOUT=1s"

// startWorker starts a worker and waits until a poll has succeeded.
func (s *testbed) startWorker(ctx context.Context, env ...string) (*workerProcess, error) {
	w, err := s.startWorkerProcess(ctx, env...)
	if err != nil {
		return nil, err
	}
	if err := w.awaitReady(ctx); err != nil {
		w.Kill()
		return nil, fmt.Errorf("worker: %w\n%s", err, w.log.Lines(20))
	}
	return w, nil
}

// startWorkerProcess starts a worker and does not wait.
func (s *testbed) startWorkerProcess(ctx context.Context, env ...string) (*workerProcess, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	log := child.NewTail(64 << 20)
	process, err := child.Start(ctx, child.Spec{
		Path: s.binary, Args: []string{"worker"}, Dir: s.folder, Stdout: log, Stderr: log,
		Env: append([]string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + s.folder,
			"CONDUCTOR_SERVER_URL=" + s.url() + "/api", "CONDUCTOR_JWT_LISTEN=" + address,
			"LOG_LEVEL=debug",
		}, env...),
		Grace: 40 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	return &workerProcess{Process: process, url: "http://" + address, log: log}, nil
}

// url returns the server's URL, "" while there is no server; the caller's
// environment then sets the URL.
func (s *testbed) url() string {
	if s.server == nil {
		return ""
	}
	return s.server.URL
}

func (w *workerProcess) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return poll(ctx, 20*time.Millisecond, func() (bool, error) {
		select {
		case <-w.Done():
			return false, fmt.Errorf("the worker exited with status %d", w.ExitCode())
		default:
		}
		status, _ := statusOf(ctx, w.url+"/readyz") // an error means that it does not listen yet
		return status == http.StatusOK, nil
	})
}

func statusOf(ctx context.Context, url string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// poll calls done until it returns true or an error.
func poll(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// metric returns the sum of the series of a metric that contain a label, such as
// version="1.0.0"; "" is any.
func (w *workerProcess) metric(ctx context.Context, t *testing.T, name, label string) float64 {
	t.Helper()
	api := conductorjar.NewAPI(w.url)
	defer api.Close()
	page, err := api.Get(ctx, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for lines := bufio.NewScanner(bytes.NewReader(page)); lines.Scan(); {
		end := strings.LastIndex(lines.Text(), "} ") // a label may hold spaces, as "openssl 3.0.19" does
		if end < 0 {
			continue
		}
		series, number := lines.Text()[:end+1], lines.Text()[end+2:]
		if !strings.HasPrefix(series, name+"{") || !strings.Contains(series, label) {
			continue
		}
		value, err := strconv.ParseFloat(number, 64)
		if err != nil {
			t.Fatalf("%s: %q is not a number", name, number)
		}
		sum += value
	}
	return sum
}

// signed returns the number of tokens that the worker has signed.
func (w *workerProcess) signed(ctx context.Context, t *testing.T) int {
	t.Helper()
	return int(w.metric(ctx, t, "conductor_jwt_tokens_total", ""))
}
