//go:build unix

package child

import (
	"os"
	"syscall"
)

// terminate signals the leader alone: it knows best how to end its own, and
// killGroup comes after it.
func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }

func killGroup(p *os.Process) {
	// ESRCH, the usual answer, says that the group is gone already.
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
}
