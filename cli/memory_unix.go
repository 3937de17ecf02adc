//go:build unix && !linux

package cli

import "golang.org/x/sys/unix"

// keepOffDisk keeps a crash from writing the process's memory, and the keys
// in it, to a file.
func keepOffDisk() error { return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) }
