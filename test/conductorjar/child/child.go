// Package child runs other programs so that none of them outlives this one:
// each is the leader of its own process group, the group is ended as a whole,
// and on Linux the kernel ends the leader even when this program is killed.
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

// Spec is one program to run.
type Spec struct {
	Path   string
	Args   []string // without the program's name
	Dir    string
	Env    []string // the whole environment; nil is an empty one
	Stdout io.Writer
	Stderr io.Writer
	Grace  time.Duration // from the polite signal to the kill; 0 is 5 s
	User   *User         // who runs it, where root may choose; nil is the caller
}

// User is a user of the system, by number.
type User struct{ UID, GID int }

// Nobody is the user that every Unix has for what needs no rights.
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
		cmd.Env = []string{} // a nil Env would inherit ours, keys and all
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

// run starts the child and waits for it on one operating system thread: the
// parent-death signal of Linux is sent when the thread that forked ends, not
// the process (prctl(2), PR_SET_PDEATHSIG).
func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	started <- nil
	p.err = p.cmd.Wait()
	killGroup(p.cmd.Process) // what the leader left behind
	close(p.done)
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how the child ended: nil after status 0. It is valid once Done is
// closed.
func (p *Process) Err() error { return p.err }

// ExitCode is the child's exit status once Done is closed, -1 where a signal
// ended it.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// Signal sends a signal to the leader alone.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Terminate asks the child to end and does not wait.
func (p *Process) Terminate() {
	// A child that has just ended cannot be signalled, and need not be.
	_ = terminate(p.cmd.Process)
}

// Kill ends the whole group at once and waits for the leader.
func (p *Process) Kill() {
	select {
	case <-p.done: // its id may be somebody else's by now
		return
	default:
	}
	killGroup(p.cmd.Process)
	<-p.done
}

// Stop asks the child to end, kills it when the grace is over or ctx is done,
// and waits. It returns Err.
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

// Run runs the program to its end.
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

// ErrNotFound is the answer of Look.
var ErrNotFound = errors.New("not found")
