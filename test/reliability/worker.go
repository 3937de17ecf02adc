package reliability

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"conductor-jwt/test/conductorjar/child"
)

// Worker is a running worker, in this process or another.
type Worker interface {
	// Signal sends SIGTERM or SIGINT; [os.Kill] ends it at once.
	Signal(s os.Signal)
	// Wait returns the exit status, -1 if a signal ended it.
	Wait(ctx context.Context) (status int, err error)
	// Log returns what it has written so far.
	Log() string
}

// Starter starts a worker with an environment.
type Starter func(env map[string]string) (Worker, error)

// BaseURL waits until the worker has logged where it serves health and metrics,
// and returns that URL.
func BaseURL(ctx context.Context, w Worker) (string, error) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if base, ok := loggedURL(w.Log()); ok {
			return base, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", fmt.Errorf("the log does not hold the address of health and metrics:\n%s", w.Log())
		}
	}
}

// loggedURL returns the URL of health and metrics that a log holds.
func loggedURL(log string) (string, bool) {
	for line := range strings.SplitSeq(log, "\n") {
		var entry struct{ Msg, Address string }
		if strings.Contains(line, "health and metrics") && json.Unmarshal([]byte(line), &entry) == nil {
			return "http://" + entry.Address, entry.Msg == "health and metrics are served"
		}
	}
	return "", false
}

// Command is a worker's program.
type Command struct {
	Path string
	Args []string
	Dir  string
	Env  []string    // beside the testbed's
	User *child.User // nil is the caller; another needs root
}

// Process is a worker that runs as a process.
type Process struct {
	*child.Process

	log *child.Tail
}

// Start is a [Starter].
func (c Command) Start(env map[string]string) (Worker, error) {
	log := child.NewTail(64 << 20)
	all := slices.Clone(c.Env)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		all = append(all, name+"="+env[name])
	}
	p, err := child.Start(context.Background(), child.Spec{
		Path: c.Path, Args: c.Args, Dir: c.Dir, Env: all, Stdout: log, Stderr: log, User: c.User,
	})
	if err != nil {
		return nil, fmt.Errorf("reliability: %w", err)
	}
	return &Process{Process: p, log: log}, nil
}

// Signal implements [Worker].
func (p *Process) Signal(s os.Signal) {
	if s == os.Kill {
		p.Kill()
		return
	}
	if s == syscall.SIGTERM {
		p.Terminate() // works on Windows, too
		return
	}
	_ = p.Process.Signal(s) // fails only if it has ended
}

// Wait implements [Worker].
func (p *Process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.Done():
		return p.ExitCode(), nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// Log implements [Worker].
func (p *Process) Log() string { return p.log.String() }

// Build builds a program of this module without cgo, into folder, and returns
// its path.
func Build(ctx context.Context, environ []string, root, pkg, folder string) (string, error) {
	tool, err := child.Look(environ, "go")
	if err != nil {
		return "", fmt.Errorf("reliability: no go on the PATH to build %s with", pkg)
	}
	binary := filepath.Join(folder, filepath.Base(pkg))
	if pkg == "." {
		binary = filepath.Join(folder, "conductor-jwt")
	}
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	out, err := child.Output(ctx, child.Spec{
		Path: tool, Args: []string{"build", "-trimpath", "-o", binary, pkg}, Dir: root,
		Env: append(slices.Clone(environ), "CGO_ENABLED=0"),
	})
	if err != nil {
		return "", fmt.Errorf("reliability: go build %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}
