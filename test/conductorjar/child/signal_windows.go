package child

import (
	"os"
	"os/exec"
)

func group(*exec.Cmd, *User) {}

// terminate kills: Windows has no polite signal for a program without a
// console of its own.
func terminate(p *os.Process) error { return p.Kill() }

func killGroup(p *os.Process) {
	// A process that has ended cannot be killed, and need not be.
	_ = p.Kill()
}
