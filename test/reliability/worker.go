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
	// Wait gives the exit status, -1 where a signal ended it.
	Wait(ctx context.Context) (status int, err error)
	// Log is what it has written so far.
	Log() string
}

// Starter starts a worker with an environment of its own.
type Starter func(env map[string]string) (Worker, error)

// Probe is where a worker says that it serves health and metrics.
func Probe(ctx context.Context, w Worker) (string, error) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if base, ok := served(w.Log()); ok {
			return base, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", fmt.Errorf("no address in the log:\n%s", w.Log())
		}
	}
}

// served is the address that a log tells.
func served(log string) (string, bool) {
	for line := range strings.SplitSeq(log, "\n") {
		var entry struct{ Msg, Address string }
		if strings.Contains(line, "health and metrics") && json.Unmarshal([]byte(line), &entry) == nil {
			return "http://" + entry.Address, entry.Msg == "health and metrics are served"
		}
	}
	return "", false
}

// Command is a worker as a program of its own.
type Command struct {
	Path string
	Args []string
	Dir  string
	Env  []string    // what every worker gets, beside the stage's
	User *child.User // who runs it, where root may choose; nil is the caller
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
		p.Terminate() // which Windows has, too
		return
	}
	_ = p.Process.Signal(s) // one that has ended needs none
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

// Build builds a program of this module as a user builds it, static and
// without cgo, and gives its path. The environment is the caller's.
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
