package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// describe notes what it is measured on, once a file.
func (b *bench) describe(ctx context.Context) error {
	if len(b.have) > 0 {
		return nil
	}
	facts := map[string]string{
		"date": time.Now().UTC().Format(time.DateOnly), "go": runtime.Version(),
		"system": runtime.GOOS + "/" + runtime.GOARCH,
		"kernel": first(ctx, "uname", "-r"), "cores": first(ctx, "nproc"),
		"node": first(ctx, "node", "--version"), "python": first(ctx, b.dir+"/python/bin/python", "--version"),
		"java": first(ctx, b.dir+"/java/java", "-version"), "openssl": first(ctx, "openssl", "version"),
		"full": first(ctx, b.dir+"/"+oursFull, "version"), "static": first(ctx, b.dir+"/"+oursStatic, "version"),
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				facts["cpu"] = strings.Trim(name, " \t:\n")
			}
		}
	}
	s := Sample{Figure: Machine, Facts: facts}
	b.have = append(b.have, s)
	return Append(b.file, s)
}

// first is the first line that a command says.
func first(ctx context.Context, words ...string) string {
	out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput() //nolint:gosec // of our own table
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}
