package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"conductor-jwt/test/reliability"
)

// memory is the most that the workers of a run were resident with.
type memory struct {
	mu   sync.Mutex
	most int // KiB
}

// watch has each worker measured before it is told to end.
func (m *memory) watch(start reliability.Starter) reliability.Starter {
	return func(env map[string]string) (reliability.Worker, error) {
		w, err := start(env)
		if p, ok := w.(*reliability.Process); ok && err == nil {
			return &measured{Process: p, of: m}, nil
		}
		return w, err
	}
}

// peak is in MiB.
func (m *memory) peak() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.most >> 10
}

type measured struct {
	*reliability.Process

	of *memory
}

// Signal implements [reliability.Worker].
func (w *measured) Signal(s os.Signal) {
	now := groupPeak(w.PID())
	w.of.mu.Lock()
	w.of.most = max(w.of.most, now)
	w.of.mu.Unlock()
	w.Process.Signal(s)
}

// groupPeak adds up VmHWM of a process and of all in its group, in KiB; it is
// 0 where there is no /proc. See proc_pid_stat(5): the group is the third
// field after the name, which is in brackets.
func groupPeak(leader int) int {
	sum := 0
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // a pattern of ours
	for _, path := range stats {
		stat, err := os.ReadFile(path) //nolint:gosec // of /proc
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 3 || fields[2] != strconv.Itoa(leader) {
			continue
		}
		status, err := os.ReadFile(filepath.Join(filepath.Dir(path), "status"))
		if err != nil {
			continue
		}
		_, rest, _ = strings.Cut(string(status), "VmHWM:")
		if fields := strings.Fields(rest); len(fields) > 0 {
			kib, _ := strconv.Atoi(fields[0]) // 0 where it is no number
			sum += kib
		}
	}
	return sum
}
