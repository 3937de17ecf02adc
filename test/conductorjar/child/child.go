// Package child runs other programs so that none of them outlives this one: each
// is the leader of its own process group, the whole group is killed, and on Linux
// the kernel kills the leader when this program is killed.
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"time"
)

// Spec is a program to run.
type Spec struct {
	Path   string
	Args   []string // without the program's name
	Dir    string
	Env    []string // the whole environment; nil is an empty one
	Stdout io.Writer
	Stderr io.Writer
	Grace  time.Duration // from SIGTERM to SIGKILL; 0 is 5 s
	User   *User         // nil is the caller; another needs root
}

// User is a user of the system, by number.
type User struct{ UID, GID int }

// Nobody returns the unprivileged user nobody.
func Nobody() (*User, error) {
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.Atoi(nobody.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(nobody.Gid)
	if err != nil {
		return nil, err
	}
	return &User{UID: uid, GID: gid}, nil
}

// Process is a running child.
type Process struct {
	cmd   *exec.Cmd
	grace time.Duration
	done  chan struct{}
	err   error // valid once done is closed
}

// Start starts the program. When ctx is done the child is stopped as by Stop.
func Start(ctx context.Context, spec Spec) (*Process, error) {
	cmd := exec.CommandContext(ctx, spec.Path, spec.Args...) //nolint:gosec // running the given program is this package's purpose
	cmd.Dir, cmd.Stdout, cmd.Stderr = spec.Dir, spec.Stdout, spec.Stderr
	cmd.Env = spec.Env
	if cmd.Env == nil {
		cmd.Env = []string{} // a nil Env would inherit the caller's, keys included
	}
	p := &Process{cmd: cmd, grace: spec.Grace, done: make(chan struct{})}
	if p.grace == 0 {
		p.grace = 5 * time.Second
	}
	cmd.Cancel = func() error { return terminate(cmd.Process) }
	cmd.WaitDelay = p.grace
	group(cmd, spec.User)
	started := make(chan error, 1)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Path, err)
	}
	return p, nil
}

// run starts the child and waits for it on one operating system thread, because
// Linux sends the parent-death signal when the thread that forked ends, not the
// process (prctl(2), PR_SET_PDEATHSIG).
func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	started <- nil
	p.err = p.cmd.Wait()
	killGroup(p.cmd.Process) // processes that the leader left behind
	close(p.done)
}

// PID returns the process ID.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child has exited.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err returns nil after exit status 0. It is valid once Done is closed.
func (p *Process) Err() error { return p.err }

// ExitCode returns the exit status, -1 if a signal ended the child. It is valid
// once Done is closed.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// Signal sends a signal to the leader of the group.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Terminate sends SIGTERM and does not wait.
func (p *Process) Terminate() {
	_ = terminate(p.cmd.Process) // fails only if the child has exited
}

// Kill kills the whole group and waits for the leader.
func (p *Process) Kill() {
	select {
	case <-p.done: // the process ID may have been reused
		return
	default:
	}
	killGroup(p.cmd.Process)
	<-p.done
}

// Stop sends SIGTERM, kills the group after the grace or when ctx is done, and
// waits. It returns Err.
func (p *Process) Stop(ctx context.Context) error {
	p.Terminate()
	timer := time.NewTimer(p.grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return p.err
	case <-timer.C:
	case <-ctx.Done():
	}
	p.Kill()
	return p.err
}

// Run runs the program and waits for it.
func Run(ctx context.Context, spec Spec) error {
	p, err := Start(ctx, spec)
	if err != nil {
		return err
	}
	<-p.done
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w", spec.Path, p.err)
	}
	return nil
}

// Output runs the program and returns what it wrote to both streams.
func Output(ctx context.Context, spec Spec) (string, error) {
	tail := NewTail(64 << 10)
	spec.Stdout, spec.Stderr = tail, tail
	err := Run(ctx, spec)
	return tail.String(), err
}

// ErrNotFound is returned by Look.
var ErrNotFound = errors.New("not found")
