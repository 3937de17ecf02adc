package main

import (
	"bytes"
	"context"
	"crypto"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"syscall"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"conductor-jwt/bench/stub"
)

// testbed is a server and a worker, or several replicas of it.
type testbed struct {
	server   *stub.Server
	http     *http.Server
	commands []*exec.Cmd
	output   *bytes.Buffer // of the first
	started  time.Time
	public   crypto.PublicKey
}

// launch starts a server and a worker.
func (b *bench) launch(ctx context.Context, c Cell) (*testbed, error) {
	text, public, err := stub.NewKey(c.Algorithm)
	if err != nil {
		return nil, err
	}
	task, err := stub.Task(c.Algorithm, text)
	if err != nil {
		return nil, err
	}
	s := &testbed{public: public, output: &bytes.Buffer{}}
	s.server = stub.New(stub.Options{Task: task, Fills: c.Fills, Endless: c.Figure == Throughput})
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.http = &http.Server{Handler: s.server, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.http.Serve(listener) }()

	s.started = time.Now()
	for i := range max(1, c.Replicas) {
		command := b.prepare(ctx, c, "http://"+listener.Addr().String()+"/api")
		if i == 0 {
			command.Stdout, command.Stderr = s.output, s.output
		}
		if err := command.Start(); err != nil {
			s.stop()
			return nil, err
		}
		s.commands = append(s.commands, command)
	}
	return s, nil
}

func (b *bench) prepare(ctx context.Context, c Cell, url string) *exec.Cmd {
	words := b.command(c.Worker)
	command := exec.CommandContext(ctx, words[0], words[1:]...) //nolint:gosec // a constant name
	command.Env = append(os.Environ(), c.environment(url)...)   //nolint:forbidigo // the workers need PATH and HOME
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	return command
}

func (s *testbed) pids() []int {
	var pids []int
	for _, command := range s.commands {
		pids = append(pids, command.Process.Pid)
	}
	return pids
}

// stop kills the workers with all their processes, and stops the server.
func (s *testbed) stop() {
	for _, command := range s.commands {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		_ = command.Wait()
	}
	s.commands = nil
	_ = s.http.Close()
}

// await waits until done returns true.
func (s *testbed) await(ctx context.Context, what string, done func(stub.State) bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done(s.server.State()) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("no %s: %w\n%.4000s", what, ctx.Err(), s.output)
		}
	}
	return nil
}

// check verifies the tokens of some updates, and that no task was updated twice.
func (s *testbed) check() error {
	state := s.server.State()
	if state.Twice > 0 {
		return fmt.Errorf("%d tasks were updated twice", state.Twice)
	}
	token := regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`)
	updates := s.server.Updates()
	for update := range slices.Chunk(updates, max(1, len(updates)/50)) {
		text := token.Find(update[0].Body)
		_, err := jwt.Parse(string(text), func(*jwt.Token) (any, error) { return s.public, nil })
		if err != nil {
			return fmt.Errorf("%s: %w\n%.1000s", update[0].ID, err, update[0].Body)
		}
	}
	return nil
}
