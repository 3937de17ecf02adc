package cli

import (
	"errors"

	"golang.org/x/sys/unix"
)

// keepOffDisk keeps the process's memory, and the keys in it, to itself: a
// crash writes no core file, and no other process of the same user may attach
// or read /proc/PID/mem.
func keepOffDisk() error {
	return errors.Join(
		unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}),
		unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0),
	)
}
