package main

import (
	"context"
	"os"
	"runtime"
	"strings"

	"conductor-jwt/test/conductorjar/child"
)

// Machine is the machine and the versions of a run.
type Machine struct{ CPU, System, Kernel, Go, Worker string }

func describe(ctx context.Context, worker string) Machine {
	m := Machine{System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
	if out, err := child.Output(ctx, child.Spec{Path: worker, Args: []string{"version"}}); err == nil {
		m.Worker, _, _ = strings.Cut(out, "\n")
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				m.CPU = strings.Trim(name, " \t:\n")
			}
		}
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(text))
	}
	return m
}
