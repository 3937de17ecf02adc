package main

import (
	"os"
	"sync"

	"github.com/prometheus/procfs"

	"conductor-jwt/test/reliability"
)

// memory is the maximum resident memory of the workers of a run.
type memory struct {
	mu  sync.Mutex
	max int // KiB
}

// watch measures each worker before it is stopped.
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
	return m.max >> 10
}

type measured struct {
	*reliability.Process

	of *memory
}

// Signal implements [reliability.Worker].
func (w *measured) Signal(s os.Signal) {
	now := groupPeak(w.PID())
	w.of.mu.Lock()
	w.of.max = max(w.of.max, now)
	w.of.mu.Unlock()
	w.Process.Signal(s)
}

// groupPeak adds up VmHWM of all processes in a group, in KiB; it is 0 where
// there is no /proc.
func groupPeak(leader int) int {
	sum := uint64(0)
	all, _ := procfs.AllProcs() // without /proc nothing is measured
	for _, p := range all {
		stat, err := p.Stat()
		if err != nil || stat.PGRP != leader {
			continue // it has ended, or is of another group
		}
		if status, err := p.NewStatus(); err == nil {
			sum += status.VmHWM
		}
	}
	return int(sum >> 10)
}
