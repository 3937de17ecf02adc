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

func credential(as *User) *syscall.Credential {
	if as == nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(as.UID), Gid: uint32(as.GID)} //nolint:gosec // numbers of the system's own table
}
