package child

import (
	"os"
	"os/exec"
)

func group(*exec.Cmd, *User) {}

// terminate kills, because Windows has no SIGTERM.
func terminate(p *os.Process) error { return p.Kill() }

func killGroup(p *os.Process) {
	_ = p.Kill() // fails only if the process has exited
}
