package main

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"

	"conductor-jwt/bench/samples"
)

// describe records the machine and the versions, once in a file.
func (b *bench) describe(ctx context.Context) error {
	if len(b.samples) > 0 {
		return nil
	}
	facts := map[string]string{
		"date": time.Now().UTC().Format(time.DateOnly), "go": runtime.Version(),
		"system": runtime.GOOS + "/" + runtime.GOARCH,
		"kernel": first(ctx, "uname", "-r"), "cores": first(ctx, "nproc"),
		"openssl": first(ctx, "openssl", "version"),
		"native":  first(ctx, b.dir+"/"+workerNative, "version"), "static": first(ctx, b.dir+"/"+workerStatic, "version"),
		conductorGo: joinNonEmpty(goModules(ctx, b.dir+"/"+conductorGo)),
		python:      joinNonEmpty(words("bench/peers/python/requirements.txt", `(?m)^(\S+)==(\S+)$`), first(ctx, b.dir+"/python/bin/python", "--version")),
		javascript:  joinNonEmpty(words("bench/peers/javascript/package.json", `"([a-z@/-]+)": "([0-9.]+)"`), "Node.js "+first(ctx, "node", "--version")),
		java:        joinNonEmpty(words("bench/peers/java/pom.xml", `<artifactId>(conductor-client|nimbus-jose-jwt)</artifactId><version>([^<]+)<`), first(ctx, b.dir+"/java/java", "-version")),
		step:        joinNonEmpty(goModules(ctx, b.dir+"/"+step)),
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				facts["cpu"] = strings.Trim(name, " \t:\n")
			}
		}
	}
	s := Sample{Figure: Machine, Facts: facts}
	b.samples = append(b.samples, s)
	return samples.Append(b.file, s)
}

// first returns the first line of a command's output.
func first(ctx context.Context, words ...string) string {
	out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput() //nolint:gosec // a constant name
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

func joinNonEmpty(parts ...string) string {
	var list []string
	for _, p := range parts {
		if p != "" {
			list = append(list, p)
		}
	}
	return strings.Join(list, ", ")
}

// words returns the names and versions that a pattern matches in a file.
func words(file, pattern string) string {
	text, err := os.ReadFile(file) //nolint:gosec // a constant name
	if err != nil {
		return ""
	}
	return pairs(string(text), pattern)
}

func pairs(text, pattern string) string {
	var list []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		list = append(list, m[1]+" "+m[2])
	}
	return strings.Join(list, ", ")
}

// goModules returns the SDK and JWT modules of a Go binary, with versions.
func goModules(ctx context.Context, binary string) string {
	out, err := exec.CommandContext(ctx, "go", "version", "-m", binary).Output() //nolint:gosec // a constant name
	if err != nil {
		return ""
	}
	return pairs(string(out), `github\.com/(?:conductor-sdk|golang-jwt|smallstep)/(conductor-go|jwt/v5|cli)\s+(v[0-9.]+)`)
}
