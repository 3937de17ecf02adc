//go:build unix

package child

import (
	"os"
	"syscall"
)

// terminate signals only the leader, which ends its own children; killGroup
// follows.
func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }

func killGroup(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL) // ESRCH: the group has ended
}

func credential(as *User) *syscall.Credential {
	if as == nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(as.UID), Gid: uint32(as.GID)} //nolint:gosec // numbers from the system's user database
}
