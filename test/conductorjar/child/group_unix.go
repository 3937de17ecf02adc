//go:build unix && !linux

package child

import (
	"os/exec"
	"syscall"
)

func group(cmd *exec.Cmd, as *User) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: credential(as)}
}
